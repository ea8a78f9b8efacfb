package yamldoc

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// place returns the line and column of a byte of a text, from 1. Columns count characters.
func place(text []byte, offset int) (line, column int) {
	text = text[:offset]
	line = countLines(text)
	start := bytes.LastIndexAny(text, "\r\n") + 1
	if start == len(text) {
		line++ // the byte begins a line
	}
	return line, utf8.RuneCount(text[start:]) + 1
}

// checkText refuses the characters that YAML does not allow, which the parser refuses without a position, and byte
// order marks, which would become part of a key.
func checkText(doc []byte) error {
	for at, r := range string(doc) {
		if isAllowed(r) {
			continue
		}
		line, column := place(doc, at)
		message := "control character"
		if r == '\ufeff' {
			message = "byte order mark inside the document"
		}
		return &SyntaxError{Line: line, Column: column, Message: message}
	}
	return nil
}

// isAllowed reports whether a character is in the set c-printable of YAML 1.1, without the byte order mark.
func isAllowed(r rune) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	case r < 0x7f:
		return true
	case r < 0xa0:
		return r == 0x85
	}
	return r != '\ufeff' && r != 0xfffe && r != 0xffff
}

// byParser are the beginnings of the messages whose line the parser counts from 0.
var byParser = []string{
	"did not find expected", "found undefined tag handle", "found incompatible",
	"found duplicate %",
}

var unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)

// syntaxError takes the position out of the parser's message.
func syntaxError(doc []byte, err error) *SyntaxError {
	e := &SyntaxError{Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	if n, _ := fmt.Sscanf(e.Message, "line %d:", &e.Line); n == 1 {
		_, e.Message, _ = strings.Cut(e.Message, ": ")
		for _, begin := range byParser {
			if strings.HasPrefix(e.Message, begin) {
				e.Line = min(e.Line+1, countLines(doc))
			}
		}
	}
	if anchor := unknownAnchor.FindStringSubmatch(e.Message); anchor != nil {
		alias := regexp.MustCompile(`(?:^|[\s\[{,])(\*` + regexp.QuoteMeta(anchor[1]) + `)(?:$|[\s\]},:])`)
		if found := alias.FindSubmatchIndex(doc); found != nil {
			e.Line, e.Column = place(doc, found[2])
		}
	}
	return e
}
