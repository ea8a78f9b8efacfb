package yamldoc

import (
	"bytes"
	"slices"
	"testing"
)

// TestTrivia: comments are found wherever they stand, and what looks like one in a text is none.
func TestTrivia(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string][]string{
		"# a\nb: c # d\n  # e  \n":                    {"# a", "# d", "# e"},
		"a: b#c\nd: 'e # f' # g\n":                    {"# g"},
		"a: \"b # \\\" # c\" #d\n":                    {"#d"},
		"a: |  # h\n  # t\n\n  # u\nb: c # d\n":       {"# h", "# d"},
		"a: >-\n    # t\n    u\n  # c\nb: |\n# d\n":   {"# c", "# d"},
		"a:\n- |\n # t\n- b # c\n":                    {"# c"},
		"{\"a\": \"# b\", # c\n d: e}\n":              {"# c"},
		"a: !!str 'b # c' # d\ne: &x \"# f\" # g\r\n": {"# d", "# g"},
		"\ufeff# a\nb: é # ü\n":                       {"# a", "# ü"},
	} {
		root, err := Parse([]byte(doc), DefaultLimits())
		if err != nil {
			t.Fatalf("%q: %v", doc, err)
		}
		if got := TriviaOf([]byte(doc), root).Comments; !slices.Equal(got, want) {
			t.Errorf("%q: %q, not %q", doc, got, want)
		}
	}
}

// TestTabs: a tab in a text or a comment is one; any other is told.
func TestTabs(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string][2]int{
		"a: 'b\tc' # d\te\n":          {},
		"a: |\n  b\tc\n  \td\ne: f\n": {},
		"a:\t\n  b: c\n":              {1, 3},
		"a: b\n\"é\": c\t\n":          {2, 7},
		"{\n\t\"a\": \"b\"\n}\n":      {2, 1},
		"a: b\t# c\n":                 {1, 5},
	} {
		root, err := Parse([]byte(doc), DefaultLimits())
		if err != nil {
			t.Fatalf("%q: %v", doc, err)
		}
		if got := TriviaOf([]byte(doc), root); [2]int{got.TabLine, got.TabColumn} != want {
			t.Errorf("%q: %d:%d, not %v", doc, got.TabLine, got.TabColumn, want)
		}
	}
}

// TestWords: what the parser says in its own words is said in those of people, at a place.
func TestWords(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]SyntaxError{
		"a: b\n<<<<<<< HEAD\nc: d\n=======\nc: e\n>>>>>>> other\n": {
			2, 1, "there are conflict markers of Git: a merge was not brought to its end",
			"Keep what is right of the two sides, and remove the lines with <<<<<<<, ======= and >>>>>>>.",
		},
		"# c\n%YAML 1.2\n---\na: b\n": {
			2, 1, "the line with %YAML asks for another version of YAML than 1.1, and clusters read that one alone",
			"Remove the line that begins with %YAML.",
		},
		"a: b\n  c: d\n": {2, 3, "mapping values are not allowed in this context", ""},
	} {
		_, err := Parse([]byte(doc), DefaultLimits())
		if e, is := err.(*SyntaxError); !is || *e != want { //nolint:errorlint // it is never wrapped
			t.Errorf("%q: %v", doc, err)
		}
	}
}

// FuzzTrivia: whatever the document, comments are pieces of it, and a tab stands where one is told.
func FuzzTrivia(f *testing.F) {
	for _, doc := range []string{
		"a: |\n # b\n\t# c\n", "a: 'b\n # c' # d\te\n",
		"{a: \"#\\\"\", #\n b: c\t}", "- # a\u2028- 'b#'\r\n",
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		root, err := Parse(doc, DefaultLimits())
		if err != nil {
			return
		}
		found := TriviaOf(doc, root)
		for _, comment := range found.Comments {
			if comment == "" || comment[0] != '#' || !bytes.Contains(doc, []byte(comment)) {
				t.Fatalf("%q has the comment %q", doc, comment)
			}
		}
		body := doc[skipBOM(doc, 0):]
		if at := (textIndex{body, lineStarts(body)}).offset(found.TabLine, found.TabColumn); found.TabLine > 0 &&
			(at < 0 || body[at] != '\t') {
			t.Fatalf("%q has no tab at %d:%d", doc, found.TabLine, found.TabColumn)
		}
	})
}
