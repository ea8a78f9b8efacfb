package yamldoc

import (
	"bytes"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/hedgehog"
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
	items, _ := takeApart(doc, limits)
	return items
}

// Remainder returns what is left of a list without its items when that says something of its own: comments, fields that
// lists don't have, or metadata that no cluster writes. It is nil when there is nothing, or no list.
func Remainder(doc []byte, limits Limits) []byte {
	_, rest := takeApart(doc, limits)
	return rest
}

func takeApart(doc []byte, limits Limits) (items []Item, rest []byte) {
	if !listKind.Match(doc) {
		return nil, nil
	}
	root, err := Parse(doc, limits)
	if err != nil || !IsList(root) {
		return nil, nil
	}
	_, list := Field(root, "items")
	empty := list != nil && list.Kind == yaml.ScalarNode && Resolve(list).Type == Null
	if list == nil || list.Kind != yaml.SequenceNode && !empty {
		return nil, nil
	}
	body := bytes.TrimPrefix(doc, bom)
	l := listText{
		textIndex: textIndex{body, lineStarts(body)}, texts: bytes.SplitAfter(body, []byte("\n")), root: root, list: list,
	}
	items = make([]Item, len(list.Content))
	for i := range items {
		if items[i] = l.item(i, limits); items[i].Bytes == nil {
			return nil, nil
		}
	}
	if !l.says(items, limits) {
		return items, nil
	}
	if rest = l.rest(items, limits); rest == nil {
		return nil, nil
	}
	return items, rest
}

// IsList reports whether a document is a list of resources by its type: what others call a list is a resource of its
// own.
func IsList(root *yaml.Node) bool {
	kind, version := Text(root, "kind"), Text(root, "apiVersion")
	if kind == "List" && (version == "" || version == "v1") {
		return true
	}
	group, _, _ := strings.Cut(version, "/")
	return strings.HasSuffix(kind, "List") && hedgehog.IsHedgehogGroup(group)
}

// listMetadata are the fields of the metadata of a list, which only a cluster writes.
var listMetadata = []string{"resourceVersion", "selfLink", "continue", "remainingItemCount"}

// says reports whether a list says anything that is in none of its items.
func (l *listText) says(items []Item, limits Limits) bool {
	for i := 0; i < len(l.root.Content); i += 2 {
		switch value := l.root.Content[i+1]; l.root.Content[i].Value {
		case "apiVersion", "kind", "items":
		case "metadata":
			if value.Kind != yaml.MappingNode && Resolve(value).Type != Null {
				return true
			}
			for j := 0; j < len(value.Content); j += 2 {
				if !slices.Contains(listMetadata, value.Content[j].Value) {
					return true
				}
			}
		default:
			return true
		}
	}
	return commentsOf(l.body, l.root) > commentsIn(items, limits)
}

func commentsOf(text []byte, root *yaml.Node) int {
	if bytes.IndexByte(text, '#') < 0 {
		return 0
	}
	return len(TriviaOf(text, root).Comments)
}

func commentsIn(items []Item, limits Limits) int {
	n := 0
	for _, item := range items {
		if root, err := Parse(item.Bytes, limits); err == nil {
			n += commentsOf(item.Bytes, root)
		}
	}
	return n
}

// rest returns the lines of a list without those of its items; nil when that loses something or means something else.
func (l *listText) rest(items []Item, limits Limits) []byte {
	if len(items) == 0 {
		return l.body
	}
	last := len(items) - 1
	if l.list.Style&yaml.FlowStyle != 0 {
		return nil
	}
	text := slices.Concat(bytes.Join(l.texts[:l.dashOf(0)-1], nil), bytes.Join(l.texts[l.endOf(last):], nil))
	root, err := Parse(text, limits)
	if err != nil || root == nil || commentsOf(l.body, l.root) != commentsOf(text, root)+commentsIn(items, limits) {
		return nil
	}
	before, _ := Value(l.root).(map[string]any)
	after, _ := Value(root).(map[string]any)
	delete(before, "items")
	delete(after, "items")
	if !reflect.DeepEqual(before, after) {
		return nil
	}
	return text
}

// listText is a list that is taken apart.
type listText struct {
	textIndex
	texts      [][]byte // of its lines
	root, list *yaml.Node
}

// item returns an item by its lines, or as a piece of a line; without bytes when neither means the same on its own.
func (l *listText) item(i int, limits Limits) Item {
	node := l.list.Content[i]
	if l.list.Style&yaml.FlowStyle == 0 {
		start, end := l.startOf(i), l.endOf(i)
		text, ok := dedent(l.texts, node, start, end)
		if note := l.noteOf(i); ok && note != "" {
			text, start = append([]byte(note), text...), start-1
		}
		if ok && sameMeaning(text, node, limits) {
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
	at := l.offset(node.Line, node.Column)
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

// noteOf returns the comment behind a dash that stands on a line of its own.
func (l *listText) noteOf(i int) string {
	dash := l.dashOf(i)
	if dash == l.list.Content[i].Line {
		return ""
	}
	note := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(string(l.texts[dash-1])), "-"))
	if note == "" {
		return ""
	}
	return note + "\n"
}

// dashOf returns the number of the line on which the dash of an item stands.
func (l *listText) dashOf(i int) int {
	node := l.list.Content[i]
	if node.Line <= len(l.texts) && l.before(node) {
		return node.Line
	}
	for line := node.Line - 1; line > 0 && line <= len(l.texts); line-- {
		content := bytes.TrimSpace(l.texts[line-1])
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
	line := l.texts[node.Line-1]
	return bytes.HasSuffix(bytes.TrimRight(line[:min(len(line), node.Column-1)], " "), []byte("-"))
}

// endOf returns the number of the last line of an item.
func (l *listText) endOf(i int) int {
	if i+1 < len(l.list.Content) {
		return l.dashOf(i+1) - 1
	}
	end := len(l.texts)
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
