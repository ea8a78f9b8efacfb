// Package oidcserver is an OpenID Connect issuer for the time of a test: discovery, keys, JWTs, the device flow
// and the authorization code flow, over real HTTP and with real signatures. It can be told to misbehave.
package oidcserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// Audience is what the JWTs are for.
	Audience = "fgd-api"
	// ClientID is the public client of the device flow.
	ClientID = "fgd-cli"

	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/keys"
)

// Fault is how the issuer misbehaves.
type Fault int

// Faults.
const (
	None     Fault = iota
	Away           // ends every connection without an answer
	Junk           // answers what is no JSON
	Redirect       // sends everybody elsewhere
	Large          // answers more than anybody should read
	Hang           // answers when the test ends
	NoKeys         // has a set of keys that is empty
	Foreign        // calls itself by another name
	Lured          // has its keys at another host
	Echo           // refuses tokens, and says aloud what it was shown for them
	slow           // waits; Hold has it so
)

// Server is an issuer.
type Server struct {
	server *httptest.Server
	ended  chan struct{}

	mu      sync.Mutex
	fault   Fault
	keys    []Key
	asked   map[string]int
	device  device
	refresh int    // how many tokens were refreshed
	refuse  string // what is said to a refresh; empty when it is granted
	given   []string

	redirects []string               // where browsers may be sent back to
	codes     map[string]grantedCode // by what a browser was sent back with
	change    func(claims map[string]any)

	gate  chan struct{}
	began chan struct{}
}

// Key is one that the issuer signs with.
type Key struct {
	ID        string
	Algorithm jose.SignatureAlgorithm
	Private   any
	Public    any
}

// Start starts an issuer with an RSA key.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{
		ended: make(chan struct{}), asked: map[string]int{}, codes: map[string]grantedCode{},
		keys: []Key{NewRSA(t, "key-1")},
	}
	mux := http.NewServeMux()
	mux.HandleFunc(discoveryPath, s.discovery)
	mux.HandleFunc(keysPath, s.serveKeys)
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /device", s.deviceStart)
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
	s.server = httptest.NewServer(s.faulty(mux))
	t.Cleanup(func() {
		close(s.ended)
		s.server.Close()
	})
	return s
}

// NewRSA returns a key for RS256.
func NewRSA(t testing.TB, id string) Key {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return Key{id, jose.RS256, private, private.Public()}
}

// NewECDSA returns a key for ES256.
func NewECDSA(t testing.TB, id string) Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return Key{id, jose.ES256, private, private.Public()}
}

// URL returns what the issuer is called.
func (s *Server) URL() string { return s.server.URL }

// Set has the issuer misbehave.
func (s *Server) Set(fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// Hold has requests wait until they are released. Began has something once one waits.
func (s *Server) Hold() (began <-chan struct{}, release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.gate, s.began = slow, make(chan struct{}), make(chan struct{}, 1)
	gate := s.gate
	return s.began, func() {
		s.Set(None)
		close(gate)
	}
}

// Rotate replaces all keys by others; JWTs are signed with the first.
func (s *Server) Rotate(keys ...Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
}

// KeyRequests returns how often the keys were asked for.
func (s *Server) KeyRequests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[keysPath]
}

// Claims returns those of an access token of somebody in some groups, valid for an hour.
func (s *Server) Claims(subject string, groups ...string) map[string]any {
	now := time.Now()
	return map[string]any{
		"iss": s.URL(), "aud": Audience, "sub": subject, "preferred_username": subject + "@example.com", "groups": groups,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": rand.Text(),
	}
}

// AccessToken returns a JWT of somebody in some groups.
func (s *Server) AccessToken(t testing.TB, subject string, groups ...string) string {
	t.Helper()
	return s.Sign(t, s.Claims(subject, groups...), nil)
}

// Sign returns a JWT of claims, with a header of the type at+jwt unless it names another.
func (s *Server) Sign(t testing.TB, claims, header map[string]any) string {
	t.Helper()
	s.mu.Lock()
	key := s.keys[0]
	s.mu.Unlock()
	return SignWith(t, key, claims, header)
}

// SignWith returns a JWT that a key has signed.
func SignWith(t testing.TB, key Key, claims, header map[string]any) string {
	t.Helper()
	text, err := sign(key, claims, header)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func sign(key Key, claims, header map[string]any) (string, error) {
	options := &jose.SignerOptions{}
	all := map[string]any{"typ": "at+jwt", "kid": key.ID}
	maps.Copy(all, header)
	for name, value := range all {
		if value != nil {
			options.WithHeader(jose.HeaderKey(name), value)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: key.Algorithm, Key: key.Private}, options)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// faulty counts requests and misbehaves.
func (s *Server) faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked[r.URL.Path]++
		fault, gate, began := s.fault, s.gate, s.began
		s.mu.Unlock()
		switch fault {
		case slow:
			select {
			case began <- struct{}{}:
			default:
			}
			select {
			case <-gate:
			case <-s.ended:
			}
			next.ServeHTTP(w, r)
		case Away:
			panic(http.ErrAbortHandler)
		case Junk:
			_, _ = fmt.Fprint(w, "<html>\x1b[31mhello")
		case Redirect:
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case Large:
			_, _ = fmt.Fprintf(w, `{"issuer":%q,"x":%q}`, s.URL(), strings.Repeat("x", 1<<20))
		case Hang:
			select {
			case <-s.ended:
			case <-r.Context().Done():
			}
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	fault := s.fault
	s.mu.Unlock()
	document := map[string]any{
		"issuer": s.URL(), "jwks_uri": s.URL() + keysPath, "token_endpoint": s.URL() + "/token",
		"authorization_endpoint": s.URL() + "/authorize", "device_authorization_endpoint": s.URL() + "/device",
	}
	switch fault {
	case Foreign:
		document["issuer"] = "https://other.example.com"
	case Lured:
		document["jwks_uri"] = "http://localhost:1/keys"
	}
	answer(w, http.StatusOK, document)
}

func (s *Server) serveKeys(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, key := range s.keys {
		if s.fault != NoKeys {
			set.Keys = append(set.Keys, jose.JSONWebKey{
				Key: key.Public, KeyID: key.ID, Use: "sig", Algorithm: string(key.Algorithm),
			})
		}
	}
	answer(w, http.StatusOK, set)
}

func answer(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document)
}
