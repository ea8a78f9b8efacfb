package yamldoc

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Trivia is what a parser reads over.
type Trivia struct {
	Comments []string // with their "#", without blanks behind them, in order
	// the first tab that is in no text and in no comment; 0 when there is none
	TabLine, TabColumn int
}

// TriviaOf finds the trivia of a document. root is the tree that Parse gave for it.
func TriviaOf(doc []byte, root *yaml.Node) Trivia {
	body := doc[skipBOM(doc, 0):]
	s := &triviaScanner{textIndex: textIndex{body, lineStarts(body)}}
	s.texts(root)
	slices.SortFunc(s.masks, func(a, b mask) int { return a.from - b.from })
	s.scan()
	return s.found
}

// mask is where a text stands that can hold anything.
type mask struct{ from, to int }

type triviaScanner struct {
	textIndex
	masks []mask
	found Trivia
}

// textIndex finds bytes by lines and columns.
type textIndex struct {
	body  []byte
	lines []int // where lines begin, as the parser counts them
}

func lineStarts(body []byte) []int {
	starts := []int{0}
	for at := 0; at < len(body); {
		r, size := utf8.DecodeRune(body[at:])
		at += size
		switch r {
		case '\r':
			if at < len(body) && body[at] == '\n' {
				continue
			}
			starts = append(starts, at)
		case '\n', '\u0085', '\u2028', '\u2029':
			starts = append(starts, at)
		}
	}
	return starts
}

// texts masks quoted scalars and block scalars.
func (s *triviaScanner) texts(n *yaml.Node) {
	if n == nil {
		return
	}
	switch {
	case n.Kind == yaml.AliasNode:
		return
	case n.Kind != yaml.ScalarNode:
		for _, child := range n.Content {
			s.texts(child)
		}
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		s.quoted(n)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		s.block(n)
	}
}

// quoted masks a quoted scalar, in front of which there may be a tag and an anchor.
func (s *triviaScanner) quoted(n *yaml.Node) {
	at := s.offset(n.Line, n.Column)
	if at < 0 {
		return
	}
	begin := bytes.IndexAny(s.body[at:], `"'`)
	if begin < 0 {
		return
	}
	if end := quoteEnd(s.body, at+begin); end > 0 {
		s.masks = append(s.masks, mask{at + begin, end})
	}
}

// block masks the lines of a block scalar: those behind its header that are indented like the first one of them.
func (s *triviaScanner) block(n *yaml.Node) {
	if strings.Trim(n.Value, "\n") == "" || n.Line >= len(s.lines) {
		return
	}
	from, to, indent := s.lines[n.Line], s.lines[n.Line], -1
	for line := n.Line; line < len(s.lines); line++ {
		text := s.line(line)
		deep := len(text) - len(bytes.TrimLeft(text, " "))
		blank := len(bytes.TrimSpace(text)) == 0
		if indent < 0 && !blank {
			indent = deep
		}
		if !blank && deep < indent {
			break
		}
		to = s.lines[line] + len(text)
	}
	s.masks = append(s.masks, mask{from, to})
}

// line returns a line by its number from 0.
func (s *triviaScanner) line(number int) []byte {
	end := len(s.body)
	if number+1 < len(s.lines) {
		end = s.lines[number+1]
	}
	return s.body[s.lines[number]:end]
}

// offset returns the byte that a line and a column mean, or -1; columns count characters.
func (x textIndex) offset(line, column int) int {
	if line < 1 || line > len(x.lines) {
		return -1
	}
	at := x.lines[line-1]
	for ; column > 1 && at < len(x.body); column-- {
		_, size := utf8.DecodeRune(x.body[at:])
		at += size
	}
	return at
}

// scan looks at what is in no text.
func (s *triviaScanner) scan() {
	masks := s.masks
	for at := 0; at < len(s.body); at++ {
		for len(masks) > 0 && masks[0].to <= at {
			masks = masks[1:]
		}
		if len(masks) > 0 && masks[0].from <= at {
			at = masks[0].to - 1
			continue
		}
		switch s.body[at] {
		case '\t':
			s.tab(at)
		case '#':
			if at == 0 || isSpace(s.body[at-1]) {
				at = s.comment(at) - 1
			}
		}
	}
}

func (s *triviaScanner) tab(at int) {
	if s.found.TabLine > 0 {
		return
	}
	line, _ := slices.BinarySearch(s.lines, at+1)
	s.found.TabLine, s.found.TabColumn = line, utf8.RuneCount(s.body[s.lines[line-1]:at])+1
}

// comment notes a comment and returns where it ends.
func (s *triviaScanner) comment(at int) int {
	end := len(s.body)
	if i := bytes.IndexAny(s.body[at:], "\r\n"); i >= 0 {
		end = at + i
	}
	s.found.Comments = append(s.found.Comments, string(bytes.TrimRight(s.body[at:end], " \t")))
	return end
}
