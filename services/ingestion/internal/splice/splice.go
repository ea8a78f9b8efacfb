// Package splice adds annotations to a document, replaces them and its API version, and takes fields out, by changing
// bytes of the original text at the places that the parser names. Everything else stays as its author wrote it:
// comments, blank lines, order, styles, indentation, line ends. Where the edit is more than lines put into plain block
// form, the result is parsed again and compared with what was wanted, so a document is either spliced rightly or
// refused; nothing is lost.
package splice

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// Pair is one annotation.
type Pair struct {
	Key, Value string
	line       string // of a block mapping
}

// NewPair returns a pair that can be put into any number of documents.
func NewPair(key, value string) Pair {
	return Pair{Key: key, Value: value, line: Quote(key) + ": " + Quote(value)}
}

// Edit is what to do to a document.
type Edit struct {
	Annotations []Pair
	Keep        bool       // annotations whose key is there already are left as they are, and not given the new value
	APIVersion  string     // replaces the one stated, unless empty
	Remove      [][]string // fields of the document, of metadata or of annotations that go, as paths of names
}

// ErrUnsafe says that the document is written in a form in which nothing can be inserted with certainty.
var ErrUnsafe = errors.New("the metadata is written in a form that can't be added to")

const (
	metadata    = "metadata"
	annotations = "annotations"
)

// Apply returns the document with the edit made. root is the tree that yamldoc.Parse gave for it.
func Apply(doc []byte, root *yaml.Node, edit Edit) ([]byte, error) {
	t := newText(doc)
	plain := true
	if edit.APIVersion != "" {
		plain = t.replaceScalar(root, "apiVersion", edit.APIVersion) && plain
	}
	pairs, inPlace := t.settle(root, edit)
	t.mark(root, edit.Remove)
	t.removeMarked(root)
	plain = plain && inPlace && len(t.gone) == 0
	if len(pairs) > 0 {
		plain = t.annotate(root, pairs) && plain
	}
	if t.failed {
		return nil, ErrUnsafe
	}
	out := t.bytes()
	if (!plain || t.unusual) && !verify(out, root, edit) {
		return nil, ErrUnsafe
	}
	return out, nil
}

// annotate inserts the pairs. It reports whether that was the plain block form.
func (t *text) annotate(root *yaml.Node, pairs []Pair) bool {
	key, meta := yamldoc.Field(root, metadata)
	if meta == nil || meta.Kind != yaml.MappingNode || len(meta.Content) == 0 {
		return t.fail()
	}
	if meta.Style&yaml.FlowStyle != 0 {
		return t.annotateFlow(meta, pairs)
	}
	annotationsKey, have := yamldoc.Field(meta, annotations)
	if annotationsKey == nil {
		indent, ok := t.indentBelow(key, meta.Content[0])
		if !ok {
			return t.fail()
		}
		t.insertBlock(key, indent, annotations+":", "  ", pairs)
		return true
	}
	return t.extend(annotationsKey, have, pairs)
}

// extend adds to annotations that stand in block metadata.
func (t *text) extend(key, have *yaml.Node, pairs []Pair) bool {
	switch {
	case have.Kind == yaml.MappingNode && have.Style&yaml.FlowStyle != 0:
		return t.insertFlow(have, pairs)
	case have.Kind == yaml.MappingNode && len(have.Content) > 0:
		indent, ok := t.indentBelow(key, have.Content[0])
		if !ok {
			return t.fail()
		}
		t.insertBlock(key, indent, "", "", pairs)
		return true
	case have.Kind == yaml.ScalarNode && have.Value == "" && have.Style == 0:
		indent, ok := t.indentOf(key)
		if !ok {
			return t.fail()
		}
		t.insertBlock(key, indent, "", "  ", pairs)
		return false
	case have.Kind == yaml.ScalarNode && have.Style == 0 && yamldoc.Resolve(have).Type == yamldoc.Null:
		return t.replace(have, have.Value, "{"+flow(pairs)+"}")
	}
	return t.fail()
}

// annotateFlow adds to metadata written in braces.
func (t *text) annotateFlow(meta *yaml.Node, pairs []Pair) bool {
	_, have := yamldoc.Field(meta, annotations)
	switch {
	case have == nil:
		return t.insertBraces(meta, `"`+annotations+`": {`+flow(pairs)+"}")
	case have.Kind == yaml.MappingNode && have.Style&yaml.FlowStyle != 0:
		return t.insertFlow(have, pairs)
	case have.Kind == yaml.ScalarNode && have.Style == 0 && have.Value != "" && yamldoc.Resolve(have).Type == yamldoc.Null:
		return t.replace(have, have.Value, "{"+flow(pairs)+"}")
	}
	return t.fail()
}

func (t *text) insertFlow(n *yaml.Node, pairs []Pair) bool { return t.insertBraces(n, flow(pairs)) }

// insertBraces puts entries behind the opening brace of a flow mapping.
func (t *text) insertBraces(n *yaml.Node, entries string) bool {
	at := t.offset(n.Line, n.Column)
	if at < 0 || at >= len(t.body) || t.body[at] != '{' {
		return t.fail()
	}
	if t.left(n) > 0 {
		entries += ", "
	}
	t.insert(at+1, 0, []byte(entries))
	return false
}

// replaceScalar replaces the text of a top-level scalar. It reports whether that was the plain form.
func (t *text) replaceScalar(root *yaml.Node, name, with string) bool {
	_, value := yamldoc.Field(root, name)
	if value == nil || value.Kind != yaml.ScalarNode {
		return t.fail()
	}
	switch value.Style {
	case 0:
		t.replace(value, value.Value, with)
		return value.Anchor == ""
	case yaml.SingleQuotedStyle:
		t.replace(value, "'"+value.Value+"'", "'"+with+"'")
		return true
	case yaml.DoubleQuotedStyle:
		t.replace(value, `"`+value.Value+`"`, `"`+with+`"`)
		return true
	}
	return t.fail()
}

// replace puts a text in the place of one that a node begins with.
func (t *text) replace(n *yaml.Node, old, with string) bool {
	at := t.offset(n.Line, n.Column)
	if at < 0 || !bytes.HasPrefix(t.body[at:], []byte(old)) {
		return t.fail()
	}
	t.insert(at, len(old), []byte(with))
	return false
}

// flow writes pairs as entries of a flow mapping, in the form that JSON has too.
func flow(pairs []Pair) string {
	out := make([]string, len(pairs))
	for i, p := range pairs {
		out[i] = DoubleQuote(p.Key) + ": " + DoubleQuote(p.Value)
	}
	return strings.Join(out, ", ")
}

// verify parses the result and compares it with what was wanted.
func verify(out []byte, root *yaml.Node, edit Edit) bool {
	again, err := yamldoc.Parse(out, yamldoc.DefaultLimits())
	if err != nil || again == nil || len(yamldoc.Split(out)) != 1 {
		return false
	}
	want, ok := yamldoc.Value(root).(map[string]any)
	if !ok {
		return false
	}
	if edit.APIVersion != "" {
		want["apiVersion"] = strings.Clone(edit.APIVersion) // a copy, so that the edit itself need not be on the heap
	}
	meta, ok := want[metadata].(map[string]any)
	if !ok {
		return false
	}
	drop(want, edit.Remove)
	have, _ := meta[annotations].(map[string]any)
	ours := make(map[string]any, len(edit.Annotations))
	for _, p := range edit.Annotations {
		ours[p.Key] = p.Value
	}
	meta[annotations] = merge(have, ours, edit.Keep)
	return reflect.DeepEqual(yamldoc.Value(again), any(want))
}

// merge returns all of two mappings; where both have a key, the first counts when it is to be kept.
func merge(have, ours map[string]any, keep bool) map[string]any {
	all := map[string]any{}
	maps.Copy(all, have)
	for key, value := range ours {
		if _, there := all[key]; !there || !keep {
			all[key] = value
		}
	}
	return all
}

// drop takes fields out of a document.
func drop(object map[string]any, paths [][]string) {
	for _, path := range paths {
		at, last := object, len(path)-1
		for _, name := range path[:last] {
			at, _ = at[name].(map[string]any)
		}
		delete(at, path[last])
	}
}

// text is a document under change.
type text struct {
	doc     []byte // as given
	body    []byte // without byte order mark, as the parser counts
	edits   []edit
	gone    map[*yaml.Node]bool // entries that are taken out, by their keys
	unusual bool                // has what makes positions or meaning less certain: anchors, exotic line breaks
	failed  bool
}

type edit struct {
	at, remove int
	insert     []byte
}

func newText(doc []byte) *text {
	body := bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))
	t := &text{doc: doc, body: body}
	t.unusual = bytes.IndexByte(body, '&') >= 0 || bytes.IndexByte(body, '*') >= 0 ||
		!isASCII(body) && bytes.ContainsAny(body, "\u0085\u2028\u2029")
	return t
}

func isASCII(body []byte) bool {
	for _, b := range body {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (t *text) fail() bool {
	t.failed = true
	return false
}

func (t *text) insert(at, remove int, with []byte) {
	t.edits = append(t.edits, edit{at, remove, with})
}

// bytes returns the changed document.
func (t *text) bytes() []byte {
	slices.SortStableFunc(t.edits, func(a, b edit) int { return cmp.Or(a.at-b.at, a.remove-b.remove) })
	size := len(t.doc)
	for _, e := range t.edits {
		size += len(e.insert)
	}
	out := make([]byte, 0, size+1)
	out = append(out, t.doc[:len(t.doc)-len(t.body)]...)
	last := 0
	for _, e := range t.edits {
		out = append(out, t.body[last:e.at]...)
		out = append(out, e.insert...)
		last = e.at + e.remove
	}
	return append(out, t.body[last:]...)
}

// insertBlock puts lines behind the line of a key, with the line end that this line has: a head, unless it is empty,
// and the pairs, which stand deeper.
func (t *text) insertBlock(key *yaml.Node, indent, head, deeper string, pairs []Pair) {
	start := t.lineStart(key.Line)
	end, next := t.breakAfter(start)
	ending := string(t.body[end:next])
	missing := ending == ""
	if missing {
		ending = "\n"
	}
	size := len(indent) + len(head) + 2*len(ending)
	for _, p := range pairs {
		size += len(indent) + len(deeper) + len(p.line) + len(ending)
	}
	b := make([]byte, 0, size)
	if missing {
		b = append(b, ending...)
	}
	if head != "" {
		b = append(append(append(b, indent...), head...), ending...)
	}
	for _, p := range pairs {
		b = append(append(append(append(b, indent...), deeper...), p.line...), ending...)
	}
	if missing {
		b = b[:len(b)-len(ending)]
	}
	t.insert(next, 0, b)
}

// indentBelow returns the indentation of the first child of a block mapping, which must stand on a line of its own.
func (t *text) indentBelow(key, child *yaml.Node) (string, bool) {
	if child.Line <= key.Line {
		return "", false
	}
	return t.indentOf(child)
}

// indentOf returns what stands before a node on its line: spaces, or it is no plain block mapping.
func (t *text) indentOf(n *yaml.Node) (string, bool) {
	start, at := t.lineStart(n.Line), t.offset(n.Line, n.Column)
	if start < 0 || at < start {
		return "", false
	}
	indent := string(t.body[start:at])
	return indent, strings.Trim(indent, " ") == ""
}

// offset returns the byte that a line and a column mean; columns count characters.
func (t *text) offset(line, column int) int {
	at := t.lineStart(line)
	if at < 0 {
		return -1
	}
	for ; column > 1 && at < len(t.body); column-- {
		_, size := utf8.DecodeRune(t.body[at:])
		at += size
	}
	return at
}

// lineStart returns the first byte of a line, or -1.
func (t *text) lineStart(line int) int {
	at := 0
	for ; line > 1; line-- {
		end, next := t.breakAfter(at)
		if end == next {
			return -1
		}
		at = next
	}
	return at
}

// breakAfter finds the next line break, as the parser counts them: YAML 1.1 knows three more than LF and CR.
func (t *text) breakAfter(at int) (end, next int) {
	if !t.unusual {
		end = at + bytes.IndexByte(t.body[at:], '\n')
		if end >= at && bytes.IndexByte(t.body[at:end], '\r') < 0 {
			return end, end + 1
		}
	}
	rest := t.body[at:]
	i := bytes.IndexAny(rest, "\n\r\u0085\u2028\u2029")
	if i < 0 {
		return len(t.body), len(t.body)
	}
	if bytes.HasPrefix(rest[i:], []byte("\r\n")) {
		return at + i, at + i + 2
	}
	_, size := utf8.DecodeRune(rest[i:])
	return at + i, at + i + size
}
