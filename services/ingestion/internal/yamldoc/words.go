package yamldoc

import (
	"bytes"
	"errors"
	"regexp"
	"unicode/utf8"
)

var (
	conflictBegin = regexp.MustCompile(`(?m)^<{7}(?: |\r?$)`)
	conflictEnd   = regexp.MustCompile(`(?m)^>{7}(?: |\r?$)`)
	yamlDirective = regexp.MustCompile(`(?m)^%YAML[ \t]`)
)

// inWords says what the parser means where it is known better, and gives every error a column.
func inWords(doc []byte, err error) error {
	var e *SyntaxError
	if !errors.As(err, &e) {
		return err
	}
	begin := conflictBegin.FindIndex(doc)
	directive := yamlDirective.FindIndex(doc)
	switch {
	case begin != nil && conflictEnd.Match(doc):
		line, column := place(doc, begin[0])
		return &SyntaxError{
			Line: line, Column: column, Message: "there are conflict markers of Git: a merge was not brought to its end",
			Remedy: "Keep what is right of the two sides, and remove the lines with <<<<<<<, ======= and >>>>>>>.",
		}
	case directive != nil && e.Message == "found incompatible YAML document":
		line, column := place(doc, directive[0])
		return &SyntaxError{
			Line: line, Column: column, Message: "the line with %YAML asks for another version of YAML than 1.1, and clusters " +
				"read that one alone",
			Remedy: "Remove the line that begins with %YAML.",
		}
	case e.Column == 0:
		e.Line, e.Column = max(e.Line, 1), firstColumn(doc, max(e.Line, 1))
	}
	if column := tabIn(doc, e.Line); column > 0 && e.Message == "found character that cannot start any token" {
		e.Column, e.Message = column, "a tab stands where only spaces can"
		e.Remedy = "Write spaces in place of the tab."
	}
	return e
}

// tabIn returns the column of the first tab of a line, or 0.
func tabIn(doc []byte, line int) int {
	x := textIndex{doc, lineStarts(doc)}
	start, end := x.offset(line, 1), len(doc)
	if start < 0 {
		return 0
	}
	if line < len(x.lines) {
		end = x.lines[line]
	}
	at := bytes.IndexByte(doc[start:end], '\t')
	if at < 0 {
		return 0
	}
	return utf8.RuneCount(doc[start:start+at]) + 1
}

// firstColumn returns the column at which the text of a line begins.
func firstColumn(doc []byte, line int) int {
	at := 0
	for ; line > 1 && at < len(doc); line-- {
		_, at = lineEnd(doc, at)
	}
	end, _ := lineEnd(doc, at)
	text := doc[at:end]
	if blank := len(text) - len(bytes.TrimLeft(text, " ")); blank < len(text) {
		return blank + 1
	}
	return 1
}
