package ignore_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
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
		{"[]a].yaml", "].yaml", true},
		{"[a-]-*", "--x", true},
		{"[[:digit:]x]*", "7", true},
		{"[![:alpha:]]?", "ax", false},
		{"*a*b*", "xxaxxbxx", true},
		{"*a*b", "ab/b", true},
		{"a/*/b/", "a/x/b/c", true},
		{"a\n!*\na", "a", true},
		{"*\n!/a\n", "a", false},
		{`a\*`, "ab", false},
		{`/x/a\*`, "x/a*", true},
		{strings.Repeat("# mine\n", 2*ignore.MaxPatterns) + "a", "a", true},
		{`\#x`, "#x", true},
		{"x   \r\n", "x", true},
		{"\xef\xbb\xbfx", "x", true},
	} {
		if got := match(t, c.rules, c.file); got != c.want {
			t.Errorf("rules %.99q: Match(%q) = %v, want %v", c.rules, c.file, got, c.want)
		}
	}
}

func match(t *testing.T, rules, file string) bool {
	t.Helper()
	parsed, err := ignore.Parse([]byte(rules))
	if err != nil {
		t.Fatalf("rules %.99q: %v", rules, err)
	}
	got, err := parsed.Match(file)
	if err != nil {
		t.Fatalf("rules %.99q: %v", rules, err)
	}
	return got
}

// TestWhatCantBeObeyed: a file of which a line would be passed over is a problem, with the line.
func TestWhatCantBeObeyed(t *testing.T) {
	t.Parallel()
	utf16 := "\xff\xfek\x00e\x00e\x00p\x00/\x00\n\x00"
	for what, c := range map[string]struct {
		rules string
		line  int
	}{
		"too many patterns":    {strings.Repeat("# mine\n\nx\n", ignore.MaxPatterns) + "keep/\n", 3*ignore.MaxPatterns + 1},
		"too large":            {"keep/\n" + strings.Repeat("#", ignore.MaxBytes), 0},
		"UTF-16":               {utf16, 0},
		"another code page":    {"# fine: \xfc\nstra\xdfe/\n", 2},
		"carriage returns":     {"#a\rkeep/\r", 1},
		"a pointer of Git LFS": {"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n", 0},
		"an open set":          {"ok\nkeep[a\n", 2},
		"an unknown class":     {"[[:letter:]]", 1},
		"an escape of nothing": {"keep\\", 1},
		"a very long line":     {strings.Repeat("x", 5000), 1},
	} {
		_, err := ignore.Parse([]byte(c.rules))
		var problem *ignore.Problem
		if !errors.As(err, &problem) || problem.Code != errs.IgnoreUnreadable || problem.Line != c.line ||
			!strings.Contains(problem.Error(), ".fgdignore") {
			t.Errorf("%s: %v, want a problem of line %d", what, err, c.line)
		}
	}
}

// TestWhatIsNoFile: something else in the place of the file is a problem too.
func TestWhatIsNoFile(t *testing.T) {
	t.Parallel()
	for _, e := range []gittree.Entry{
		{Path: ".fgdignore", Mode: gittree.Symlink},
		{Path: ".fgdignore", Mode: gittree.Submodule},
		{Path: ".fgdignore/keep"},
		{Path: ".fgdignore", Size: ignore.MaxBytes + 1},
	} {
		if _, err := ignore.Of([]gittree.Entry{{Path: "a"}, e}, nil); err == nil {
			t.Errorf("%+v counts as no file at all", e)
		}
	}
	if _, err := ignore.Of([]gittree.Entry{{Path: "sub/.fgdignore", Mode: gittree.Symlink}}, nil); err != nil {
		t.Errorf("a file of that name elsewhere is a problem: %v", err)
	}
}

// TestTheBudget: matching is counted, and names the line that costs most; names without wildcards, and those whose end
// differs, cost next to nothing.
func TestTheBudget(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("a", 200)
	costly := strings.Repeat("*a", 20) + "*b"
	for rules, steps := range map[string]int{
		strings.Repeat("/raw/some.yaml\nsome.yaml\n", 1000): 0,
		strings.Repeat(costly+"\n", 1000):                   3000,
	} {
		if line, err := parse(t, rules).Within(steps).Line(name); line != 0 || err != nil {
			t.Errorf("%.99q within %d steps: line %d, %v", rules, steps, line, err)
		}
	}
	rules := "# mine\n*x\n" + costly + "*\n*y\n"
	matcher := parse(t, rules).Within(2000)
	for range 3 {
		if line, err := matcher.Line(name); line != 0 || err != nil {
			t.Fatalf("line %d, %v", line, err)
		}
	}
	var problem *ignore.Problem
	for range 10 {
		if _, err := matcher.Line(name); errors.As(err, &problem) {
			break
		}
	}
	if problem == nil || problem.Code != errs.IgnoreTooCostly || problem.Line != 3 {
		t.Errorf("the problem is %v, want line 3", problem)
	}
}

// TestFoldersAreDecidedOnce: the files of a folder don't pay for it again.
func TestFoldersAreDecidedOnce(t *testing.T) {
	t.Parallel()
	matcher := parse(t, "/*r*x*/\n").Within(100)
	for i := range 1000 {
		if _, err := matcher.Line("long-name-of-a-folder/" + strconv.Itoa(i)); err != nil {
			t.Fatalf("file %d: %v", i, err)
		}
	}
}

func parse(t *testing.T, rules string) ignore.Rules {
	t.Helper()
	parsed, err := ignore.Parse([]byte(rules))
	if err != nil {
		t.Fatalf("rules %.99q: %v", rules, err)
	}
	return parsed
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
		rules, err := ignore.Parse([]byte(lines))
		if err != nil {
			continue // a set that is cut in two by a slash; to Git it matches nothing
		}
		if got, err := rules.Match(file); got != want || err != nil {
			t.Errorf("rules %q: Match(%q) = %v, Git says %v", lines, file, got, want)
		}
	}
}

func TestTheLineThatIgnores(t *testing.T) {
	t.Parallel()
	rules := parse(t, "# mine\n*.txt\n\nmanaged/\n!notes.txt\n").Matcher()
	for path, want := range map[string]int{
		"a.txt": 2, "managed/vpcs/a.yaml": 4, "managed/a.txt": 4, "notes.txt": 0, "a.yaml": 0,
	} {
		if got, err := rules.Line(path); got != want || err != nil {
			t.Errorf("%s is ignored by line %d, want %d (%v)", path, got, want, err)
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
		parsed, err := ignore.Parse(rules)
		if err != nil || bytes.Count(rules, []byte("\n")) > ignore.MaxPatterns/2-5 || bytes.HasPrefix(rules, []byte("\ufeff")) {
			return
		}
		got, err := parsed.Match(file)
		if err != nil {
			return
		}
		for what, other := range map[string]string{
			"with a byte order mark": "\ufeff" + string(rules),
			"with comments":          "# first\n\n" + string(rules) + "\n\n# last\n",
			"said twice":             string(rules) + "\n" + string(rules),
		} {
			if match(t, other, file) != got {
				t.Errorf("rules %q %s: Match(%q) is no longer %v", rules, what, file, got)
			}
		}
		if !match(t, string(rules)+"\n*\n", file) {
			t.Errorf("rules %q, then everything: %q is not ignored", rules, file)
		}
	})
}
