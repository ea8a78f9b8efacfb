package yamldoc

import (
	"bytes"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	type doc struct {
		number, line int
		text         string
	}
	cases := []struct {
		name, in string
		want     []doc
	}{
		{"empty", "", nil},
		{"blank and comments", "\n# a\n\n  # b\n", nil},
		{"only separators", "---\n---\n", nil},
		{"one bare", "a: 1\n", []doc{{0, 1, "a: 1\n"}}},
		{"no line break at the end", "a: 1", []doc{{0, 1, "a: 1"}}},
		{"leading marker is dropped", "---\na: 1\n", []doc{{0, 2, "a: 1\n"}}},
		{"header stays with its marker", "# h\n---\na: 1\n", []doc{{0, 1, "# h\n---\na: 1\n"}}},
		{"blank header goes", "\n\n---\na: 1\n", []doc{{0, 4, "a: 1\n"}}},
		{"two", "a: 1\n---\nb: 2\n", []doc{{0, 1, "a: 1\n"}, {1, 3, "b: 2\n"}}},
		{"trailing comments stay", "a: 1\n# x\n---\nb: 2\n", []doc{{0, 1, "a: 1\n# x\n"}, {1, 4, "b: 2\n"}}},
		{"empty document counts", "a: 1\n---\n---\nb: 2\n", []doc{{0, 1, "a: 1\n"}, {2, 4, "b: 2\n"}}},
		{"comments of an empty one go on", "a: 1\n---\n# x\n---\nb: 2\n", []doc{{0, 1, "a: 1\n"}, {2, 4, "# x\nb: 2\n"}}},
		{"or back at the end", "a: 1\n---\n# x\n", []doc{{0, 1, "a: 1\n# x\n"}}},
		{"or back, no line break", "a: 1\n...\n# x", []doc{{0, 1, "a: 1\n# x"}}},
		{"comment on the marker", "--- # c\na: 1\n", []doc{{0, 1, "--- # c\na: 1\n"}}},
		{"content on the marker", "--- {}\n--- b\n", []doc{{0, 1, "--- {}\n"}, {1, 2, "--- b\n"}}},
		{"tab behind the marker", "---\t\na: 1\n", []doc{{0, 2, "a: 1\n"}}},
		{"four dashes are content", "----\na: 1\n", []doc{{0, 1, "----\na: 1\n"}}},
		{"dashes and text are content", "---a\n", []doc{{0, 1, "---a\n"}}},
		{"indented is content", "a: |\n  ---\n  b\n", []doc{{0, 1, "a: |\n  ---\n  b\n"}}},
		{"column 0 ends a block scalar", "a: |\n  b\n---\nc: 1\n", []doc{{0, 1, "a: |\n  b\n"}, {1, 4, "c: 1\n"}}},
		{"column 0 ends a quoted scalar", "a: \"b\n---\nc\"\n", []doc{{0, 1, "a: \"b\n"}, {1, 3, "c\"\n"}}},
		{"dots then garbage", "a: 1\n...\ngarbage\n", []doc{{0, 1, "a: 1\n"}, {1, 3, "garbage\n"}}},
		{"dots then marker", "a: 1\n...\n---\nb: 2\n", []doc{{0, 1, "a: 1\n"}, {1, 4, "b: 2\n"}}},
		{"dots with comment", "a: 1\n... # end\nb: 2\n", []doc{{0, 1, "a: 1\n... # end\n"}, {1, 3, "b: 2\n"}}},
		{"directive stays with its document", "%YAML 1.1\n---\na: 1\n", []doc{{0, 1, "%YAML 1.1\n---\na: 1\n"}}},
		{"percent inside is content", "a: b\n%c\n---\nd: 1\n", []doc{{0, 1, "a: b\n%c\n"}, {1, 4, "d: 1\n"}}},
		{"crlf", "---\r\na: 1\r\n---\r\nb: 2\r\n", []doc{{0, 2, "a: 1\r\n"}, {1, 4, "b: 2\r\n"}}},
		{"cr", "a: 1\r---\rb: 2\r", []doc{{0, 1, "a: 1\r"}, {1, 3, "b: 2\r"}}},
		{"bom", "\xef\xbb\xbfa: 1\n", []doc{{0, 1, "\xef\xbb\xbfa: 1\n"}}},
		{"bom and marker", "\xef\xbb\xbf---\na: 1\n", []doc{{0, 2, "a: 1\n"}}},
		{"two of them", "\xef\xbb\xbf\xef\xbb\xbf---\na: 1\n", []doc{{0, 1, "\xef\xbb\xbf\xef\xbb\xbf---\na: 1\n"}}},
		{"bom mid-stream", "a: 1\n\xef\xbb\xbf---\nb: 2\n", []doc{{0, 1, "a: 1\n"}, {1, 3, "b: 2\n"}}},
		{
			"bom on the first line of a later one", "a: 1\n---\n\xef\xbb\xbfb: 2\n",
			[]doc{{0, 1, "a: 1\n"}, {1, 3, "\xef\xbb\xbfb: 2\n"}},
		},
		{"no document before a trailing marker", "a: 1\n---", []doc{{0, 1, "a: 1\n"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := Split([]byte(c.in))
			if len(got) != len(c.want) {
				t.Fatalf("%d documents, want %d: %v", len(got), len(c.want), got)
			}
			for i, g := range got {
				if w := c.want[i]; g.Number != w.number || g.Line != w.line || string(g.Bytes) != w.text {
					t.Errorf("document %d: got {%d, %d, %q}, want %+v", i, g.Number, g.Line, g.Bytes, w)
				}
			}
		})
	}
}

// FuzzSplit holds the splitter to its word: no content is lost or seen twice, and each part is one document.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		"a: 1\n---\nb: 2\n", "# h\n---\n# x\n---\na\n...\n", "%0", "--- a\n... b\n%Y\n---\n",
		"\xef\xbb\xbf---\r\na\r---\t#c\n", "\ufeff\ufeff---\nE", "---\n\ufeff\ufeff",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs := Split(data)
		var all []byte
		last := -1
		for _, d := range docs {
			if d.Number <= last || d.Line < 1 {
				t.Fatalf("document %d on line %d after %d", d.Number, d.Line, last)
			}
			last = d.Number
			all = append(all, d.Bytes...)
			if again := Split(d.Bytes); len(again) != 1 || !bytes.Equal(contents(again[0].Bytes), contents(d.Bytes)) {
				t.Fatalf("%q splits again into %v", d.Bytes, again)
			}
		}
		if len(docs) > 0 && !bytes.Equal(contents(all), contents(data)) {
			t.Fatalf("lost content: %q became %q", data, all)
		}
	})
}

// contents is the text without markers, white space and byte order marks.
func contents(data []byte) []byte {
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
	var out []string
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimPrefix(line, "\ufeff")
		if line == "---" || strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "---\t") {
			line = line[3:]
		}
		if strings.Trim(line, " \t") == "..." {
			line = ""
		}
		out = append(out, strings.Trim(line, " \t"))
	}
	return []byte(strings.Join(out, ""))
}
