package ignore_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/ignore"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rules, file string
		want        bool
	}{
		{"", "a.yaml", false},
		{"# a.yaml", "a.yaml", false},
		{"*.yaml", "deep/er/a.yaml", true},
		{"/a.yaml", "a.yaml", true},
		{"/a.yaml", "b/a.yaml", false},
		{"docs/", "docs/a.yaml", true},
		{"docs/", "x/docs/a.yaml", true},
		{"docs/", "docs", false},
		{"docs/*.yaml", "docs/a.yaml", true},
		{"docs/*.yaml", "docs/x/a.yaml", false},
		{"docs/**", "docs/x/a.yaml", true},
		{"**/x/*.yaml", "docs/x/a.yaml", true},
		{"**/x/*.yaml", "x/x/a.yaml", true},
		{"a/**/b", "a/b", true},
		{"a/**/b", "a/x/y/b", true},
		{"*.yaml\n!keep.yaml", "keep.yaml", false},
		{"docs/\n!docs/keep.yaml", "docs/keep.yaml", true},
		{"[!a].yaml", "b.yaml", true},
		{"[!a].yaml", "a.yaml", false},
		{"[", "[", false},
		{`\#x`, "#x", true},
		{"x   \r\n", "x", true},
		{"\xef\xbb\xbfx", "x", true},
	} {
		if got := ignore.Parse([]byte(c.rules)).Match(c.file); got != c.want {
			t.Errorf("rules %q: Match(%q) = %v, want %v", c.rules, c.file, got, c.want)
		}
	}
}

// looseStars finds "**" beside something other than a slash. Git documents it as a plain "*" and does otherwise when
// the text before it is literal.
var looseStars = regexp.MustCompile(`[^/\n!]\*\*|\*\*[^/\n]|\*\*\*`)

// TestAsGit compares with Git's own verdict on patterns made of the parts that matter.
func TestAsGit(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not on PATH")
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "git", "-C", dir, "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("git init: %v: %s", err, out)
	}
	part := rapid.SampledFrom([]string{"a", "b", "*", "**", "?", "/", "/", ".yaml", "!", "[ab]", "[!a]", "\n", "\n", " "})
	name := rapid.SampledFrom([]string{"a", "b", "ab", "a.yaml", "ba"})
	for seed := range 500 {
		lines := strings.Join(rapid.SliceOfN(part, 1, 12).Example(seed), "")
		file := strings.Join(rapid.SliceOfN(name, 1, 4).Example(seed), "/")
		if looseStars.MatchString(lines) {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		want := exec.CommandContext(t.Context(), "git", "-C", dir, "check-ignore", "-q", "--no-index", file).Run() == nil
		if got := ignore.Parse([]byte(lines)).Match(file); got != want {
			t.Errorf("rules %q: Match(%q) = %v, Git says %v", lines, file, got, want)
		}
	}
}

func TestTheLineThatIgnores(t *testing.T) {
	t.Parallel()
	rules := ignore.Parse([]byte("# mine\n*.txt\n\nmanaged/\n!notes.txt\n"))
	for path, want := range map[string]int{
		"a.txt": 2, "managed/vpcs/a.yaml": 4, "managed/a.txt": 4, "notes.txt": 0, "a.yaml": 0,
	} {
		if got := rules.Line(path); got != want {
			t.Errorf("%s is ignored by line %d, want %d", path, got, want)
		}
	}
}

// FuzzParse: what a file says does not depend on how its lines end, nor on lines that say nothing; and a last line that
// speaks of everything is the last word.
func FuzzParse(f *testing.F) {
	for _, rules := range []string{
		"docs/\n!a\n**/x/**", "/a/**/b\n", "[!a-c]?.y*ml\r\n\\#x\\ \n", "**", "a/**\n!a/\n",
		"[", "!", "/", "\\", "[]a]", "[[:alpha:]]",
	} {
		f.Add([]byte(rules), "docs/a/x")
	}
	f.Fuzz(func(t *testing.T, rules []byte, file string) {
		if bytes.Count(rules, []byte("\n")) > ignore.MaxLines-5 {
			return
		}
		got := ignore.Parse(rules).Match(file)
		if bytes.HasPrefix(rules, []byte("\ufeff")) {
			return
		}
		for what, other := range map[string]string{
			"with a byte order mark": "\ufeff" + string(rules),
			"with comments":          "# first\n\n" + string(rules) + "\n\n# last\n",
			"said twice":             string(rules) + "\n" + string(rules),
		} {
			if ignore.Parse([]byte(other)).Match(file) != got {
				t.Errorf("rules %q %s: Match(%q) is no longer %v", rules, what, file, got)
			}
		}
		if !ignore.Parse([]byte(string(rules) + "\n*\n")).Match(file) {
			t.Errorf("rules %q, then everything: %q is not ignored", rules, file)
		}
	})
}
