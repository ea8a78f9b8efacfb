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

var listKind = regexp.MustCompile(`(?m)^["']?kind["']?[ \t]*:[ \t]*["']?[A-Za-z]*List\b`)

// Items takes a document apart that is a list of resources, such as kubectl writes. It returns nil when the document
// is none, or is written in a form that can't be taken apart with certainty: each item has to mean the same on its own.
func Items(doc []byte, limits Limits) []Item {
	if !listKind.Match(doc) {
		return nil
	}
	root, err := Parse(doc, limits)
	if err != nil || !strings.HasSuffix(Text(root, "kind"), "List") {
		return nil
	}
	key, list := Field(root, "items")
	if list == nil || list.Kind != yaml.SequenceNode || list.Style&yaml.FlowStyle != 0 || list.Line == key.Line {
		return nil
	}
	lines := bytes.SplitAfter(bytes.TrimPrefix(doc, bom), []byte("\n"))
	var items []Item
	for i, node := range list.Content {
		end := endOfItem(root, list, i, len(lines))
		text, ok := dedent(lines, node, end)
		if !ok || !sameMeaning(text, node, limits) {
			return nil
		}
		items = append(items, Item{Bytes: text, Line: node.Line})
	}
	return items
}

// endOfItem returns the number of the last line of an item.
func endOfItem(root, list *yaml.Node, i, lines int) int {
	if i+1 < len(list.Content) {
		return list.Content[i+1].Line - 1
	}
	end := lines
	for j := 0; j < len(root.Content); j += 2 {
		if line := root.Content[j].Line; line > list.Content[i].Line {
			end = min(end, line-1)
		}
	}
	return end
}

// dedent cuts the lines of an item out, without the columns before it.
func dedent(lines [][]byte, node *yaml.Node, end int) ([]byte, bool) {
	if node.Kind != yaml.MappingNode || node.Style&yaml.FlowStyle != 0 || node.Line > end || end > len(lines) {
		return nil, false
	}
	indent := node.Column - 1
	var out bytes.Buffer
	for number := node.Line; number <= end; number++ {
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
	if len(Split(text)) != 1 {
		return false
	}
	alone, err := Parse(text, limits)
	return err == nil && alone != nil && reflect.DeepEqual(Value(alone), Value(node))
}
