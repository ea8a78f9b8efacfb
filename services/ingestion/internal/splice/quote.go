package splice

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Quote writes a text as a YAML scalar of one line that YAML 1.1 and YAML 1.2 both read as that text.
func Quote(text string) string {
	switch {
	case isPlain(text):
		return text
	case isPrintable(text):
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return DoubleQuote(text)
}

// isPlain reports whether a text needs no quotes: begun by a letter, without indicators, no word that means something.
func isPlain(text string) bool {
	if text == "" || len(text) > 200 || !isLetter(text[0]) || strings.HasSuffix(text, " ") {
		return false
	}
	for i := 0; i < len(text); i++ {
		if c := text[i]; !isLetter(c) && (c < '0' || c > '9') && strings.IndexByte("-_./ ", c) < 0 {
			return false
		}
	}
	switch strings.ToLower(text) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	return true
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isPrintable(text string) bool {
	for _, r := range text {
		if r == unicode.ReplacementChar || r == '\ufeff' || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// isSafeASCII reports whether a text stands in double quotes as it is.
func isSafeASCII(text string) bool {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// DoubleQuote writes a text in double quotes, with escapes that YAML 1.1, YAML 1.2 and, up to U+FFFF, JSON know.
func DoubleQuote(text string) string { return string(AppendQuoted(nil, text)) }

// AppendQuoted appends a text in double quotes.
func AppendQuoted(out []byte, text string) []byte {
	out = append(out, '"')
	if isSafeASCII(text) {
		return append(append(out, text...), '"')
	}
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out = utf8.AppendRune(append(out, '\\'), r)
		case r == '\n':
			out = append(out, `\n`...)
		case r > 0xffff && !unicode.IsPrint(r):
			out = fmt.Appendf(out, `\U%08x`, r)
		case r == '\ufeff' || !unicode.IsPrint(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return append(out, '"')
}
