package token

import "regexp"

// shown is what looks like a token, or like a JWT, also where it is escaped.
var shown = regexp.MustCompile(`fgd_[0-9A-Za-z_%]+|eyJ[0-9A-Za-z._%-]+`)

// Redact takes out of a path what looks like a token: somebody may have put it there.
func Redact(path string) string { return shown.ReplaceAllString(path, "[redacted]") }
