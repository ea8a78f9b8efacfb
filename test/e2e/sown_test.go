package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strings"
	"sync"
	"testing"
)

// seedBytes is how much of a secret is looked for, from its beginning and its end: a cut one is told too much of.
const seedBytes = 12

// sown are secrets that were put somewhere, each with how.
type sown struct {
	mu  sync.Mutex
	how map[string]string
}

func (s *sown) add(secret, how string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.how == nil {
		s.how = map[string]string{}
	}
	s.how[secret] = how
	return secret
}

// text is a secret of a form that nothing knows.
func (s *sown) text(how string) string { return s.add(rand.Text(), how) }

// token has the form of an own token, and its checksum.
func (s *sown) token(how string) string {
	id, secret := rand.Text()[:12], rand.Text()+rand.Text()[:6]
	s.add(secret, how)
	text := "fgd_" + id + "_" + secret
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum, end := crc32.ChecksumIEEE([]byte(text)), make([]byte, 6)
	for i := range end {
		end[len(end)-1-i] = digits[sum%uint32(len(digits))]
		sum /= uint32(len(digits))
	}
	return text + string(end)
}

// jwt has the form of a JWT, with a signature that nobody has made.
func (s *sown) jwt(how string) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"RS256","kid":"one"}`)) + "." +
		part([]byte(`{"iss":"https://id.example.com","jti":"`+s.text(how+", its claim")+`"}`)) + "." +
		s.add(part([]byte(rand.Text()+rand.Text())), how+", its signature")
}

// forms are the ways a secret may be written, each in full.
func forms(secret string) []string {
	written := []string{secret, hex.EncodeToString([]byte(secret))}
	for shift := range 3 { // base 64, wherever in a text the secret begins
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + secret))
		written = append(written, strings.TrimRight(encoded, "=")[shift+shift/2+1:len(encoded)-4])
	}
	return written
}

// seeds are the beginnings and ends of all forms of all secrets, in lower case, each with how it was planted.
func (s *sown) seeds() map[string]string {
	seeds := map[string]string{}
	for secret, how := range s.how {
		for _, written := range forms(secret) {
			lower := strings.ToLower(written)
			seeds[lower[:seedBytes]], seeds[lower[len(lower)-seedBytes:]] = how, how
		}
	}
	return seeds
}

// isIn reports whether a secret is in a text.
func (s *sown) isIn(text string) bool {
	seeds, lower := s.seeds(), strings.ToLower(text)
	for i := range max(0, len(lower)-seedBytes+1) {
		if _, is := seeds[lower[i:i+seedBytes]]; is {
			return true
		}
	}
	return false
}

// requireNowhere looks for all secrets in all places, whatever the case of their letters.
func (s *sown) requireNowhere(t *testing.T, found places) {
	t.Helper()
	seeds := s.seeds()
	for name, text := range found {
		if text == "" {
			t.Errorf("%s: there is nothing to look at", name)
		}
		lower, told := strings.ToLower(text), map[string]bool{}
		for i := range max(0, len(lower)-seedBytes+1) {
			how, is := seeds[lower[i:i+seedBytes]]
			if is && !told[how] {
				told[how] = true
				t.Errorf("%s has the secret of %s: …%q…", name, how, lower[max(0, i-120):min(len(lower), i+60)])
			}
		}
	}
}

// TestSownSecretsAreFound: the search finds what it has to, in each form.
func TestSownSecretsAreFound(t *testing.T) {
	t.Parallel()
	s := &sown{}
	secret := s.text("a test")
	for i, text := range []string{
		secret, strings.ToLower(secret), hex.EncodeToString([]byte(secret)), secret[:20], secret[8:],
		base64.StdEncoding.EncodeToString([]byte("u:" + secret)), base64.StdEncoding.EncodeToString([]byte("us:" + secret)),
		base64.URLEncoding.EncodeToString([]byte("user" + secret + "!")), fmt.Sprintf("%q", secret),
	} {
		if !s.isIn("before " + text + " after") {
			t.Errorf("%d: not found in %q", i, text)
		}
	}
	if s.isIn("nothing is in here, at all") {
		t.Error("found in what has none")
	}
}
