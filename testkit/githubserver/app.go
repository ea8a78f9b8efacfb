package githubserver

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestJWT is how far ahead a JWT of an App may expire.
const longestJWT = 10 * time.Minute

func (s *Server) mint(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if flaw := s.flawOf(token); flaw != "" {
		refuse(w, http.StatusUnauthorized, flaw)
		return
	}
	if r.PathValue("id") != strconv.FormatInt(s.options.Installation, 10) {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	s.minted++
	made, expires := fmt.Sprintf("ghs_token%026d", s.minted), time.Now().Add(s.lifetime).Truncate(time.Second)
	s.tokens[made] = expires
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"token": made, "expires_at": expires.UTC().Format(time.RFC3339), "repository_selection": "selected",
		"permissions": map[string]string{"contents": "write", "pull_requests": "write", "metadata": "read"},
	})
}

// flawOf holds the claims and the signature of an App to what GitHub asks of them, and gives what it says otherwise.
func (s *Server) flawOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "A JSON web token could not be decoded"
	}
	var header struct{ Alg, Typ string }
	var claims struct {
		Iat, Exp int64
		Iss      string
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err = errors.Join(err, decode(parts[0], &header), decode(parts[1], &claims)); err != nil {
		return "A JSON web token could not be decoded"
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	now := time.Now()
	switch {
	case header.Alg != "RS256" || rsa.VerifyPKCS1v15(s.options.Key, crypto.SHA256, sum[:], signature) != nil:
		return "A JSON web token could not be decoded"
	case claims.Iss != strconv.FormatInt(s.options.App, 10):
		return "Integration not found"
	case time.Unix(claims.Iat, 0).After(now):
		return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
	case !time.Unix(claims.Exp, 0).After(now) || time.Unix(claims.Exp, 0).After(now.Add(longestJWT)):
		return "'Expiration time' claim ('exp') is too far in the future"
	}
	return ""
}

func decode(part string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}
