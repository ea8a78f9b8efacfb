package yamldoc

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	kyaml "sigs.k8s.io/yaml"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		in   string
		part string
		line int
	}{
		"alias bomb":            {bomb(), "more than 100", 0},
		"self alias":            {"a: &x\n  b: *x\n", "part of", 2},
		"unknown anchor":        {"a: *nope\n", "unknown anchor", 1},
		"too deep block":        {deepBlock(70), "deeper", 0},
		"too deep flow":         {"a: " + strings.Repeat("[", 70) + strings.Repeat("]", 70), "deeper", 1},
		"far too deep":          {strings.Repeat("[", 20000), "", 0},
		"too many aliases":      {"a: &x 1\nb: [" + strings.Repeat("*x,", 101) + "]\n", "aliases", 2},
		"too many nodes":        {"a: [" + strings.Repeat("1,", 120_000) + "]", "nodes", 0},
		"duplicate key":         {"a: 1\nb: 2\na: 3\n", `"a" occurs twice`, 3},
		"duplicate text":        {"1: a\n\"1\": b\n", "occurs twice", 2},
		"duplicate boolean":     {"yes: a\n'true': b\n", "occurs twice", 2},
		"duplicate in many":     {many(40) + "k7: 1\n", "occurs twice", 41},
		"duplicate merge":       {"a: &x {b: 1}\nc:\n  <<: *x\n  <<: *x\n", "occurs twice", 4},
		"merge of a scalar":     {"<<: 1\n", "merged", 1},
		"complex key":           {"? [a, b]\n: 1\n", "plain text", 1},
		"null key":              {"~: 1\n", "null", 1},
		"custom tag":            {"a: !foo 1\n", "tag !foo", 1},
		"binary tag":            {"a: !!binary aGk=\n", "tag !!binary", 1},
		"custom mapping tag":    {"a: !foo {b: 1}\n", "tag !foo", 1},
		"tag that does not fit": {"a: !!int x\n", "does not fit", 1},
		"infinity":              {"a: .inf\n", "JSON", 1},
		"not a number":          {"a: 1\nb: .nan\n", "JSON", 2},
		"escaped nul":           {"a: \"\\0\"\n", "control", 1},
		"raw control":           {"a: \x01\n", "control", 1},
		"tab indentation":       {"a:\n\tb: 1\n", "", 2},
		"unclosed bracket":      {"a: [1\n", "", 0},
		"garbage behind flow":   {"{a: 1} x\n", "", 0},
		"bom inside":            {"a: 1\n\xef\xbb\xbfb: 2\n", "byte order mark", 2},
		"yaml 1.3":              {"%YAML 3.0\n---\na: 1\n", "", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(c.in), DefaultLimits())
			var e *SyntaxError
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(e.Message, c.part) || (c.line > 0 && e.Line != c.line) {
				t.Errorf("got line %d: %s", e.Line, e.Message)
			}
		})
	}
}

func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), ","))
	}
	return b.String()
}

func deepBlock(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: %d\n", i, i)
	}
	return b.String()
}

func TestParseEmpty(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "# only\n", "\n\n", "---\n"} {
		root, err := Parse([]byte(in), DefaultLimits())
		if err != nil {
			t.Errorf("%q: %v", in, err)
		} else if root != nil && Value(root) != nil {
			t.Errorf("%q: got %v", in, Value(root))
		}
	}
}

// TestValueAsCluster compares values with the decoder that kubectl and the API server use.
func TestValueAsCluster(t *testing.T) {
	t.Parallel()
	scalars := []string{
		"1", "-1", "+1", "010", "0x1f", "0o17", "0b11", "1_000", "1e3", "12e45", "1234567e8", "1.10", "1.0", ".5", "5.",
		"-.5e-3",
		"9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
		"y", "Y", "n", "yes", "No", "on", "OFF", "true", "False", "~", "null", "NULL", "", "nulll", "yess",
		"2025-01-01", "2025-01-01T10:00:00Z", "12:30:45", "0c:20:12:ff:00:00", "10.0.1.0/24", "1.2.3", "v1", "0123456", "08",
		"0.0", "-0", "1,000",
		"'1'", "\"yes\"", "!!str 1", "!!int 7", "!!float 1.5", "!!bool true", "|\n  a\n  b\n", ">-\n  a\n  b\n", "[1, a, y]",
		"{a: 1, y: 2}", "<<x", "=", "e1", ".",
	}
	for _, s := range scalars {
		in := "key: " + s + "\n"
		want := clusterValue(t, in)
		root, err := Parse([]byte(in), DefaultLimits())
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		if got := Value(root); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %#v, want %#v", s, got, want)
		}
	}
}

func TestValueMerges(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"a: &a {x: 1, y2: 2}\nb:\n  <<: *a\n  x: 3\n",
		"a: &a {x: 1}\nb: &b {x: 2, z: 3}\nc:\n  <<: [*a, *b]\n  w: 4\n",
		"a: &a {x: 1}\nb: &b\n  <<: *a\n  z: 2\nc:\n  <<: *b\n",
		"1: a\ny: b\nx: c\n",
	} {
		root, err := Parse([]byte(in), DefaultLimits())
		if err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		if got, want := Value(root), clusterValue(t, in); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %#v, want %#v", in, got, want)
		}
	}
}

func clusterValue(t *testing.T, in string) any {
	t.Helper()
	text, err := kyaml.YAMLToJSON([]byte(in))
	if err != nil {
		t.Fatalf("%q: %v", in, err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var out any
	if err := decoder.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return withNumbers(out)
}

func withNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = withNumbers(v[k])
		}
	case []any:
		for i := range v {
			v[i] = withNumbers(v[i])
		}
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	}
	return v
}

// FuzzParse: what is refused is refused at a place in the document; what is accepted has a value that JSON can hold.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		bomb(), "a: &x\n  b: *x\n", "a: [1, {b: c}]\n", "? a\n: b\n", "a: !!int 1\n<<: {b: 1}\n", "%YAML 1.2\n---\na\n",
		"a: *b\n", "a: \xff\n", "a: 0x1F\nb: 1e400\nc: .5\n", "a: |2-\n    b\n",
		"a: \"\\u2028\\x41\"\n", "a:\u2028b: 1\n", "- - - a\n", "%TAG !e! tag:x,1:\n---\n!e!a b\n", "a: >\n b\n\n  c\n",
		"{a, b: , ? c}\n", "a: ~\n~: a\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := Parse(data, DefaultLimits())
		if err == nil && root != nil {
			if _, err := json.Marshal(Value(root)); err != nil {
				t.Errorf("%q has no value: %v", data, err)
			}
		}
		var e *SyntaxError
		if err != nil && (!errors.As(err, &e) || e.Message == "" || e.Line < 0 || e.Line > parserLines(data)) {
			t.Errorf("%q: %v", data, err)
		}
	})
}

// parserLines counts lines as the parser does, that behind the last break included.
func parserLines(data []byte) int {
	n := 1
	for _, r := range string(data) {
		if strings.ContainsRune("\n\r\u0085\u2028\u2029", r) {
			n++
		}
	}
	return n
}

func BenchmarkParse(b *testing.B) {
	doc := []byte("apiVersion: wiring.githedgehog.com/v1beta1\nkind: Connection\nmetadata:\n  name: c1\nspec:\n  " +
		"fabric:\n    links:\n    - leaf:\n        port: leaf-01/E1/1\n      spine:\n        port: spine-01/E1/1\n    - " +
		"leaf:\n        port: leaf-01/E1/2\n      spine:\n        port: spine-01/E1/2\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(doc, DefaultLimits()); err != nil {
			b.Fatal(err)
		}
	}
}
