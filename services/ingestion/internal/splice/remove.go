package splice

import (
	"bytes"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// mark notes entries that go: those of the paths that are there.
func (t *text) mark(root *yaml.Node, paths [][]string) {
	for _, path := range paths {
		var key *yaml.Node
		at := root
		for _, name := range path {
			key, at = yamldoc.Field(at, name)
		}
		if key != nil {
			t.drop(key)
		}
	}
}

// drop notes that an entry goes.
func (t *text) drop(key *yaml.Node) {
	if t.gone == nil {
		t.gone = map[*yaml.Node]bool{}
	}
	t.gone[key] = true
}

// removeMarked takes the marked entries out of the mappings in which there can be some.
func (t *text) removeMarked(root *yaml.Node) {
	if len(t.gone) == 0 {
		return
	}
	_, meta := yamldoc.Field(root, metadata)
	_, have := yamldoc.Field(meta, annotations)
	for _, n := range []*yaml.Node{root, meta, have} {
		switch {
		case n == nil || n.Kind != yaml.MappingNode:
		case n.Style&yaml.FlowStyle != 0:
			t.removeFlow(n)
		default:
			t.removeLines(n)
		}
	}
}

// removeLines takes the lines of entries out of a block mapping.
func (t *text) removeLines(n *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; t.gone[key] {
			start, end, ok := t.entryLines(key, n.Content[i+1])
			if !ok {
				t.fail()
				return
			}
			t.insert(start, end-start, nil)
		}
	}
}

// entryLines returns where the lines of an entry of a block mapping begin and end: all that are indented deeper than
// its key belong to it, and the items of a list that are not.
func (t *text) entryLines(key, value *yaml.Node) (start, end int, ok bool) {
	indent, ok := t.indentOf(key)
	if !ok {
		return 0, 0, false
	}
	start = t.lineStart(key.Line)
	_, end = t.breakAfter(start)
	for at := end; at < len(t.body); {
		stop, next := t.breakAfter(at)
		line := t.body[at:stop]
		content := bytes.TrimLeft(line, " ")
		deep := len(line) - len(content)
		isItem := value.Kind == yaml.SequenceNode && deep == len(indent) && bytes.HasPrefix(content, []byte("-"))
		blank := len(bytes.TrimSpace(content)) == 0
		if !blank && deep <= len(indent) && !isItem {
			break
		}
		if at = next; !blank {
			end = next
		}
	}
	return start, end, true
}

// removeFlow takes entries out of a mapping in braces, each with a comma: the one behind it, or for the last ones the
// one before them.
func (t *text) removeFlow(n *yaml.Node) {
	last := len(n.Content) // of what stays, the end
	for last > 0 && t.gone[n.Content[last-2]] {
		last -= 2
	}
	for i := 0; i < last; i += 2 {
		if t.gone[n.Content[i]] {
			t.cut(t.offset(n.Content[i].Line, n.Content[i].Column),
				t.offset(n.Content[i+2].Line, n.Content[i+2].Column))
		}
	}
	if last == len(n.Content) {
		return
	}
	start := t.offset(n.Content[last].Line, n.Content[last].Column)
	if last > 0 {
		start = t.flowEnd(n.Content[last-1])
	}
	t.cut(start, t.flowEnd(n.Content[len(n.Content)-1]))
}

func (t *text) cut(start, end int) {
	if start < 0 || end < start {
		t.fail()
		return
	}
	t.insert(start, end-start, nil)
}

// flowEnd returns the end of a value in a flow mapping, or -1.
func (t *text) flowEnd(value *yaml.Node) int {
	at := t.offset(value.Line, value.Column)
	if at < 0 {
		return -1
	}
	if value.Kind == yaml.ScalarNode && value.Style == 0 {
		if !bytes.HasPrefix(t.body[at:], []byte(value.Value)) {
			return -1
		}
		return at + len(value.Value)
	}
	return yamldoc.FlowEnd(t.body, at)
}

// left returns how many entries of a mapping stay.
func (t *text) left(n *yaml.Node) int {
	count := 0
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !t.gone[n.Content[i]] {
			count++
		}
	}
	return count
}
