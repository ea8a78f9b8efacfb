package oidcserver

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"time"
)

// device is the one sign-in by the device flow that is going on.
type device struct {
	code, userCode string
	started        bool
	claims         map[string]any
	denied         string // the error of the issuer
	audience       string // that was asked for
	lifetime       time.Duration
	refresh        string // the refresh token that is good
}

// UserCode is what a person types in.
const UserCode = "WDJB-MJHT"

// Approve lets the next sign-in be that of somebody in some groups, whose access token is valid for a while.
func (s *Server) Approve(lifetime time.Duration, subject string, groups ...string) {
	claims := s.Claims(subject, groups...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.device = device{claims: claims, lifetime: lifetime}
}

// Deny has the next sign-in refused, with an error and its description.
func (s *Server) Deny(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.device = device{denied: code}
}

// RefuseRefresh has access tokens refreshed no more.
func (s *Server) RefuseRefresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = "invalid_grant"
}

// Refreshed returns how often an access token was refreshed.
func (s *Server) Refreshed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refresh
}

// AskedAudience returns the audience that the last sign-in asked for.
func (s *Server) AskedAudience() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.device.audience
}

func (s *Server) deviceStart(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("client_id") != ClientID {
		refuse(w, "invalid_client")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.device.code, s.device.userCode, s.device.started = s.give(rand.Text()), UserCode, true
	s.device.audience = r.FormValue("audience")
	answer(w, http.StatusOK, map[string]any{
		"device_code": s.device.code, "user_code": s.device.userCode, "verification_uri": s.URL() + "/activate",
		"verification_uri_complete": s.URL() + "/activate?user_code=" + UserCode, "expires_in": 600, "interval": 1,
	})
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch grant := r.FormValue("grant_type"); {
	case r.FormValue("client_id") != ClientID:
		refuse(w, "invalid_client")
	case grant == "authorization_code":
		s.exchange(w, r)
	case s.fault == Echo:
		refuse(w, "invalid_grant I was shown "+r.FormValue("device_code")+r.FormValue("refresh_token"))
	case grant == "refresh_token" && s.refuse != "":
		refuse(w, s.refuse)
	case grant == "refresh_token" && s.device.refresh != "" && r.FormValue("refresh_token") == s.device.refresh:
		s.refresh++
		s.device.lifetime = time.Hour
		s.grant(w, nil)
	case grant == "urn:ietf:params:oauth:grant-type:device_code" && r.FormValue("device_code") == s.device.code:
		s.poll(w)
	default:
		refuse(w, "invalid_grant")
	}
}

// poll answers a client that waits for a person.
func (s *Server) poll(w http.ResponseWriter) {
	switch {
	case s.device.denied != "":
		refuse(w, s.device.denied)
	case s.device.claims == nil:
		refuse(w, "authorization_pending")
	default:
		s.grant(w, nil)
	}
}

// Given returns all secrets that sign-ins were given: codes of devices, access tokens and refresh tokens.
func (s *Server) Given() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.given)
}

// give remembers a secret; it is called with the lock held.
func (s *Server) give(text string) string {
	s.given = append(s.given, text)
	return text
}

// grant answers with tokens, and what else there is; it is called with the lock held.
func (s *Server) grant(w http.ResponseWriter, more map[string]any) {
	s.device.claims["exp"] = time.Now().Add(s.device.lifetime).Unix()
	text, err := sign(s.keys[0], s.device.claims, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.device.refresh = s.give(rand.Text())
	tokens := map[string]any{
		"access_token": s.give(text), "token_type": "Bearer", "expires_in": int(s.device.lifetime.Seconds()),
		"refresh_token": s.device.refresh,
	}
	maps.Copy(tokens, more)
	answer(w, http.StatusOK, tokens)
}

func refuse(w http.ResponseWriter, code string) {
	answer(w, http.StatusBadRequest, map[string]any{
		"error": code, "error_description": "No.\n\x1b[2J" + code,
	})
}
