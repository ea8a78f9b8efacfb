package yamldoc

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const listDocument = `apiVersion: v1
kind: List
items:
# the first
- apiVersion: a/v1
  kind: A
  metadata:
    name: one # first
  text: |
    line

      indented
# the second
-   apiVersion: a/v1
    kind: B
    metadata: {name: two}
metadata:
  resourceVersion: ""
`

func TestItems(t *testing.T) {
	t.Parallel()
	items := Items([]byte(listDocument), DefaultLimits())
	var texts []string
	for _, item := range items {
		texts = append(texts, string(item.Bytes))
	}
	want := []string{
		"apiVersion: a/v1\nkind: A\nmetadata:\n  name: one # first\ntext: |\n  line\n\n    indented\n# the second\n",
		"apiVersion: a/v1\nkind: B\nmetadata: {name: two}\n",
	}
	if !reflect.DeepEqual(texts, want) || items[0].Line != 5 || items[1].Line != 14 {
		t.Errorf("%q at lines %+v", texts, items)
	}
	for name, doc := range map[string]string{
		"no list":             "kind: A\nitems:\n- a: b\n",
		"scalars":             "kind: List\nitems:\n- a\n",
		"alias between items": "kind: List\nitems:\n- a: &x b\n- a: *x\n",
		"flow scalars":        "kind: List\nitems: [a]\n",
		"alias in flow":       "kind: List\nitems: [{a: &x b}, {a: *x}]\n",
		"no items":            "kind: List\n",
		"broken":              "kind: List\nitems:\n- a: [\n",
		"in a text":           "a: |\n  kind: List\n",
		"of somebody else":    "apiVersion: example.com/v1\nkind: VPCList\nitems:\n- a: b\n",
		"of no API":           "kind: VPCList\nitems:\n- a: b\n",
		"more on one line":    "{kind: List, more: 1, items: [{a: b}]}\n",
	} {
		if items := Items([]byte(doc), DefaultLimits()); items != nil {
			t.Errorf("%s: taken apart into %+v", name, items)
		}
	}
}

// TestItemsOfAllForms: JSON, items in braces, dashes on lines of their own; and lists in which there is nothing.
func TestItemsOfAllForms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		doc   string
		texts []string
		lines []int
	}{
		"JSON": {
			"{\n \"kind\": \"List\",\n \"items\": [\n  {\"a\": \"}\"},\n  {\"b\":\n   {\"c\": \"\\\"]\"}}\n ]\n}\n",
			[]string{"{\"a\": \"}\"}\n", "{\"b\":\n   {\"c\": \"\\\"]\"}}\n"},
			[]int{4, 5},
		},
		"JSON on a line": {
			`{"items":[{"a":1},{"b":2}],"kind":"VPCList","apiVersion":"vpc.githedgehog.com/v1beta1"}`,
			[]string{"{\"a\":1}\n", "{\"b\":2}\n"},
			[]int{1, 1},
		},
		"braces": {
			"kind: List\nitems:\n- {a: b}\n- {c: 'it''s ]'}\n",
			[]string{"{a: b}\n", "{c: 'it''s ]'}\n"},
			[]int{3, 4},
		},
		"braces of two lines": {
			"kind: List\nitems:\n  - {a: b,\n c: d}\n",
			[]string{"{a: b,\n c: d}\n"},
			[]int{3},
		},
		"after wide characters": {
			"kind: List\nitems: [{é: 日}, {b: c}]\n",
			[]string{"{é: 日}\n", "{b: c}\n"},
			[]int{2, 2},
		},
		"dashes alone": {
			"kind: List\nitems:\n-\n  # one\n  a: b\n-   # two\n  c: d\n  e: f\n",
			[]string{"# one\na: b\n", "# two\nc: d\ne: f\n"},
			[]int{4, 6},
		},
		"empty":   {"kind: List\nitems: []\n", nil, nil},
		"nothing": {"kind: List\nitems:\n", nil, nil},
	} {
		items := Items([]byte(test.doc), DefaultLimits())
		var texts []string
		var lines []int
		for _, item := range items {
			texts, lines = append(texts, string(item.Bytes)), append(lines, item.Line)
		}
		if items == nil || !reflect.DeepEqual(texts, test.texts) || !reflect.DeepEqual(lines, test.lines) {
			t.Errorf("%s: %q at lines %v", name, texts, lines)
		}
	}
}

// TestItemsLaw: what goes into a list comes out of it.
func TestItemsLaw(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		var parts []string
		list := "kind: VPCList\nitems:\n"
		indent := rapid.SampledFrom([]string{"", "  "}).Draw(r, "indent")
		for range rapid.IntRange(1, 4).Draw(r, "items") {
			part := strings.TrimRight(drawBlock(r, 0, 2), "\n") + "\n"
			if _, err := Parse([]byte(part), DefaultLimits()); err != nil || part == "\n" {
				r.Skip("no document")
			}
			parts = append(parts, part)
			lines := strings.SplitAfter(part, "\n")
			list += indent + "- " + strings.Join(lines[:len(lines)-1], indent+"  ")
		}
		items := Items([]byte(list), DefaultLimits())
		for i, item := range items {
			want, _ := Parse([]byte(parts[i]), DefaultLimits())
			got, err := Parse(item.Bytes, DefaultLimits())
			if err != nil || !reflect.DeepEqual(Value(got), Value(want)) {
				r.Fatalf("item %d of %q is %q: %v", i, list, item.Bytes, err)
			}
		}
		if items != nil && len(items) != len(parts) {
			r.Fatalf("%d items of %q", len(items), list)
		}
	})
}

// FuzzItems: whatever comes out means what it meant in the list.
func FuzzItems(f *testing.F) {
	f.Add([]byte(listDocument))
	f.Add([]byte("kind: List\nitems:\n  - a: 'b\n      c'\n  - d: e\n"))
	f.Add([]byte("{\"kind\": \"List\", \"items\": [{\"a\": \"]}\"}, {b: 'c#', d: #}\n e}]}"))
	f.Add([]byte("kind: List\nitems:\n-\n\n  a: b\n- # c\n  - d\n"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		items := Items(doc, DefaultLimits())
		if items == nil {
			return
		}
		root, err := Parse(doc, DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		_, list := Field(root, "items")
		for i, item := range items {
			if alone, err := Parse(item.Bytes, DefaultLimits()); err != nil ||
				!reflect.DeepEqual(Value(alone), Value(list.Content[i])) {
				t.Fatalf("item %d of %q is %q: %v", i, doc, item.Bytes, err)
			}
		}
	})
}
