package yamldoc

import (
	"bytes"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Item is one element of a list of resources, as a document of its own.
type Item struct {
	Bytes []byte // without the indentation that it has in the list
	Line  int    // line of the document on which it begins, from 1
}

var listKind = regexp.MustCompile(`(?m)(?:^|[{,\s])["']?kind["']?[ \t]*:[ \t]*["']?[A-Za-z]*List\b`)

// Items takes a document apart that is a list of resources, such as kubectl writes, as YAML or as JSON. The result is
// empty for a list in which there is nothing. It is nil when the document is none, or is written in a form that can't
// be taken apart with certainty: each item has to mean the same on its own.
func Items(doc []byte, limits Limits) []Item {
	if !listKind.Match(doc) {
		return nil
	}
	root, err := Parse(doc, limits)
	if err != nil || !strings.HasSuffix(Text(root, "kind"), "List") {
		return nil
	}
	_, list := Field(root, "items")
	switch {
	case list == nil:
		return nil
	case list.Kind == yaml.ScalarNode && Resolve(list).Type == Null:
		return []Item{}
	case list.Kind != yaml.SequenceNode:
		return nil
	}
	body := bytes.TrimPrefix(doc, bom)
	l := listText{body: body, lines: bytes.SplitAfter(body, []byte("\n")), root: root, list: list}
	items := make([]Item, len(list.Content))
	for i := range items {
		if items[i] = l.item(i, limits); items[i].Bytes == nil {
			return nil
		}
	}
	return items
}

// listText is a list that is taken apart.
type listText struct {
	body       []byte
	lines      [][]byte
	root, list *yaml.Node
}

// item returns an item by its lines, or as a piece of a line; without bytes when neither means the same on its own.
func (l *listText) item(i int, limits Limits) Item {
	node := l.list.Content[i]
	if l.list.Style&yaml.FlowStyle == 0 {
		start, end := l.startOf(i), l.endOf(i)
		if text, ok := dedent(l.lines, node, start, end); ok && sameMeaning(text, node, limits) {
			return Item{Bytes: text, Line: start}
		}
	}
	if text := l.piece(node); text != nil && sameMeaning(text, node, limits) {
		return Item{Bytes: text, Line: node.Line}
	}
	return Item{}
}

// piece returns an item in braces.
func (l *listText) piece(node *yaml.Node) []byte {
	if node.Kind != yaml.MappingNode || node.Style&yaml.FlowStyle == 0 {
		return nil
	}
	at := textIndex{l.body, lineStarts(l.body)}.offset(node.Line, node.Column)
	if at < 0 {
		return nil
	}
	if end := FlowEnd(l.body, at); end > 0 {
		return append(bytes.Clone(l.body[at:end]), '\n')
	}
	return nil
}

// startOf returns the number of the first line of an item: that of its dash, or the one behind when the dash stands
// alone.
func (l *listText) startOf(i int) int {
	line := l.list.Content[i].Line
	if dash := l.dashOf(i); dash < line {
		return dash + 1
	}
	return line
}

// dashOf returns the number of the line on which the dash of an item stands.
func (l *listText) dashOf(i int) int {
	node := l.list.Content[i]
	if node.Line <= len(l.lines) && l.before(node) {
		return node.Line
	}
	for line := node.Line - 1; line > 0 && line <= len(l.lines); line-- {
		content := bytes.TrimSpace(l.lines[line-1])
		if len(content) > 0 && content[0] == '-' {
			return line
		}
		if len(content) > 0 && content[0] != '#' {
			break
		}
	}
	return node.Line
}

// before reports whether a dash stands before a node on its line.
func (l *listText) before(node *yaml.Node) bool {
	line := l.lines[node.Line-1]
	return bytes.HasSuffix(bytes.TrimRight(line[:min(len(line), node.Column-1)], " "), []byte("-"))
}

// endOf returns the number of the last line of an item.
func (l *listText) endOf(i int) int {
	if i+1 < len(l.list.Content) {
		return l.dashOf(i+1) - 1
	}
	end := len(l.lines)
	for j := 0; j < len(l.root.Content); j += 2 {
		if line := l.root.Content[j].Line; line > l.list.Content[i].Line {
			end = min(end, line-1)
		}
	}
	return end
}

// dedent cuts the lines of an item out, without the columns before it.
func dedent(lines [][]byte, node *yaml.Node, start, end int) ([]byte, bool) {
	if node.Kind != yaml.MappingNode || node.Line > end || end > len(lines) {
		return nil, false
	}
	indent := node.Column - 1
	var out bytes.Buffer
	for number := start; number <= end; number++ {
		line := lines[number-1]
		content := bytes.TrimLeft(line, " ")
		before := len(line) - len(content)
		switch {
		case number == node.Line:
			if indent > len(line) {
				return nil, false
			}
			out.Write(line[indent:])
		case before >= indent:
			out.Write(line[indent:])
		case len(bytes.TrimSpace(content)) == 0 || content[0] == '#':
			out.Write(content)
		default:
			return nil, false
		}
	}
	return out.Bytes(), true
}

func sameMeaning(text []byte, node *yaml.Node, limits Limits) bool {
	if node.Kind != yaml.MappingNode || len(Split(text)) != 1 {
		return false
	}
	alone, err := Parse(text, limits)
	return err == nil && alone != nil && reflect.DeepEqual(Value(alone), Value(node))
}
