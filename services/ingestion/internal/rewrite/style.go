package rewrite

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// style is how new lines of a document are written: as its own are.
type style struct {
	step int            // by which a mapping is indented below its key
	list int            // by which the dashes of a list are
	rank map[string]int // in which order keys occur in the document
}

const (
	usualStep = 2
	wideStep  = 8 // what is indented deeper is no style
)

// styleOf looks at how a document is written.
func styleOf(root *yaml.Node) style {
	s := style{step: -1, list: -1, rank: map[string]int{}}
	s.learn(root)
	if s.step < 1 || s.step > wideStep {
		s.step = usualStep
	}
	if s.list < 0 || s.list > wideStep {
		s.list = s.step
	}
	return s
}

func (s *style) learn(n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if _, known := s.rank[key.Value]; !known {
				s.rank[key.Value] = len(s.rank)
			}
			s.measure(key, value)
		}
	}
	for _, child := range n.Content {
		s.learn(child)
	}
}

// measure takes the indentation of a block collection below its key.
func (s *style) measure(key, value *yaml.Node) {
	if isFlow(value) || value.Line <= key.Line || len(value.Content) == 0 {
		return
	}
	switch {
	case value.Kind == yaml.MappingNode && s.step < 0:
		s.step = value.Column - key.Column
	case value.Kind == yaml.SequenceNode && s.list < 0:
		s.list = value.Column - key.Column
	}
}

// sorted returns the keys of an object in the order in which they are written: as in the document, then as in the
// samples, then by name.
func (s *style) sorted(object map[string]any) []string {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(s.place(a)-s.place(b), samplePlace(a)-samplePlace(b), strings.Compare(a, b))
	})
	return names
}

func (s *style) place(name string) int {
	if place, known := s.rank[name]; known {
		return place
	}
	return len(s.rank)
}

// lines writes entries of a mapping or items of a list at a column.
func (s *style) lines(values []any, column int) []string {
	var out []string
	indent := strings.Repeat(" ", column)
	for _, value := range values {
		head, isItem := "-", true
		if e, isEntry := value.(newEntry); isEntry {
			head, value, isItem = keyText(e.name, false, false)+":", e.value, false
		}
		first, below := s.block(value, 0, column, isItem)
		if first != "" {
			head += " " + first
		}
		out = append(append(out, indent+head), below...)
	}
	return out
}

// block writes a value behind a key or, as an item, behind a dash that stands at a column: what stands on that line,
// and the lines below. A text is written in the style of the one before it where that is possible.
func (s *style) block(value any, old yaml.Style, column int, isItem bool) (first string, below []string) {
	var inner []any
	deeper := s.step
	switch v := value.(type) {
	case map[string]any:
		for _, name := range s.sorted(v) {
			inner = append(inner, newEntry{name, v[name]})
		}
	case []any:
		inner, deeper = v, s.list
	case string:
		if header, lines, ok := blockText(v, old, column+s.step); ok && wantsLines(v, old) {
			return header, lines
		}
	}
	if len(inner) == 0 {
		return scalarText(value, old, false), nil
	}
	if !isItem {
		return "", s.lines(inner, column+deeper)
	}
	lines := s.lines(inner, column+len("- "))
	return lines[0][column+len("- "):], lines[1:]
}

// wantsLines reports whether a text is better written as a literal scalar.
func wantsLines(text string, old yaml.Style) bool {
	return strings.Contains(text, "\n") && old&yaml.DoubleQuotedStyle == 0
}
