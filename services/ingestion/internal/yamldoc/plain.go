package yamldoc

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// plainParser reads the form that nearly all documents have: block mappings and lists of one-line scalars, in ASCII. It
// builds the tree that the full parser builds, but for comments and the tags of scalars, at a tenth of the cost. Of
// whatever else it meets it says that the full parser has to look; it never reports an error.
//
// The tree is built in memory that the next document overwrites.
type plainParser struct {
	text  string
	lines []plainLine
	next  int // line that is read next
	nodes []yaml.Node
	used  int
	kids  []*yaml.Node // children of all nodes, one slice behind the other
	stack []*yaml.Node // children of the nodes that are open
}

// plainLine is a line with content.
type plainLine struct {
	number     int // from 1
	start      int // offset of the line
	begin, end int // offsets of the content, without indentation
}

func (l plainLine) indent() int { return l.begin - l.start }

const (
	maxPlainKey   = 128
	maxPlainLines = 4096 // bounds the memory that is kept for the next document
)

// parse returns the tree, or false for the full parser.
func (p *plainParser) parse(doc []byte) (*yaml.Node, bool) {
	if !p.scan(doc) || len(p.lines) == 0 {
		return nil, false
	}
	p.used, p.next, p.kids, p.stack = 0, 0, p.kids[:0], p.stack[:0]
	if most := 3 * len(p.lines); cap(p.nodes) < most {
		p.nodes = make([]yaml.Node, most)
		p.kids = make([]*yaml.Node, 0, most)
	}
	first := p.lines[0]
	if first.indent() != 0 || p.isItem(first.begin, first.end) {
		return nil, false
	}
	root, ok := p.mapping(0)
	return root, ok && p.next == len(p.lines)
}

// scan finds the lines with content. It fails on what is not printable ASCII and on the markers of streams.
func (p *plainParser) scan(doc []byte) bool {
	for _, b := range doc {
		if (b < ' ' || b > '~') && b != '\n' {
			return false
		}
	}
	p.text, p.lines = string(doc), p.lines[:0]
	for number, start := 1, 0; start < len(p.text); number++ {
		end := len(p.text)
		if i := bytes.IndexByte(doc[start:], '\n'); i >= 0 {
			end = start + i
		}
		begin := start
		for begin < end && p.text[begin] == ' ' {
			begin++
		}
		if begin < end && p.text[begin] != '#' {
			if rest := p.text[begin:end]; begin == start && (strings.HasPrefix(rest, "---") || strings.HasPrefix(rest, "...")) {
				return false
			}
			if len(p.lines) == maxPlainLines {
				return false
			}
			p.lines = append(p.lines, plainLine{number, start, begin, end})
		}
		start = end + 1
	}
	return true
}

func (p *plainParser) node(kind yaml.Kind, style yaml.Style, line, column int) *yaml.Node {
	n := &p.nodes[p.used]
	p.used++
	*n = yaml.Node{Kind: kind, Style: style, Line: line, Column: column}
	return n
}

// adopt makes the nodes on the stack from a mark on the children of a node.
func (p *plainParser) adopt(n *yaml.Node, mark int) {
	from := len(p.kids)
	p.kids = append(p.kids, p.stack[mark:]...)
	n.Content = p.kids[from:len(p.kids):len(p.kids)]
	p.stack = p.stack[:mark]
}

// mapping reads the entries at an indentation. The line that is read next has the first one.
func (p *plainParser) mapping(indent int) (*yaml.Node, bool) {
	line := p.lines[p.next]
	n := p.node(yaml.MappingNode, 0, line.number, indent+1)
	n.Tag = "!!map"
	mark := len(p.stack)
	for p.next < len(p.lines) && p.lines[p.next].indent() == indent {
		line := p.lines[p.next]
		if p.isItem(line.begin, line.end) {
			break // of the list around
		}
		if !p.entry(line, line.begin, indent) {
			return nil, false
		}
	}
	p.adopt(n, mark)
	return n, p.next == len(p.lines) || p.lines[p.next].indent() <= indent
}

// entry reads a key, which begins at an offset of a line, and its value.
func (p *plainParser) entry(line plainLine, at, indent int) bool {
	end := at
	for end < line.end && isKeyByte(p.text[end]) {
		end++
	}
	if end == at || end-at > maxPlainKey || end == line.end || p.text[end] != ':' {
		return false
	}
	key := p.node(yaml.ScalarNode, 0, line.number, at-line.start+1)
	key.Value = p.text[at:end]
	p.stack = append(p.stack, key)
	value, ok := p.value(line, end+1, indent)
	if ok {
		p.stack = append(p.stack, value)
	}
	return ok
}

func isKeyByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '/' || b == '.' ||
		b == '-'
}

// value reads what stands behind a colon: a scalar on the line, or a block below it.
func (p *plainParser) value(line plainLine, at, indent int) (*yaml.Node, bool) {
	p.next++
	from := p.skipSpaces(at, line.end)
	if from < line.end && from == at {
		return nil, false // no space behind the colon
	}
	if from < line.end && p.text[from] != '#' {
		return p.scalar(line, from, indent)
	}
	if p.next == len(p.lines) {
		return nil, false
	}
	below := p.lines[p.next]
	isItem := p.isItem(below.begin, below.end)
	switch {
	case isItem && below.indent() >= indent:
		return p.list(below.indent())
	case !isItem && below.indent() > indent:
		return p.mapping(below.indent())
	}
	return nil, false // nothing is there: null
}

func (p *plainParser) skipSpaces(at, end int) int {
	for at < end && p.text[at] == ' ' {
		at++
	}
	return at
}

// isItem reports whether a list item begins at an offset.
func (p *plainParser) isItem(at, end int) bool {
	return p.text[at] == '-' && (at+1 == end || p.text[at+1] == ' ')
}

// list reads the items at an indentation.
func (p *plainParser) list(indent int) (*yaml.Node, bool) {
	n := p.node(yaml.SequenceNode, 0, p.lines[p.next].number, indent+1)
	n.Tag = "!!seq"
	mark := len(p.stack)
	for p.next < len(p.lines) && p.lines[p.next].indent() == indent {
		line := p.lines[p.next]
		if !p.isItem(line.begin, line.end) {
			break // of the mapping around, whose lists are not indented
		}
		item, ok := p.item(line, indent)
		if !ok {
			return nil, false
		}
		p.stack = append(p.stack, item)
	}
	p.adopt(n, mark)
	return n, p.next == len(p.lines) || p.lines[p.next].indent() <= indent
}

// item reads a scalar, or a mapping that begins behind the dash.
func (p *plainParser) item(line plainLine, indent int) (*yaml.Node, bool) {
	at := p.skipSpaces(line.begin+1, line.end)
	if at == line.end || p.isItem(at, line.end) {
		return nil, false
	}
	if !p.isKey(at, line.end) {
		p.next++
		return p.scalar(line, at, indent)
	}
	inner := at - line.start
	n := p.node(yaml.MappingNode, 0, line.number, inner+1)
	n.Tag = "!!map"
	mark := len(p.stack)
	for ok := p.entry(line, at, inner); ; ok = p.entry(p.lines[p.next], p.lines[p.next].begin, inner) {
		if !ok {
			return nil, false
		}
		if p.next == len(p.lines) || p.lines[p.next].indent() != inner ||
			p.isItem(p.lines[p.next].begin, p.lines[p.next].end) {
			break
		}
	}
	p.adopt(n, mark)
	return n, p.next == len(p.lines) || p.lines[p.next].indent() <= indent
}

// isKey reports whether what begins at an offset is a key.
func (p *plainParser) isKey(at, end int) bool {
	for at < end && isKeyByte(p.text[at]) {
		at++
	}
	return at < end && p.text[at] == ':' && (at+1 == end || p.text[at+1] == ' ')
}

// scalar reads a value that ends with its line. What is indented deeper would be more of it.
func (p *plainParser) scalar(line plainLine, at, indent int) (*yaml.Node, bool) {
	if p.next < len(p.lines) && p.lines[p.next].indent() > indent {
		return nil, false
	}
	n := p.node(yaml.ScalarNode, 0, line.number, at-line.start+1)
	text := p.text[at:line.end]
	switch first := text[0]; {
	case first == '"' || first == '\'':
		return n, p.quoted(n, text, first)
	case strings.HasPrefix(text, "{}"):
		n.Kind, n.Style, n.Tag = yaml.MappingNode, yaml.FlowStyle, "!!map"
		return n, isEnd(text[2:])
	case strings.HasPrefix(text, "[]"):
		n.Kind, n.Style, n.Tag = yaml.SequenceNode, yaml.FlowStyle, "!!seq"
		return n, isEnd(text[2:])
	case !isPlainStart(first):
		return nil, false
	}
	if i := strings.Index(text, " #"); i >= 0 {
		text = text[:i]
	}
	n.Value = strings.TrimRight(text, " ")
	return n, !strings.Contains(n.Value, ": ") && n.Value[len(n.Value)-1] != ':'
}

func isPlainStart(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '/' || b == '.' ||
		b == '~' || b == '+'
}

// quoted reads a quoted scalar without escapes.
func (p *plainParser) quoted(n *yaml.Node, text string, quote byte) bool {
	n.Style = yaml.DoubleQuotedStyle
	if quote == '\'' {
		n.Style = yaml.SingleQuotedStyle
	}
	end := strings.IndexByte(text[1:], quote)
	if end < 0 {
		return false
	}
	n.Value = text[1 : 1+end]
	return strings.IndexByte(n.Value, '\\') < 0 && isEnd(text[2+end:])
}

// isEnd reports whether nothing but a comment follows on the line.
func isEnd(rest string) bool {
	trimmed := strings.TrimLeft(rest, " ")
	return trimmed == "" || trimmed[0] == '#' && len(trimmed) < len(rest)
}
