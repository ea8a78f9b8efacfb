package textdiff_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/services/github-sync/internal/textdiff"
)

// TestGitApplies: git makes the new file of the old one and the diff.
func TestGitApplies(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		text := rapid.Custom(func(r *rapid.T) string {
			lines := rapid.SliceOfN(rapid.SampledFrom([]string{
				"a: 1", "b: 2", "", "- c", "+ d", "---", "ä", "\\ no",
				"@@ -1 +1 @@",
			}), 0, 12).Draw(r, "lines")
			return strings.Join(lines, "\n") + rapid.SampledFrom([]string{"", "\n"}).Draw(r, "end")
		})
		before, after := text.Draw(r, "before"), text.Draw(r, "after")
		file := textdiff.File{Path: "dir/a b.yaml"}
		if file.OldExists = rapid.Bool().Draw(r, "old"); file.OldExists {
			file.Old = []byte(before)
		}
		if file.NewExists = rapid.Bool().Draw(r, "new"); file.NewExists {
			file.New = []byte(after)
		}
		if !file.OldExists && !file.NewExists || file.OldExists && file.NewExists && before == after {
			r.Skip("nothing differs")
		}
		builder := textdiff.NewBuilder(1 << 20)
		builder.Add(file)
		path := filepath.Join(folder, "dir", "a b.yaml")
		if err := os.RemoveAll(filepath.Dir(path)); err != nil {
			r.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			r.Fatal(err)
		}
		if file.OldExists {
			if err := os.WriteFile(path, file.Old, 0o600); err != nil {
				r.Fatal(err)
			}
		}
		command := exec.Command("git", "apply", "--unidiff-zero", "-")
		command.Dir = folder
		command.Stdin = strings.NewReader(builder.String())
		if out, err := command.CombinedOutput(); err != nil {
			r.Fatalf("%v: %s\n%s", err, out, builder)
		}
		got, err := os.ReadFile(path)
		if file.NewExists != (err == nil) || file.NewExists && string(got) != after {
			r.Fatalf("%q, %v, not %q:\n%s", got, err, after, builder)
		}
	})
}

// TestLimit: a diff is cut between files, and says so.
func TestLimit(t *testing.T) {
	t.Parallel()
	builder := textdiff.NewBuilder(300)
	for _, path := range []string{"a", "b", "c", "d", "e"} {
		builder.Add(textdiff.File{Path: path, New: []byte(strings.Repeat("x\n", 20)), NewExists: true})
	}
	if text := builder.String(); len(text) > 400 || !strings.Contains(text, "more files differ and are not shown") ||
		!strings.Contains(text, "+++ b/a\n") {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

// TestBinary: bytes that are no text are not shown.
func TestBinary(t *testing.T) {
	t.Parallel()
	builder := textdiff.NewBuilder(1 << 20)
	builder.Add(textdiff.File{
		Path: "a", Old: []byte("\x00\x01"), New: []byte("\x00\x02"), OldExists: true,
		NewExists: true,
	})
	if text := builder.String(); strings.ContainsRune(text, 0) || !strings.Contains(text, "Binary files") {
		t.Errorf("%q", text)
	}
}
