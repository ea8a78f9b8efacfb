package splice

import (
	"bytes"
	"encoding/json"
	"maps"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

var two = []Pair{NewPair("x.io/a", "one"), NewPair("x.io/b", "2")}

func TestApply(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, in, want string }{
		{
			"plain", "kind: A\nmetadata:\n  name: n\nspec: {}\n",
			"kind: A\nmetadata:\n  annotations:\n    x.io/a: one\n    x.io/b: '2'\n  name: n\nspec: {}\n",
		},
		{
			"indented by four, comments", "metadata: # m\n    # about the name\n    name: n   # n\n",
			"metadata: # m\n    annotations:\n      x.io/a: one\n      x.io/b: '2'\n    # about the name\n    name: n   # n\n",
		},
		{
			"crlf", "metadata:\r\n  name: n\r\n",
			"metadata:\r\n  annotations:\r\n    x.io/a: one\r\n    x.io/b: '2'\r\n  name: n\r\n",
		},
		{"cr", "metadata:\r  name: n\r", "metadata:\r  annotations:\r    x.io/a: one\r    x.io/b: '2'\r  name: n\r"},
		{
			"bom", "\xef\xbb\xbfmetadata:\n  name: n\n",
			"\xef\xbb\xbfmetadata:\n  annotations:\n    x.io/a: one\n    x.io/b: '2'\n  name: n\n",
		},
		{
			"annotations there", "metadata:\n  annotations:\n      k: v\n  name: n\n",
			"metadata:\n  annotations:\n      x.io/a: one\n      x.io/b: '2'\n      k: v\n  name: n\n",
		},
		{
			"one there already", "metadata:\n  annotations:\n    x.io/a: mine # c\n",
			"metadata:\n  annotations:\n    x.io/b: '2'\n    x.io/a: one # c\n",
		},
		{
			"all there already", "metadata:\n  annotations: {x.io/a: mine, x.io/b: \"3\"}\n",
			"metadata:\n  annotations: {x.io/a: one, x.io/b: \"2\"}\n",
		},
		{
			"there with their values", "metadata:\n  annotations: {x.io/a: 'one', x.io/b: \"2\"}\n",
			"metadata:\n  annotations: {x.io/a: 'one', x.io/b: \"2\"}\n",
		},
		{
			"there in quotes", "metadata:\n  annotations:\n    'x.io/a': 'it''s # mine'  # c\n" +
				"    x.io/b: \"\\\"x\\\\\"\n  name: n\n",
			"metadata:\n  annotations:\n    'x.io/a': one  # c\n    x.io/b: \"2\"\n  name: n\n",
		},
		{
			"there as blocks", "metadata:\n  annotations:\n    k: v\n    x.io/a: |\n      a\n\n      b\n" +
				"    # c\n    x.io/b: c\n      d\n" +
				"  name: n\n",
			"metadata:\n  annotations:\n    x.io/a: one\n    x.io/b: '2'\n    k: v\n    # c\n  name: n\n",
		},
		{
			"there without values", "metadata:\n  annotations:\n    x.io/a:\n    x.io/b: ~\n",
			"metadata:\n  annotations:\n    x.io/a: one\n    x.io/b: '2'\n",
		},
		{
			"empty braces", "metadata:\n  annotations: {}\n  name: n\n",
			"metadata:\n  annotations: {\"x.io/a\": \"one\", \"x.io/b\": \"2\"}\n  name: n\n",
		},
		{
			"braces", "metadata:\n  annotations: { k: v }\n",
			"metadata:\n  annotations: {\"x.io/a\": \"one\", \"x.io/b\": \"2\",  k: v }\n",
		},
		{
			"null", "metadata:\n  annotations: null # none\n  name: n\n",
			"metadata:\n  annotations: {\"x.io/a\": \"one\", \"x.io/b\": \"2\"} # none\n  name: n\n",
		},
		{
			"nothing", "metadata:\n  annotations: # none\n  name: n\n",
			"metadata:\n  annotations: # none\n    x.io/a: one\n    x.io/b: '2'\n  name: n\n",
		},
		{"nothing, at the end", "metadata:\n  annotations:", "metadata:\n  annotations:\n    x.io/a: one\n    x.io/b: '2'"},
		{
			"flow metadata", "metadata: {name: n}\nkind: A\n",
			"metadata: {\"annotations\": {\"x.io/a\": \"one\", \"x.io/b\": \"2\"}, name: n}\nkind: A\n",
		},
		{
			"json", "{\"kind\": \"A\",\n \"metadata\": {\n  \"name\": \"n\"}}",
			"{\"kind\": \"A\",\n \"metadata\": {\"annotations\": {\"x.io/a\": \"one\", \"x.io/b\": \"2\"}, \n  \"name\": " +
				"\"n\"}}",
		},
		{
			"json with annotations", `{"metadata":{"annotations":{"k":"v"},"name":"n"}}`,
			`{"metadata":{"annotations":{"x.io/a": "one", "x.io/b": "2", "k":"v"},"name":"n"}}`,
		},
		{
			"after a wide character", "é: {ü: 日}\nmetadata: {ü: '日', name: n}\n",
			"é: {ü: 日}\nmetadata: {\"annotations\": {\"x.io/a\": \"one\", \"x.io/b\": \"2\"}, ü: '日', name: n}\n",
		},
		{
			"header and marker", "# h\n---\nmetadata:\n  name: n\n",
			"# h\n---\nmetadata:\n  annotations:\n    x.io/a: one\n    x.io/b: '2'\n  name: n\n",
		},
		{
			"a block scalar that looks alike", "a: |\n  metadata:\n    name: x\nmetadata:\n  name: n\n",
			"a: |\n  metadata:\n    name: x\nmetadata:\n  annotations:\n    x.io/a: one\n    x.io/b: '2'\n  name: n\n",
		},
		{
			"aliases elsewhere", "a: &x {b: c}\nmetadata:\n  name: n\nd: *x\n",
			"a: &x {b: c}\nmetadata:\n  annotations:\n    x.io/a: one\n    x.io/b: '2'\n  name: n\nd: *x\n",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := apply(t, c.in, Edit{Annotations: two})
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

func apply(t *testing.T, in string, edit Edit) (string, error) {
	t.Helper()
	root, err := yamldoc.Parse([]byte(in), yamldoc.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	out, err := Apply([]byte(in), root, edit)
	return string(out), err
}

// TestRemove: fields go with their lines, and what is around them stays.
func TestRemove(t *testing.T) {
	t.Parallel()
	paths := [][]string{{"metadata", "uid"}, {"metadata", "owners"}, {"metadata", "annotations", "k"}, {"status"}}
	for _, c := range []struct{ in, want string }{
		{
			"metadata:\n  uid: a # c\n  # of the name\n  name: n\n" +
				"  owners:\n  - a: b\n    c: d\n  - e\n\nspec: {}\nstatus:\n  x: |\n    y\n\n    z\n# tail\n",
			"metadata:\n  annotations:\n    x.io/a: one\n  # of the name\n  name: n\n\nspec: {}\n# tail\n",
		},
		{
			"status: {}\nmetadata:\n  name: n\n  annotations:\n    k: 'a\n\n      b'\n    l: m\n",
			"metadata:\n  name: n\n  annotations:\n    x.io/a: one\n    l: m\n",
		},
		{
			"metadata:\r\n  name: n\r\n  uid: a",
			"metadata:\r\n  annotations:\r\n    x.io/a: one\r\n  name: n\r\n",
		},
		{
			`{"metadata": {"uid": "a,}", "name": "n", "owners": [{"a": "b"}]}, "status": {}}`,
			`{"metadata": {"annotations": {"x.io/a": "one"}, "name": "n"}}`,
		},
		{
			`{"status": 1, "metadata": {"annotations": {"k": "{}"}, "name": "n", "uid": "a", "owners": []}}`,
			`{"metadata": {"annotations": {"x.io/a": "one"}, "name": "n"}}`,
		},
	} {
		got, err := apply(t, c.in, Edit{Annotations: two[:1], Remove: paths})
		if err != nil || got != c.want {
			t.Errorf("%q\ngot  %q, %v\nwant %q", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{
		"metadata: {name: n, uid: &a b}\nx: *a\n", "metadata:\n  name: n\n  ? uid\n  : a\n",
	} {
		if got, err := apply(t, in, Edit{Annotations: two[:1], Remove: paths}); err == nil {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"alias":             "m: &m {name: n}\nmetadata: *m\n",
		"annotations alias": "m: &m {k: v}\nmetadata:\n  annotations: *m\n",
		"used elsewhere":    "metadata: &m\n  name: n\nother: *m\n",
		"merge":             "m: &m {annotations: {k: v}}\nmetadata:\n  <<: *m\n  name: n\n",
		"explicit key":      "? metadata\n: name: n\n",
		"no metadata":       "kind: A\n",
		"no mapping":        "metadata: text\n",
		"empty":             "metadata: {}\n",
		"annotations text":  "metadata:\n  annotations: text\n",
		"empty in braces":   "metadata: {annotations: , name: n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, err := apply(t, in, Edit{Annotations: two}); err == nil {
				t.Errorf("got:\n%s", out)
			}
		})
	}
}

func TestApplyVersion(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"apiVersion: g/v1 # old\nkind: A\n": "apiVersion: g/v2 # old\nkind: A\n",
		"apiVersion: 'g/v1'\n":              "apiVersion: 'g/v2'\n",
		"{\"apiVersion\":\"g/v1\"}":         "{\"apiVersion\":\"g/v2\"}",
		"apiVersion: |-\n  g/v1\n":          "",
		"apiVersion: \"g\\u002fv1\"\n":      "",
		"v: &v g/v1\napiVersion: *v\n":      "",
		"apiVersion: &v g/v1\nother: *v\n":  "",
		"apiVersion: !!str g/v1\n":          "",
	} {
		got, err := apply(t, in, Edit{APIVersion: "g/v2"})
		if (err != nil) != (want == "") || got != want {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
}

// TestApplyLaw: whatever the style, the result is the document and the annotations, and nothing that was there is gone.
func TestApplyLaw(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		doc := drawDocument(t)
		pairs := []Pair{
			NewPair("x.io/a", rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return r >= ' ' && r != 0x7f })).
				Draw(t, "a")),
			NewPair("x.io/b", rapid.StringMatching(`[0-9eEx._:+TZ-]{1,12}|yes|no|~|null|true|on`).Draw(t, "b")),
		}
		root, err := yamldoc.Parse([]byte(doc), yamldoc.DefaultLimits())
		if err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		keep := rapid.Bool().Draw(t, "keep")
		out, err := Apply([]byte(doc), root, Edit{Annotations: pairs, Keep: keep})
		if err != nil {
			t.Fatalf("refused:\n%s", doc)
		}
		if doc = strings.Replace(doc, `"mine"`, "", 1); !isSubsequence(doc, string(out)) {
			t.Fatalf("%q became %q", doc, out)
		}
		again, err := yamldoc.Parse(out, yamldoc.DefaultLimits())
		if err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		want := yamldoc.Value(root).(map[string]any)
		metadata := want["metadata"].(map[string]any)
		have, _ := metadata["annotations"].(map[string]any)
		all := map[string]any{}
		maps.Copy(all, have)
		for _, p := range pairs {
			if _, there := have[p.Key]; !there || !keep {
				all[p.Key] = p.Value
			}
		}
		metadata["annotations"] = all
		if got := yamldoc.Value(again); !reflect.DeepEqual(got, any(want)) {
			t.Fatalf("got %v, want %v, from\n%s", got, want, out)
		}
	})
}

func drawDocument(t *rapid.T) string {
	nl := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "line end")
	indent := strings.Repeat(" ", rapid.IntRange(1, 6).Draw(t, "indent"))
	comment := rapid.SampledFrom([]string{"", " # c", "   #"}).Draw(t, "comment")
	annotations := rapid.SampledFrom([]string{
		"", "annotations: {}", "annotations: {k: 'v'}", "annotations:", "annotations: {\"x.io/a\": \"mine\"}",
		"annotations:" + nl + indent + indent + "k: v" + nl + indent + indent + "# c" + nl + indent + indent + "l: w",
	}).Draw(t, "annotations")
	name := rapid.SampledFrom([]string{"name: n", "name: \"é\"", "name: n # c"}).Draw(t, "name")
	fields := []string{name}
	if annotations != "" {
		fields = append(fields, annotations)
		if rapid.Bool().Draw(t, "annotations first") {
			fields[0], fields[1] = fields[1], fields[0]
		}
	}
	before := rapid.SampledFrom([]string{
		"", "# head" + nl + "---" + nl, "kind: A" + nl, "a: |" + nl + "  metadata:" + nl,
		"a: 'ü'" + nl,
	}).Draw(t, "before")
	after := rapid.SampledFrom([]string{"", "spec: {}" + nl, nl + "# tail", "b: [1, 2]"}).Draw(t, "after")
	return before + "metadata:" + comment + nl + indent + strings.Join(fields, nl+indent) + nl + after
}

// isSubsequence reports whether a text can be had from another by leaving things out.
func isSubsequence(small, large string) bool {
	i := 0
	for j := 0; j < len(large) && i < len(small); j++ {
		if small[i] == large[j] {
			i++
		}
	}
	return i == len(small)
}

// TestQuoteInPython has another YAML 1.1 reader read what Quote writes.
func TestQuoteInPython(t *testing.T) {
	t.Parallel()
	python := "/usr/bin/python3"
	if exec.Command(python, "-c", "import yaml").Run() != nil {
		t.Skip("no python3 with yaml at hand")
	}
	texts := []string{
		"", " ", "a", "a b", "yes", "y", "1", "1.0", "1e3", "0x1f", "1_000", "12:30:45", "2026-01-01", "2026-01-01T00:00:00Z",
		"~", "null", ".inf",
		"a: b", "a #b", "'", "\"", "\\", "- a", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", "`a", "a\nb", "a\tb", "\x7f", "\u0085", "\u2028", "é", "日本", "🚀", "\ufeff", "a ", "=", "<<",
	}
	var lines []string
	for _, text := range texts {
		lines = append(lines, "- "+Quote(text), "- "+DoubleQuote(text))
	}
	command := exec.CommandContext(t.Context(), python, "-c", "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin.buffer.read()), sys.stdout)")
	command.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		if got[2*i] != any(text) || got[2*i+1] != any(text) {
			t.Errorf("%q was read as %q and %q, from %s", text, got[2*i], got[2*i+1], lines[2*i])
		}
	}
}

// FuzzApply: what comes out parses, is the document and the annotations by meaning and by text, and stays as it is when
// it is asked for again.
func FuzzApply(f *testing.F) {
	for _, doc := range []string{
		"metadata:\n  name: n\n", "metadata: {name: n}\n", "{\"metadata\": {}}", "metadata:\n  annotations:\n",
		"a: &a\nmetadata: {<<: *a}\n", "metadata:\r\n  annotations: {}\r\n  name: n",
		"metadata:\n  annotations: ~\n  name: n\n", "metadata: # c\n\n  # d\n  name: n\n--- # e\n",
		"\ufeffa: |\n  metadata:\n   x\nmetadata:\n      name: n", "# c\u2028---\n---\nmetadata:\u0085  name: n\n",
		"? metadata\n: name: n\n", "metadata:\n  annotations:\n    x.io/a: b\n",
		"metadata:\n  \"annotations\" : &x\n    k: v\n", "metadata:\n  ? annotations\n  : k: v\n",
		"metadata:\n  name: |\n\n    n\n  annotations:\n   k:\n", "metadata:\n- a\n",
		"metadata:\n  uid:\n  - a\n  # c\n  name: n\nstatus:\n- b\n", "{\"metadata\": {\"uid\": [\"}\"]}, \"status\": {}}",
	} {
		f.Add([]byte(doc), "value", true, false)
		f.Add([]byte(doc), "value", false, true)
	}
	f.Fuzz(func(t *testing.T, doc []byte, value string, keep, remove bool) {
		root, err := yamldoc.Parse(doc, yamldoc.DefaultLimits())
		if err != nil || root == nil || strings.ContainsFunc(value, unicode.IsControl) || !utf8.ValidString(value) {
			return
		}
		edit := Edit{Annotations: []Pair{NewPair("x.io/a", value)}, Keep: keep}
		if remove {
			edit.Remove = [][]string{{"metadata", "uid"}, {"metadata", "annotations", "k"}, {"status"}}
		}
		out, err := Apply(doc, root, edit)
		if err != nil {
			return
		}
		want, annotated := wanted(root, edit)
		again, err := yamldoc.Parse(out, yamldoc.DefaultLimits())
		if err != nil || !reflect.DeepEqual(yamldoc.Value(again), want) {
			t.Fatalf("%q became %q: %v", doc, out, err)
		}
		if annotated && !isSubsequence(string(doc), string(out)) {
			t.Fatalf("%q lost something and became %q", doc, out)
		}
		if twice, err := Apply(out, again, edit); err != nil || !bytes.Equal(twice, out) {
			t.Fatalf("%q became %q: %v", out, twice, err)
		}
	})
}

// wanted is the meaning of a document with annotations put in, and whether it has a place for them that is not null and
// keeps all that it holds.
func wanted(root *yaml.Node, edit Edit) (any, bool) {
	object, _ := yamldoc.Value(root).(map[string]any)
	metadata, _ := object["metadata"].(map[string]any)
	if metadata == nil {
		return nil, false
	}
	drop(object, edit.Remove)
	present, there := metadata["annotations"]
	have, _ := present.(map[string]any)
	all, replaced := map[string]any{}, false
	maps.Copy(all, have)
	for _, p := range edit.Annotations {
		if _, has := have[p.Key]; !has || !edit.Keep {
			all[p.Key], replaced = p.Value, replaced || has
		}
	}
	metadata["annotations"] = all
	return object, !replaced && len(edit.Remove) == 0 && (!there || present != nil)
}
