package secret

import (
	"regexp"
	"strings"
)

var (
	// tokenForm is that of own tokens, also of one that is cut or has escapes, and of JWTs.
	tokenForm = regexp.MustCompile(`fgd(?:_|%5[Ff])[0-9A-Za-z]{12}(?:_|%5[Ff])[0-9A-Za-z%]*|eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z._%-]*`)
	// loginForm is that of a user and password in a URL.
	loginForm = regexp.MustCompile(`://[^/\s@:]*:[^/\s@]*@`)
)

// Scrub returns a text without what looks like a token, or like a password in a URL. Names, ids, paths and wrong values
// are written down and told, and somebody may have put a secret there.
func Scrub(text string) string {
	if strings.Contains(text, "fgd") || strings.Contains(text, "eyJ") { // nearly never
		text = tokenForm.ReplaceAllString(text, redacted)
	}
	if strings.Contains(text, "://") {
		text = loginForm.ReplaceAllString(text, "://"+redacted+"@")
	}
	return text
}
