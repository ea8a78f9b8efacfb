// Package githubserver is the part of GitHub's REST API that this project asks, for tests: one repository with branches
// and pull requests, and a GitHub App whose tokens expire. It checks what real GitHub checks, and answers in its words.
package githubserver

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options say which App and which repository the server knows.
type Options struct {
	App, Installation int64
	Key               *rsa.PublicKey // of the App
	Owner, Name       string         // of the repository
	Tokens            []string       // that are valid besides those of the App
	// Head returns the commit of a branch, empty without one. Without the function there are the branches that were set.
	Head func(branch string) string
}

// Server serves until the test ends.
type Server struct {
	options Options
	http    *httptest.Server

	mu       sync.Mutex
	lifetime time.Duration
	minted   int
	tokens   map[string]time.Time // by value, until when they are valid
	branches map[string]Branch
	pulls    []*pull
	denied   bool
	fault    func(http.ResponseWriter, *http.Request) bool
	asked    map[string]int // by method and path
	full     int
}

// Branch is a branch of the repository.
type Branch struct {
	Commit    string
	Protected bool
}

// Start starts a server whose tokens live as long as GitHub's: one hour.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	s := &Server{
		options: options, lifetime: time.Hour, tokens: map[string]time.Time{}, branches: map[string]Branch{},
		asked: map[string]int{},
	}
	for _, token := range options.Tokens {
		s.tokens[token] = time.Now().Add(time.Hour)
	}
	s.http = httptest.NewServer(s.handler())
	t.Cleanup(s.http.Close)
	return s
}

// URL is the address of the API.
func (s *Server) URL() string { return s.http.URL }

// Lifetime says how long the tokens live that are made from now on.
func (s *Server) Lifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetime = d
}

// Withdraw makes all tokens invalid that were made so far.
func (s *Server) Withdraw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// Minted is how many tokens were made of the App.
func (s *Server) Minted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.minted
}

// Tokens are the valid ones.
func (s *Server) Tokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var valid []string
	for token := range s.tokens {
		valid = append(valid, token)
	}
	return valid
}

// Accepts judges what a Git client signs in with.
func (s *Server) Accepts(user, password string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return user == "x-access-token" && time.Now().Before(s.tokens[password])
}

// SetBranch makes or moves a branch.
func (s *Server) SetBranch(name string, b Branch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.branches[name] = b
}

// at finds a branch.
func (s *Server) at(name string) (Branch, bool) {
	b, there := s.branches[name]
	if s.options.Head != nil {
		b.Commit = s.options.Head(name)
		there = b.Commit != ""
	}
	return b, there
}

// commitOf is the commit of a branch, empty without one.
func (s *Server) commitOf(name string) string {
	b, _ := s.at(name)
	return b.Commit
}

// Deny takes the permission to write from everybody, or gives it back.
func (s *Server) Deny(denied bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = denied
}

// Fault returns a function the first word on each request; it reports whether it has answered. Nil takes it back.
func (s *Server) Fault(answer func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = answer
}

// Asked is how many requests there were, and how many of them got a whole answer.
func (s *Server) Asked() (all, full int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.asked {
		all += n
	}
	return all, s.full
}

func (s *Server) handler() http.Handler {
	repository := fmt.Sprintf("/repos/%s/%s", s.options.Owner, s.options.Name)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /app/installations/{id}/access_tokens", s.mint)
	mux.HandleFunc("GET "+repository, s.signedIn(s.repository))
	mux.HandleFunc("GET "+repository+"/branches/{branch...}", s.signedIn(s.branch))
	mux.HandleFunc("GET "+repository+"/pulls", s.signedIn(s.listPulls))
	mux.HandleFunc("POST "+repository+"/pulls", s.signedIn(s.createPull))
	mux.HandleFunc("GET "+repository+"/pulls/{number}", s.signedIn(s.getPull))
	mux.HandleFunc("PATCH "+repository+"/pulls/{number}", s.signedIn(s.updatePull))
	mux.HandleFunc("/", s.signedIn(func(w http.ResponseWriter,
		_ *http.Request,
	) {
		refuse(w, http.StatusNotFound, "Not Found")
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked[r.Method+" "+r.URL.Path]++
		fault := s.fault
		s.mu.Unlock()
		if fault == nil || !fault(w, r) {
			mux.ServeHTTP(w, r)
		}
	})
}

// signedIn lets requests through that have a valid token.
func (s *Server) signedIn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		s.mu.Lock()
		defer s.mu.Unlock()
		if !bearer || !time.Now().Before(s.tokens[token]) {
			refuse(w, http.StatusUnauthorized, "Bad credentials")
			return
		}
		next(w, r)
	}
}

// refuse returns with an error as GitHub words it.
func refuse(w http.ResponseWriter, status int, message string, details ...string) {
	body := map[string]any{
		"message": message, "documentation_url": "https://docs.github.com/rest",
		"status": fmt.Sprint(status),
	}
	var errors []any
	for _, detail := range details {
		errors = append(errors, map[string]any{"resource": "PullRequest", "code": "custom", "message": detail})
	}
	if errors != nil {
		body["errors"] = errors
	}
	raw, _ := json.Marshal(body) // of strings
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}
