package yamldoc

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrTooLong is the error of JSON for what would be longer than its limit: aliases may repeat a long text many times.
var ErrTooLong = errors.New("it is too long when everything is written out")

// JSON returns what Value decodes as JSON, the entries of objects in the order of their keys. Numbers keep all digits
// that they have in the document, also those that no number of the machine holds. It fails with ErrTooLong when that
// has more than limit bytes.
func JSON(n *yaml.Node, limit int, without ...string) ([]byte, error) {
	w := jsonWriter{limit: limit}
	w.node(n, without)
	if w.err != nil {
		return nil, w.err
	}
	return w.out, nil
}

// jsonWriter writes JSON until it has written enough.
type jsonWriter struct {
	out   []byte
	limit int
	err   error
}

// node writes a value. Of a mapping, some keys may be left out.
func (w *jsonWriter) node(n *yaml.Node, without []string) {
	switch n = Follow(n); {
	case w.full():
	case n.Kind == yaml.MappingNode:
		w.mapping(n, without)
	case n.Kind == yaml.SequenceNode:
		w.out = append(w.out, '[')
		for i, item := range n.Content {
			w.comma(i)
			w.node(item, nil)
		}
		w.out = append(w.out, ']')
	default:
		w.scalar(n)
	}
}

// full reports whether nothing more is to be written.
func (w *jsonWriter) full() bool {
	if w.err == nil && len(w.out) > w.limit {
		w.err = ErrTooLong
	}
	return w.err != nil
}

func (w *jsonWriter) comma(i int) {
	if i > 0 {
		w.out = append(w.out, ',')
	}
}

func (w *jsonWriter) mapping(n *yaml.Node, without []string) {
	type entry struct {
		name  string
		value *yaml.Node
	}
	entries := make([]entry, 0, len(n.Content)/2)
	Entries(n, func(name string, _, value *yaml.Node) {
		if !slices.Contains(without, name) {
			entries = append(entries, entry{name, value})
		}
	})
	slices.SortStableFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	entries = slices.CompactFunc(entries, func(a, b entry) bool { return a.name == b.name })
	w.out = append(w.out, '{')
	for i, e := range entries {
		w.comma(i)
		w.text(e.name)
		w.out = append(w.out, ':')
		w.node(e.value, nil)
	}
	w.out = append(w.out, '}')
}

func (w *jsonWriter) scalar(n *yaml.Node) {
	switch s := Resolve(n); s.Type {
	case Null:
		w.out = append(w.out, "null"...)
	case Bool:
		w.out = strconv.AppendBool(w.out, s.Bool)
	case Int, Float:
		w.out = append(w.out, digits(n.Value)...)
	default:
		w.text(s.Text)
	}
}

// text writes a string. Its characters were checked when the document was parsed.
func (w *jsonWriter) text(s string) {
	if isPlainText(s) {
		w.out = append(append(append(w.out, '"'), s...), '"')
		return
	}
	encoded, err := json.Marshal(s)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("write text: %w", err)
	}
	w.out = append(w.out, encoded...)
}

// isPlainText reports whether a text stands in JSON as it is.
func isPlainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// digits returns a number as JSON writes it, digit by digit as it stands in the document. Only what has no such form in
// JSON, which are other bases, is calculated.
func digits(text string) string {
	text = strings.ReplaceAll(text, "_", "")
	if i, err := strconv.ParseInt(text, 0, 64); err == nil {
		return strconv.FormatInt(i, 10)
	}
	if u, err := strconv.ParseUint(text, 0, 64); err == nil {
		return strconv.FormatUint(u, 10)
	}
	sign, rest := "", strings.TrimPrefix(text, "+")
	if after, negative := strings.CutPrefix(rest, "-"); negative {
		sign, rest = "-", after
	}
	end := strings.IndexAny(rest, "eE")
	if end < 0 {
		end = len(rest)
	}
	whole, fraction, _ := strings.Cut(rest[:end], ".")
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + whole + fraction + rest[end:]
}
