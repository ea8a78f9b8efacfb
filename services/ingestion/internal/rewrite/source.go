package rewrite

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// source is the text of a document, without byte order mark and with a line break at its end. It tells where nodes
// stand in it: the parser says where they begin only.
type source struct {
	text  []byte
	lines []int         // where lines begin
	wide  map[int][]int // of lines with other characters than ASCII, where each one begins
}

func newSource(text []byte) *source {
	s := &source{text: text, lines: []int{0}, wide: map[int][]int{}}
	for at, b := range text {
		if b == '\n' {
			s.lines = append(s.lines, at+1)
		}
	}
	return s
}

// hasOddBreaks reports whether a text has line breaks other than LF and CR LF, of which YAML 1.1 and 1.2 do not think
// alike.
func hasOddBreaks(text []byte) bool {
	return bytes.Count(text, []byte("\r")) != bytes.Count(text, []byte("\r\n")) ||
		bytes.ContainsAny(text, "\u0085\u2028\u2029")
}

// offset returns where a node begins, with its anchor and tag; columns count characters.
func (s *source) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(s.lines) {
		return len(s.text)
	}
	start, end := s.lines[n.Line-1], len(s.text)
	if n.Line < len(s.lines) {
		end = s.lines[n.Line]
	}
	runes, known := s.wide[n.Line]
	if !known {
		if line := s.text[start:end]; utf8.RuneCount(line) < len(line) {
			for at := range string(line) {
				runes = append(runes, at)
			}
		}
		s.wide[n.Line] = runes
	}
	column := n.Column - 1
	switch {
	case runes == nil:
		return min(start+column, end)
	case column < len(runes):
		return start + runes[column]
	}
	return end
}

// lineStart returns where the line of an offset begins.
func (s *source) lineStart(at int) int {
	return s.lines[sort.SearchInts(s.lines, at+1)-1]
}

// nextLine returns where the line behind that of an offset begins.
func (s *source) nextLine(at int) int {
	if i := sort.SearchInts(s.lines, at+1); i < len(s.lines) {
		return s.lines[i]
	}
	return len(s.text)
}

// lineBreak returns how the line of an offset ends.
func (s *source) lineBreak(at int) string {
	if next := s.nextLine(at); next > 1 && s.text[next-2] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// column returns how many bytes stand before an offset on its line.
func (s *source) column(at int) int { return at - s.lineStart(at) }

// before returns what stands before an offset on its line, without blanks at its end.
func (s *source) before(at int) []byte { return bytes.TrimRight(s.text[s.lineStart(at):at], " \t") }

// beginsLine reports whether only blanks stand before an offset on its line.
func (s *source) beginsLine(at int) bool { return len(s.before(at)) == 0 }

// isEmpty reports whether nothing is written for a null.
func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&^yaml.TaggedStyle == 0
}

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

// content returns where a node begins behind its anchor and tag.
func (s *source) content(n *yaml.Node) int {
	at := s.offset(n)
	if n.Kind == yaml.MappingNode && !isFlow(n) && len(n.Content) > 0 {
		return s.offset(n.Content[0])
	}
	for s.hasProperty(at) {
		for at < len(s.text) && !isBlank(s.text[at]) && !isFlowEnd(s.text[at]) {
			at++
		}
		if behind := s.skipBlanks(at); !isEmpty(n) || s.hasProperty(behind) {
			at = behind
		}
	}
	return at
}

// hasProperty reports whether an anchor or a tag begins at an offset.
func (s *source) hasProperty(at int) bool {
	return at < len(s.text) && (s.text[at] == '&' || s.text[at] == '!')
}

func isBlank(b byte) bool   { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }
func isFlowEnd(b byte) bool { return b == ',' || b == ']' || b == '}' }

// skipBlanks returns the first offset from one on at which there is no blank and no line break.
func (s *source) skipBlanks(at int) int {
	for at < len(s.text) && isBlank(s.text[at]) {
		at++
	}
	return at
}

// skipTrivia steps over blanks, line breaks and comments.
func (s *source) skipTrivia(at int) int {
	for {
		next := s.skipBlanks(at)
		if next >= len(s.text) || s.text[next] != '#' || next > 0 && !isBlank(s.text[next-1]) {
			return next
		}
		at = s.nextLine(next)
	}
}

// skipSpaces steps over blanks of the line.
func (s *source) skipSpaces(at int) int {
	for at < len(s.text) && (s.text[at] == ' ' || s.text[at] == '\t') {
		at++
	}
	return at
}

// unknown is the end of a node that can't be told.
const unknown = -1

// end returns the offset behind a node, or unknown.
func (s *source) end(n *yaml.Node) int {
	at := s.content(n)
	switch n.Kind {
	case yaml.AliasNode:
		return s.literally(s.offset(n), "*"+n.Value)
	case yaml.ScalarNode:
		return s.scalarEnd(n, at)
	case yaml.MappingNode, yaml.SequenceNode:
		if isFlow(n) {
			return s.flowEnd(n, at)
		}
		if len(n.Content) > 0 {
			return s.end(n.Content[len(n.Content)-1])
		}
	}
	return unknown
}

func (s *source) literally(at int, text string) int {
	if !bytes.HasPrefix(s.text[at:], []byte(text)) {
		return unknown
	}
	return at + len(text)
}

func (s *source) scalarEnd(n *yaml.Node, at int) int {
	switch {
	case isEmpty(n):
		return at
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return yamldoc.FlowEnd(s.text, at)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		_, end := s.blockScalar(at)
		return end
	}
	return s.plainEnd(n.Value, at)
}

// plainEnd follows a plain scalar, which may go on on further lines.
func (s *source) plainEnd(value string, at int) int {
	for value != "" {
		if at >= len(s.text) {
			return unknown
		}
		if behind := s.skipSpaces(at); behind < len(s.text) && (s.text[behind] == '\n' || s.text[behind] == '\r') {
			folded := " "
			next := s.skipBlanks(behind)
			if breaks := bytes.Count(s.text[behind:next], []byte("\n")); breaks > 1 {
				folded = strings.Repeat("\n", breaks-1)
			}
			rest, ok := strings.CutPrefix(value, folded)
			if !ok {
				return unknown
			}
			value, at = rest, next
			continue
		}
		if s.text[at] != value[0] {
			return unknown
		}
		value, at = value[1:], at+1
	}
	return at
}

// blockScalar returns the ends of the header of a literal or folded scalar, without its comment, and of its last line.
// Those with an indicator of their indentation are not known.
func (s *source) blockScalar(at int) (header, end int) {
	header = at + 1
	keep := false
	for header < len(s.text) && strings.IndexByte("+-0123456789", s.text[header]) >= 0 {
		if c := s.text[header]; c >= '0' && c <= '9' {
			return unknown, unknown
		}
		keep = keep || s.text[header] == '+'
		header++
	}
	end = header
	indent := unknown
	for line := s.nextLine(at); line < len(s.text); line = s.nextLine(line) {
		text := bytes.TrimRight(s.text[line:s.nextLine(line)], " \t\r\n")
		deep := len(text) - len(bytes.TrimLeft(text, " "))
		blank := len(text) == 0
		if !blank && indent == unknown {
			if indent = deep; deep <= s.parentIndent(at) {
				break
			}
		}
		if !blank && deep < indent {
			break
		}
		if !blank || keep {
			end = s.contentEnd(line)
		}
	}
	return header, end
}

// parentIndent returns the indentation that what begins at an offset of a line has to go beyond.
func (s *source) parentIndent(at int) int {
	line := s.text[s.lineStart(at):at]
	trimmed := bytes.TrimLeft(line, " ")
	indent := len(line) - len(trimmed)
	for bytes.HasPrefix(trimmed, []byte("- ")) {
		rest := bytes.TrimLeft(trimmed[1:], " ")
		if len(rest) == 0 || rest[0] == '&' || rest[0] == '!' {
			break // the dash is that of the text itself
		}
		indent += len(trimmed) - len(rest)
		trimmed = rest
	}
	return indent
}

// contentEnd returns where the line break of a line begins.
func (s *source) contentEnd(line int) int {
	next := s.nextLine(line)
	return line + len(bytes.TrimRight(s.text[line:next], "\r\n"))
}

// flowEnd returns the offset behind the brace or bracket that closes a flow collection which begins at an offset.
func (s *source) flowEnd(n *yaml.Node, at int) int {
	if at >= len(s.text) || s.text[at] != '{' && s.text[at] != '[' {
		return unknown
	}
	last := at + 1
	if len(n.Content) > 0 {
		if last = s.end(n.Content[len(n.Content)-1]); last == unknown {
			return unknown
		}
	}
	if last = s.skipTrivia(last); last < len(s.text) && s.text[last] == ',' {
		last = s.skipTrivia(last + 1)
	}
	if last >= len(s.text) || s.text[last] != '}' && s.text[last] != ']' {
		return unknown
	}
	return last + 1
}

// comma returns where the comma behind an offset stands, or unknown.
func (s *source) comma(at int) int {
	if at = s.skipTrivia(at); at < len(s.text) && s.text[at] == ',' {
		return at
	}
	return unknown
}

// colon returns the offset behind the colon of a key, or unknown.
func (s *source) colon(key *yaml.Node) int {
	end := s.end(key)
	if end == unknown {
		return unknown
	}
	if end = s.skipSpaces(end); end < len(s.text) && s.text[end] == ':' {
		return end + 1
	}
	return unknown
}

// isExplicit reports whether a key is written with a question mark.
func (s *source) isExplicit(at int) bool { return bytes.HasSuffix(s.before(at), []byte("?")) }

// dash returns where the dash of an item of a block list stands, or unknown.
func (s *source) dash(item *yaml.Node) int {
	at := s.offset(item)
	if line := s.before(at); len(line) > 0 {
		if line[len(line)-1] != '-' {
			return unknown
		}
		return s.lineStart(at) + len(line) - 1
	}
	for start := s.lineStart(at); start > 0; {
		start = s.lineStart(start - 1)
		line := s.text[start:s.contentEnd(start)]
		if i := bytes.IndexByte(line, '#'); i == 0 || i > 0 && isBlank(line[i-1]) {
			line = line[:i]
		}
		if line = bytes.TrimRight(line, " \t"); len(line) > 0 {
			if line[len(line)-1] != '-' {
				return unknown
			}
			return start + len(line) - 1
		}
	}
	return unknown
}
