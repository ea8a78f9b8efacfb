// Package printable makes texts that others wrote fit to be shown in a message, a log, a commit or a terminal. Secrets
// are not its business: whoever may hold one removes it first, for a secret that is cut in half is not found any more.
package printable

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s in one line: what can't be printed, such as a line end, a control character, a mark that turns the
// direction of writing, or a byte that is not UTF-8, becomes a blank, and blanks at both ends are removed.
func Line(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s))
}

// Truncate returns at most n characters of s as valid UTF-8; n is at least 1. When something is cut off, the last of
// them is "…". Line ends stay as they are: Truncate(Line(s), n) is a short line.
func Truncate(s string, n int) string {
	count, keep := 0, 0 // characters so far, and bytes of the first n-1
	for i := range s {
		if count == n-1 {
			keep = i
		}
		if count++; count > n {
			s = s[:keep] + "…"
			break
		}
	}
	return strings.ToValidUTF8(s, string(utf8.RuneError))
}
