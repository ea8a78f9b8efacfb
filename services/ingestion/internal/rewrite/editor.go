package rewrite

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

var bom = []byte("\xef\xbb\xbf")

// editor collects the changes to a document. The first thing that can't be done ends it.
type editor struct {
	*source
	keys  Keys
	style style
	edits []edit
	used  map[*yaml.Node]bool // nodes that an alias stands for
	added string              // the line break that the text did not have at its end
	err   *Error
}

// edit puts a text in the place of another.
type edit struct {
	from, to int
	with     string
}

func newEditor(doc []byte, root *yaml.Node, keys Keys) (*editor, error) {
	if hasOddBreaks(doc) {
		return nil, &Error{Reason: "it has line breaks that are neither LF nor CR LF"}
	}
	body, added := bytes.TrimPrefix(doc, bom), ""
	if !bytes.HasSuffix(body, []byte("\n")) {
		added = newSource(body).lineBreak(0)
		body = slices.Concat(body, []byte(added))
	}
	e := &editor{source: newSource(body), keys: keys, added: added, used: map[*yaml.Node]bool{}}
	e.style = styleOf(root)
	if bytes.IndexByte(body, '*') >= 0 {
		e.noteAliases(root)
	}
	return e, nil
}

func (e *editor) noteAliases(n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		e.used[n.Alias] = true
		return
	}
	for _, child := range n.Content {
		e.noteAliases(child)
	}
}

// refuse notes why the document can't be changed.
func (e *editor) refuse(at *place, n *yaml.Node, reason string) {
	if e.err == nil {
		e.err = &Error{Path: at.String(), Line: n.Line, Column: n.Column, Reason: reason}
	}
}

// replaceText puts a text in the place of what stands between two offsets.
func (e *editor) replaceText(from, to int, with string) {
	if from != to || with != "" {
		e.edits = append(e.edits, edit{from, to, with})
	}
}

// insertLines puts lines before an offset at which a line begins, with the line break of the line before.
func (e *editor) insertLines(at int, lines []string) {
	if len(lines) == 0 {
		return
	}
	end := e.lineBreak(max(at-1, 0))
	e.replaceText(at, at, strings.Join(lines, end)+end)
}

// result returns the changed document, with a line break at its end.
func (e *editor) result(doc []byte) ([]byte, error) {
	if e.err != nil {
		return nil, e.err
	}
	slices.SortStableFunc(e.edits, func(a, b edit) int { return cmp.Or(a.from-b.from, a.to-b.to) })
	out := make([]byte, 0, len(doc)+256)
	if bytes.HasPrefix(doc, bom) {
		out = append(out, bom...)
	}
	last := 0
	for _, change := range e.edits {
		if change.from < last || change.to > len(e.text) {
			return nil, &Error{Reason: "it is written in a form in which changes get into each other's way"}
		}
		out = append(append(out, e.text[last:change.from]...), change.with...)
		last = change.to
	}
	return append(out, e.text[last:]...), nil
}

// place is where a value stands.
type place struct {
	up   *place
	name string     // of the field; "*" in a list
	item int        // which item of the list
	key  *yaml.Node // nil for an item and the document
	node *yaml.Node // of an item
	flow bool       // inside braces or brackets
	json bool       // where keys are in double quotes
}

func (p *place) field(name string, key *yaml.Node, in *yaml.Node) *place {
	json := p.json
	if len(in.Content) > 0 {
		json = isFlow(in) && in.Content[0].Style&yaml.DoubleQuotedStyle != 0
	}
	return &place{up: p, name: name, key: key, flow: isFlow(in), json: json}
}

func (p *place) at(i int, node *yaml.Node, in *yaml.Node) *place {
	return &place{up: p, name: "*", item: i, node: node, flow: isFlow(in), json: p.json}
}

// names returns the path as Keys takes it.
func (p *place) names() []string {
	var out []string
	for ; p.up != nil; p = p.up {
		out = append(out, p.name)
	}
	slices.Reverse(out)
	return out
}

// after returns the offset behind the colon or dash before a value, or unknown.
func (e *editor) after(at *place) int {
	switch {
	case at.key != nil:
		return e.colon(at.key)
	case at.node != nil:
		if dash := e.dash(at.node); dash != unknown {
			return dash + 1
		}
	}
	return unknown
}

// value makes a node say what it shall.
func (e *editor) value(n *yaml.Node, have, want any, at *place) {
	if e.err != nil {
		return
	}
	if n.Anchor != "" && e.used[n] && !equal(have, want) {
		e.refuse(at, n, "other places take it from here by the alias *"+n.Anchor)
		return
	}
	switch want := want.(type) {
	case map[string]any:
		if have, ok := have.(map[string]any); ok && n.Kind == yaml.MappingNode && len(have) > 0 && len(want) > 0 {
			e.mapping(n, have, want, at)
			return
		}
	case []any:
		if have, ok := have.([]any); ok && n.Kind == yaml.SequenceNode && len(have) > 0 && len(want) > 0 {
			e.sequence(n, have, want, at)
			return
		}
	}
	if !equal(have, want) {
		e.replace(n, want, at)
	}
}

// refuseShared refuses to take away what other places use.
func (e *editor) refuseShared(n *yaml.Node, at *place) {
	if n.Anchor != "" && e.used[n] {
		e.refuse(at, n, "other places take it from here by the alias *"+n.Anchor)
	}
	for _, child := range n.Content {
		e.refuseShared(child, at)
	}
}

// entry is one of a mapping's own.
type entry struct {
	name       string
	key, value *yaml.Node
}

// entries returns what a mapping has itself and, by name, what it merges.
func entries(n *yaml.Node) (own []entry, merged map[string]*yaml.Node) {
	values := make(map[*yaml.Node]*yaml.Node, len(n.Content)/2)
	merges := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		values[key] = n.Content[i+1]
		if key.Tag == "!!merge" {
			merges.Content = append(merges.Content, key, n.Content[i+1])
		}
	}
	yamldoc.Entries(n, func(name string, key, _ *yaml.Node) {
		if value, isOwn := values[key]; isOwn {
			own = append(own, entry{name, key, value})
		}
	})
	if len(merges.Content) > 0 {
		merged = map[string]*yaml.Node{}
		yamldoc.Entries(merges, func(name string, key, _ *yaml.Node) { merged[name] = key })
	}
	return own, merged
}
