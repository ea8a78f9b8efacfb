package rewrite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestLaws: in whatever style a document is written, a change of a field touches its lines only, is read as meant by
// readers of YAML 1.1 and 1.2, and is made once; two changes one after the other say what both at once say.
func TestLaws(t *testing.T) {
	t.Parallel()
	py := startPython(t, "SafeLoader")
	rapid.Check(t, func(t *rapid.T) {
		r := newRenderer(t)
		have := r.object(3)
		doc := r.document(have)
		first, change, ok := r.change(have)
		if !ok {
			return
		}
		out := mustApply(t, doc, first)
		requireReads(t, py, out, first)
		requireLines(t, doc, out, change)
		if again := mustApply(t, out, first); &again[0] != &out[0] {
			t.Fatalf("what says it already is another text:\n%s", out)
		}
		both, _, ok := r.change(first)
		if !ok {
			return
		}
		twice := mustApply(t, out, both)
		requireReads(t, py, twice, both)
		requireReads(t, py, mustApply(t, doc, both), both)
	})
}

func mustApply(t failer, doc []byte, now map[string]any) []byte {
	t.Helper()
	out, err := Apply(doc, Content{Spec: now}, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	return out
}

// requireReads requires that two readers read a spec.
func requireReads(t failer, py *python, doc []byte, want map[string]any) {
	t.Helper()
	_, have, err := read(doc)
	if err != nil || !equal(have[spec], want) {
		t.Fatalf("read %v, not %v: %v\n%s", have[spec], want, err, doc)
	}
	if py == nil {
		return
	}
	object, _ := py.read(t, doc).(map[string]any)
	if !equal(object[spec], want) {
		t.Fatalf("PyYAML reads %v, not %v\n%s", object, want, doc)
	}
}

// renderer writes documents in many styles.
type renderer struct {
	drawer
	step, list int
}

func newRenderer(t *rapid.T) *renderer {
	draw := func(n int, label string) int { return rapid.IntRange(0, n-1).Draw(t, label) }
	r := &renderer{drawer: drawer{chance: draw}}
	r.step = 1 + draw(4, "step")
	r.list = draw(r.step+1, "list")
	return r
}

// object returns a spec.
func (r *renderer) object(depth int) map[string]any {
	out := map[string]any{}
	for range r.chance(5, "entries") {
		out[r.text("key")] = r.value(depth)
	}
	return out
}

func (r *renderer) one(texts ...string) string { return texts[r.chance(len(texts), "one of")] }

// document writes a document around a spec.
func (r *renderer) document(have map[string]any) []byte {
	lines := []string{"apiVersion: g/v1", "kind: A", "metadata:", "  name: n"}
	first, below := r.render(have, 0, false)
	lines = append(append(lines, strings.TrimRight("spec:"+first, " ")), below...)
	lines = append([]string{r.one("# head", "", "---", "--- # c")}, lines...)
	end := r.one("\n", "\n", "\n# tail\n", "\n\n", "\n...\n", "")
	if strings.HasPrefix(lines[len(lines)-1], " ") && r.endsInText(have) {
		end = "\n"
	}
	text := r.one("", "", "\ufeff") + strings.Join(lines, "\n") + end
	if r.chance(3, "line ends") == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return []byte(text)
}

// endsInText reports whether a literal text may stand at the end of a document, to which a line break belongs.
func (r *renderer) endsInText(have map[string]any) bool {
	return strings.Contains(fmt.Sprint(have), "\n")
}

// render writes a value behind a colon or dash at a column: what follows on its line, with the blank before it, and the
// lines below.
func (r *renderer) render(value any, column int, item bool) (string, []string) {
	note, anchor := r.one("", "", "", " # c", "   # it's {c}"), ""
	if r.chance(8, "anchor") == 7 {
		r.fresh++
		anchor = fmt.Sprintf(" &a%d", r.fresh)
	}
	switch v := value.(type) {
	case map[string]any:
		if len(v) > 0 && r.chance(4, "braces") > 0 {
			return r.block(r.entries(v, r.inner(column, r.step, item)), r.inner(column, r.step, item), item, anchor+note)
		}
	case []any:
		if len(v) > 0 && r.chance(4, "brackets") > 0 {
			return r.block(r.items(v, r.inner(column, r.list, item)), r.inner(column, r.list, item), item, anchor+note)
		}
	case string:
		if header, lines, ok := r.literal(v, column+r.step); ok && r.chance(2, "literal") == 0 {
			return anchor + " " + header + note, lines
		}
	}
	if value == nil && r.chance(2, "nothing") == 0 {
		return anchor + note, nil
	}
	if _, isText := value.(string); isText {
		anchor += r.one("", "", "", "", "", "", "", " !!str")
	}
	text := r.flow(value, strings.Repeat(" ", column+r.step))
	first, rest, several := strings.Cut(text, "\n")
	if !several {
		return anchor + " " + first + note, nil
	}
	return anchor + " " + first, strings.Split(rest+note, "\n")
}

func (r *renderer) inner(column, deeper int, item bool) int {
	if item {
		return column + 2
	}
	return column + deeper
}

// block puts the lines of a collection below a key, or behind a dash.
func (r *renderer) block(lines []string, column int, item bool, note string) (string, []string) {
	if !item {
		return note, lines
	}
	if strings.HasPrefix(strings.TrimSpace(lines[0]), "#") || lines[0] == "" {
		lines = lines[1:]
	}
	return " " + lines[0][column:], lines[1:]
}

func (r *renderer) entries(v map[string]any, column int) []string {
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	sort.Strings(names)
	var out []string
	for len(names) > 0 {
		i := r.chance(len(names), "order")
		first, below := r.render(v[names[i]], column, false)
		out = append(out, r.above(column)...)
		out = append(append(out, strings.Repeat(" ", column)+r.scalar(names[i])+":"+first), below...)
		names = append(names[:i], names[i+1:]...)
	}
	return out
}

func (r *renderer) items(v []any, column int) []string {
	var out []string
	for _, item := range v {
		first, below := r.render(item, column, true)
		out = append(out, r.above(column)...)
		out = append(append(out, strings.Repeat(" ", column)+"-"+first), below...)
	}
	return out
}

// above returns what may stand above an entry: one line at most, so that its first one can be told.
func (r *renderer) above(column int) []string {
	switch r.chance(6, "above") {
	case 0:
		return []string{strings.Repeat(" ", column) + "# about: it"}
	case 1:
		return []string{""}
	}
	return nil
}

var unmistakable = regexp.MustCompile(`^[a-z]+-[0-9/a-z-]*$`)

func (r *renderer) scalar(text string) string {
	encoded, _ := json.Marshal(text)
	double := strings.NewReplacer("\u00a0", `\u00a0`, `\u2028`, `\u2028`).Replace(string(encoded))
	if kind := r.chance(3, "style"); unmistakable.MatchString(text) && kind == 0 {
		return text
	} else if kind == 1 && isPrintable(text) {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return double
}

func (r *renderer) literal(text string, column int) (string, []string, bool) {
	body, ends := strings.CutSuffix(text, "\n")
	if body == "" || strings.ContainsAny(body, "\t\u2028\u00a0") || strings.HasPrefix(body, " ") ||
		strings.HasPrefix(body, "\n") || strings.HasSuffix(body, "\n") || strings.HasSuffix(body, " ") {
		return "", nil, false
	}
	header := map[bool]string{true: "|", false: "|-"}[ends]
	if !strings.Contains(body, "\n") && r.chance(2, "folded") == 0 {
		header = strings.Replace(header, "|", ">", 1)
	}
	var lines []string
	for line := range strings.SplitSeq(body, "\n") {
		if line != "" {
			line = strings.Repeat(" ", column) + line
		}
		lines = append(lines, line)
	}
	return header, lines, true
}

// flow writes a value in one line, or a collection in several.
func (r *renderer) flow(value any, indent string) string {
	switch v := value.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		sort.Strings(names)
		for i, name := range names {
			names[i] = r.scalar(name) + ": " + r.flow(v[name], indent+" ")
		}
		return r.wrap("{", names, "}", indent)
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = r.flow(item, indent+" ")
		}
		return r.wrap("[", items, "]", indent)
	case string:
		return r.scalar(v)
	case json.Number:
		return strings.Replace(string(v), "e2", "e+2", 1)
	case bool:
		return fmt.Sprint(v)
	}
	return "null"
}

func (r *renderer) wrap(open string, parts []string, end, indent string) string {
	if len(parts) > 0 && r.chance(3, "lines") == 0 {
		comma := r.one(",", ", # c")
		return open + "\n" + indent + strings.Join(parts, comma+"\n"+indent) + r.one("", ",") + "\n" + indent + end
	}
	return open + r.one("", " ") + strings.Join(parts, r.one(", ", ",  ")) + r.one("", " ") + end
}

// TestIdentity: a document that says what it shall comes back as it is.
func TestIdentity(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := newRenderer(t)
		have := r.object(3)
		doc := r.document(have)
		out, err := Apply(doc, Content{Spec: have}, nil)
		if err != nil || !bytes.Equal(out, doc) {
			t.Fatalf("%v in\n%s", err, doc)
		}
	})
}
