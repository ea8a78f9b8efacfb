package yamldoc

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// requireTwins holds that the plain parser makes what the full one makes, or leaves the document to it.
func requireTwins(t testing.TB, p *plainParser, doc []byte) (plain bool) {
	t.Helper()
	fast, ok := p.parse(doc)
	if !ok {
		return false
	}
	full, err := decode(doc)
	if err != nil {
		t.Fatalf("only the plain parser takes %q: %v", doc, err)
	}
	if difference := differ(fast, full); difference != "" {
		t.Fatalf("%s in %q", difference, doc)
	}
	return true
}

func differ(fast, full *yaml.Node) string {
	if full == nil || fast.Kind != full.Kind || fast.Style != full.Style || fast.Value != full.Value ||
		fast.Line != full.Line ||
		fast.Column != full.Column || fast.Anchor != full.Anchor || len(fast.Content) != len(full.Content) ||
		full.Alias != nil {
		return fmt.Sprintf("%+v is not %+v", fast, full)
	}
	if fast.Kind != yaml.ScalarNode && fast.Tag != full.Tag || full.Tag == "!!merge" {
		return fmt.Sprintf("tag %q is not %q", fast.Tag, full.Tag)
	}
	for i := range fast.Content {
		if difference := differ(fast.Content[i], full.Content[i]); difference != "" {
			return difference
		}
	}
	return ""
}

const plainDocument = `# a comment
apiVersion: wiring.githedgehog.com/v1beta1
kind: Connection # what it is
metadata:
  name: leaf-01--fabric--spine-01

  labels: {}
  annotations:
    a.example/b: 'quoted'
spec:
  fabric:
    links:
    - leaf:
        port: leaf-01/E1/1
      spine:
        port: "spine-01/E1/1"
    - leaf: {}
  list:
    - a
    -   b: 1
        c:
        - 0c:20:12:ff:00:00
    - /x
  empty: []   # none
`

func TestPlainParser(t *testing.T) {
	t.Parallel()
	p := &plainParser{}
	for name, doc := range map[string]string{
		"block": plainDocument, "one line": "a: b", "no break": "a:\n  b: c", "indented list": "a:\n  - b\nc: d\n",
		"spaces":          "a: b  \n\n  \nc:   d\n",
		"key with digits": "1: a\n", "list of mappings": "a:\n- b: c\n  d: e\n-  f: g\n   h:\n     - i\n",
	} {
		if !requireTwins(t, p, []byte(doc)) {
			t.Errorf("%s is left to the full parser: %q", name, doc)
		}
	}
	for name, doc := range map[string]string{
		"continued": "a: b\n  c\n", "literal": "a: |\n  b\n", "flow": "a: [b]\n", "anchor": "a: &b c\n", "null": "a:\nb: c\n",
		"tab": "a:\tb\n",
		"tag": "a: !!str b\n", "document": "---\na: b\n", "end": "a: b\n...\n", "complex key": "? a\n: b\n",
		"colon": "a: b: c\n", "merge": "<<: {}\n",
		"list": "- a\n", "scalar": "a\n", "nested list": "a:\n- - b\n", "bad indent": "a:\n    b: c\n  d: e\n",
		"umlaut": "a: ä\n", "escape": "a: \"\\n\"\n",
		"mapping under item": "a:\n- b\n  c: d\n", "dash": "a:\n-\n  b: c\n", "comma": "a: , b\n",
	} {
		if requireTwins(t, p, []byte(doc)) {
			t.Errorf("%s is not left to the full parser: %q", name, doc)
		}
	}
}

// TestPlainParserReuse: what one document leaves behind is not seen in the next.
func TestPlainParserReuse(t *testing.T) {
	t.Parallel()
	p := &plainParser{}
	for _, doc := range []string{plainDocument, "a: b\n", plainDocument, "a:\n- b\n", "a: [", plainDocument} {
		requireTwins(t, p, []byte(doc))
	}
}

// TestPlainParserLaw draws documents around what the plain parser takes.
func TestPlainParserLaw(t *testing.T) {
	t.Parallel()
	p := &plainParser{}
	plain := 0
	rapid.Check(t, func(r *rapid.T) {
		if requireTwins(t, p, []byte(drawBlock(r, 0, 3))) {
			plain++
		}
	})
	if plain == 0 {
		t.Error("no document that was drawn is plain")
	}
}

func drawBlock(r *rapid.T, indent, depth int) string {
	var b strings.Builder
	item := rapid.Bool().Draw(r, "list") && indent > 0
	for i := range rapid.IntRange(1, 3).Draw(r, "entries") {
		pad := strings.Repeat(" ", indent+rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 0, 1}).Draw(r, "off"))
		lead := fmt.Sprintf("k%d:", i)
		if item {
			lead = "-"
		}
		b.WriteString(pad + lead)
		if depth > 0 && rapid.IntRange(0, 2).Draw(r, "deeper") == 0 {
			if item && rapid.Bool().Draw(r, "inline") {
				b.WriteString(" " + strings.TrimLeft(drawBlock(r, indent+2, depth-1), " "))
				continue
			}
			b.WriteString(rapid.SampledFrom([]string{"\n", " \n", " # c\n", "\n\n"}).Draw(r, "break"))
			b.WriteString(drawBlock(r, indent+rapid.SampledFrom([]int{2, 2, 4, 0, 1}).Draw(r, "step"), depth-1))
			continue
		}
		b.WriteString(rapid.SampledFrom([]string{
			" a", " 1", " 'q'", ` "q"`, " {}", " []", " a # c", " a#b", " a b", " a: b", " b:", " -1", " ~", " 'a' b", " {} x",
			"", " |", " *a", " x'", "a",
		}).Draw(r, "value"))
		b.WriteString(rapid.SampledFrom([]string{"\n", "\n", "\n", "\n# c\n", " \n", "\n\n", ""}).Draw(r, "end"))
	}
	return b.String()
}

// FuzzPlainParser holds the two parsers equal on anything.
func FuzzPlainParser(f *testing.F) {
	f.Add([]byte(plainDocument))
	for _, seed := range []string{
		"a: b", "a:\n- b: c\n  d: 'e' # f\n", "a: \"b\"\nc: {}\nd: []\n",
		"a:\n  - b\n\n# c\n  - d\n", "k: v#w\nx: y: z",
	} {
		f.Add([]byte(seed))
	}
	p := &plainParser{}
	f.Fuzz(func(t *testing.T, doc []byte) { requireTwins(t, p, doc) })
}

func BenchmarkPlainParser(b *testing.B) {
	p := &plainParser{}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := p.parse([]byte(plainDocument)); !ok {
			b.Fatal("not plain")
		}
	}
}
