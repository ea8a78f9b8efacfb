package oidcserver

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// grantedCode is a sign-in in a browser that waits for its client to ask for tokens.
type grantedCode struct {
	redirect, challenge, nonce string
}

// AllowRedirect has browsers sent back to an address, and to no other.
func (s *Server) AllowRedirect(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.redirects = append(s.redirects, address)
}

// ChangeIDTokens has the claims of ID tokens changed before they are signed.
func (s *Server) ChangeIDTokens(change func(claims map[string]any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change = change
}

// authorize is the page where somebody signs in with a browser: they are who was approved, and are sent back at once.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	redirect := query.Get("redirect_uri")
	back, err := url.Parse(redirect)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || query.Get("client_id") != ClientID || !slices.Contains(s.redirects, redirect) {
		http.Error(w, "This client has no such redirect URI.", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {query.Get("state")}, "iss": {s.URL()}}
	switch {
	case s.device.denied != "":
		answer.Set("error", s.device.denied)
		answer.Set("error_description", "No.\n\x1b[2J<script>alert(1)</script>")
	case query.Get("response_type") != "code" || query.Get("code_challenge_method") != "S256" ||
		query.Get("nonce") == "" || s.device.claims == nil:
		answer.Set("error", "invalid_request")
	default:
		code := s.give(rand.Text())
		s.codes[code] = grantedCode{redirect, query.Get("code_challenge"), query.Get("nonce")}
		answer.Set("code", code)
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound) //nolint:gosec // where it leads to was checked above
}

// exchange answers a client that shows a code; it is called with the lock held. A code is good once.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request) {
	code, known := s.codes[r.FormValue("code")]
	delete(s.codes, r.FormValue("code"))
	digest := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !known || code.redirect != r.FormValue("redirect_uri") ||
		base64.RawURLEncoding.EncodeToString(digest[:]) != code.challenge {
		refuse(w, "invalid_grant")
		return
	}
	claims := map[string]any{
		"iss": s.URL(), "aud": ClientID, "sub": s.device.claims["sub"], "nonce": code.nonce, "iat": time.Now().Unix(),
		"exp": time.Now().Add(time.Minute).Unix(),
	}
	if s.change != nil {
		s.change(claims)
	}
	text, err := sign(s.keys[0], claims, map[string]any{"typ": "JWT"})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.grant(w, map[string]any{"id_token": s.give(text)})
}
