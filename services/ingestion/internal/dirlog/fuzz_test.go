package dirlog

import (
	"strings"
	"testing"
)

const log = `# Why each file in unmanaged/ is there, and how to fix it.
entries:
- {path: "unmanaged/a.yaml", content: "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", code: FGD_1001}
- {path: "unmanaged/\u00e4 \"x\".yaml", code: FGD_1002}
`

// FuzzReaders: a log of whatever content is read without a panic, and what we append to is never cut.
func FuzzReaders(f *testing.F) {
	f.Add([]byte(log))
	f.Add([]byte("entries: []\n"))
	f.Add([]byte("{\"entries\": []}"))
	f.Add([]byte("entries:\n- {path: \"a\nb\"}\r\n"))
	f.Add([]byte("- {path: \"\", content: \"me: INVALID_Y\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		for p, blob := range Quarantined(content).Contents() {
			if strings.ContainsAny(blob, "\"\n") {
				t.Errorf("%q has content %q", p, blob)
			}
		}
		for p := range Reasons(content) {
			if !strings.Contains(string(content), "path: ") {
				t.Errorf("%q comes from nowhere", p)
			}
		}
		ours, ok := appendable(content)
		if !ok {
			return
		}
		if again, ok := appendable(ours); !ok || string(again) != string(ours) {
			t.Errorf("%q becomes %q, then %q", content, ours, again)
		}
		for line := range strings.Lines(string(content)) {
			if text := strings.TrimRight(line, "\r\n"); strings.HasPrefix(text, "- {") &&
				!strings.Contains(string(ours), text+"\n") {
				t.Errorf("%q is lost from %q", text, content)
			}
		}
	})
}

func TestQuarantined(t *testing.T) {
	t.Parallel()
	if got := Quarantined([]byte(log)).Contents(); len(got) != 1 ||
		got["unmanaged/a.yaml"] != "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391" {
		t.Errorf("%v", got)
	}
}
