package splice

import (
	"bytes"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// settle gives annotations that are there already their new values, and returns those that are to be inserted: what is
// not there, and what is written such that it can only be removed.
func (t *text) settle(root *yaml.Node, edit Edit) (insert []Pair, plain bool) {
	_, meta := yamldoc.Field(root, metadata)
	_, have := yamldoc.Field(meta, annotations)
	if have == nil {
		return edit.Annotations, true
	}
	plain = true
	for _, p := range edit.Annotations {
		key, value := yamldoc.Field(have, p.Key)
		switch {
		case key == nil:
			insert = append(insert, p)
		case edit.Keep || says(value, p.Value):
		case t.replaceValue(value, p):
			plain = false
		default:
			plain = false
			t.drop(key)
			insert = append(insert, p)
		}
	}
	return insert, plain
}

// says reports whether a value is a text.
func says(value *yaml.Node, text string) bool {
	if value.Kind != yaml.ScalarNode {
		return false
	}
	s := yamldoc.Resolve(value)
	return s.Type == yamldoc.String && s.Text == text
}

// replaceValue writes another text in the place of a scalar that can be told from what is around it.
func (t *text) replaceValue(value *yaml.Node, p Pair) bool {
	at := t.offset(value.Line, value.Column)
	if value.Kind != yaml.ScalarNode || at < 0 || at >= len(t.body) {
		return false
	}
	with, end := Quote(p.Value), -1
	switch value.Style {
	case 0:
		if value.Value != "" && bytes.HasPrefix(t.body[at:], []byte(value.Value)) {
			end = at + len(value.Value)
		}
	case yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle:
		if c := t.body[at]; c == '\'' || c == '"' {
			end = yamldoc.FlowEnd(t.body, at)
		}
	}
	if value.Style == yaml.DoubleQuotedStyle {
		with = DoubleQuote(p.Value)
	}
	if end < 0 {
		return false
	}
	t.insert(at, end-at, []byte(with))
	return true
}
