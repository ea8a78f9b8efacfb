package object_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"pgregory.net/rapid"

	"fgdsync.dev/services/github-sync/internal/object"
)

// git runs git in a bare repository and gives what it prints.
func git(t testing.TB, folder string, stdin []byte, args ...string) string {
	t.Helper()
	command := exec.Command("git", args...)
	command.Dir = folder
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "GIT_CONFIG_NOSYSTEM=1"}
	command.Stdin = bytes.NewReader(stdin)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func repository(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	git(t, folder, nil, "init", "-q", "--bare")
	return folder
}

// TestTreesAreGits: a tree of ours has the id that git gives to the same entries, in whatever order they come, and git
// finds nothing wrong with a pack of such objects.
func TestTreesAreGits(t *testing.T) {
	t.Parallel()
	folder := repository(t)
	empty := git(t, folder, nil, "hash-object", "-t", "tree", "-w", "/dev/null")
	parent := plumbing.NewHash(git(t, folder, nil, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit-tree",
		"-m", "first", empty))
	rapid.Check(t, func(r *rapid.T) {
		deflater := object.NewDeflater()
		put := func(kind plumbing.ObjectType, content []byte) object.Object {
			o, err := deflater.Object(kind, content)
			if err != nil {
				r.Fatal(err)
			}
			return o
		}
		blob := put(plumbing.BlobObject, []byte(rapid.String().Draw(r, "content")))
		inner := put(plumbing.TreeObject, object.EncodeTree([]object.Entry{{
			Name: "x", Mode: filemode.Regular,
			Hash: blob.Hash,
		}}))
		names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
			"a", "a.b", "a-b", "a0", "ab", "b", "B", "ä", "a b", "z",
			"foo", "foo.", "foo-", "foo0",
		}), 1, 8, rapid.ID).Draw(r, "names")
		var entries []object.Entry
		var lines strings.Builder
		for _, name := range names {
			entry := object.Entry{Name: name, Mode: filemode.Regular, Hash: blob.Hash}
			what := "100644 blob"
			if rapid.Bool().Draw(r, "folder") {
				entry, what = object.Entry{Name: name, Mode: filemode.Dir, Hash: inner.Hash}, "040000 tree"
			}
			entries = append(entries, entry)
			fmt.Fprintf(&lines, "%s %s\t%s\x00", what, entry.Hash, name)
		}
		tree := put(plumbing.TreeObject, object.EncodeTree(slices.Clone(entries)))
		at := object.Signature{Name: "A", Email: "a@example.com", Time: time.Unix(1_700_000_000, 0).UTC()}
		commit := put(plumbing.CommitObject, object.Commit(tree.Hash, []plumbing.Hash{parent}, at, at, "message\n"))
		git(t, folder, object.Pack([]object.Object{blob, inner, tree, commit}), "index-pack", "--strict", "--stdin",
			"--fix-thin")
		if got := git(t, folder, []byte(lines.String()), "mktree", "-z"); got != tree.Hash.String() {
			r.Fatalf("git has %s for %q", got, lines.String())
		}
		read, err := object.ParseTree(object.EncodeTree(entries))
		if err != nil || len(read) != len(entries) {
			r.Fatalf("read back %v, %v", read, err)
		}
		info, err := object.ParseCommit(object.Commit(tree.Hash, []plumbing.Hash{parent}, at, at, "message\n"))
		if err != nil || info.Tree != tree.Hash {
			r.Fatalf("read back %v, %v", info, err)
		}
	})
	git(t, folder, nil, "fsck", "--strict", "--full")
}

func TestBadTrees(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("\x01", 20)
	for name, content := range map[string]string{
		"no id":       "100644 a\x00short",
		"no mode":     "a\x00" + id,
		"zero mode":   "0 a\x00" + id,
		"odd mode":    "40755 a\x00" + id,
		"twice":       "100644 a\x00" + id + "100644 a\x00" + id,
		"file folder": "100644 a\x00" + id + "40000 a\x00" + id,
		"disorder":    "100644 b\x00" + id + "100644 a\x00" + id,
	} {
		if entries, err := object.ParseTree([]byte(content)); err == nil {
			t.Errorf("%s: read as %v", name, entries)
		}
	}
}

// TestOddNames: a tree with names that no checkout can hold is read, and written as it was.
func TestOddNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", ".", "..", ".git", ".GIT", "a/b", "a\\b", "Icon\r", "caf\xe9", "a\nb"} {
		content := "100644 " + name + "\x00" + strings.Repeat("\x01", 20)
		entries, err := object.ParseTree([]byte(content))
		if err != nil || len(entries) != 1 || string(object.EncodeTree(entries)) != content {
			t.Errorf("%q: %v, %v", name, entries, err)
		}
		if object.CheckName(name) == nil {
			t.Errorf("%q may be written", name)
		}
		if shown := object.Escaped(name); !utf8.ValidString(shown) || strings.ContainsAny(shown, "\r\n") {
			t.Errorf("%q is shown as %q", name, shown)
		}
	}
}

// TestIdentities: what people call themselves writes no headers, and Git finds nothing wrong with the commit.
func TestIdentities(t *testing.T) {
	t.Parallel()
	folder := repository(t)
	tree := plumbing.NewHash(git(t, folder, nil, "hash-object", "-t", "tree", "-w", "/dev/null"))
	parent := git(t, folder, nil, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit-tree", "-m", "first",
		tree.String())
	at := time.Unix(1_700_000_000, 0)
	for name, want := range map[string]string{
		"Ada":                                  "Ada <a@example.com>",
		"Ada\nparent " + parent + "\nauthor X": "Adaparent " + parent + "author X <a@example.com>",
		"Ada <root@example.com> 1 +0000\n":     "Ada root@example.com 1 +0000 <a@example.com>",
		"\x00\r\t":                             " <a@example.com>",
		"Ängström 山":                           "Ängström 山 <a@example.com>",
	} {
		who := object.Signature{Name: name, Email: "<a@example.com\n>", Time: at}
		id := git(t, folder, object.Commit(tree, []plumbing.Hash{plumbing.NewHash(parent)}, who, who, "one\x00two\n"),
			"hash-object", "-t", "commit", "-w", "--stdin")
		git(t, folder, nil, "fsck", "--strict", id)
		text := git(t, folder, nil, "cat-file", "commit", id)
		if !strings.Contains(text, "\nauthor "+want+" 1700000000 +0000\n") || strings.Count(text, "\nparent ") != 1 ||
			!strings.HasSuffix(text, "\n\nonetwo") {
			t.Errorf("%q: %s", name, text)
		}
	}
}

// FuzzParseTree: what is read as a tree is written so that it reads the same.
func FuzzParseTree(f *testing.F) {
	id := strings.Repeat("\x01", 20)
	f.Add([]byte("100644 a\x00" + id + "40000 b\x00" + id))
	f.Add([]byte("120000 l\x00" + id + "160000 m\x00" + id))
	f.Fuzz(func(t *testing.T, content []byte) {
		entries, err := object.ParseTree(content)
		if err != nil {
			return
		}
		again, err := object.ParseTree(object.EncodeTree(entries))
		if err != nil || !slices.Equal(again, entries) {
			t.Errorf("%q is read as %v, written, and read as %v: %v", content, entries, again, err)
		}
	})
}

func FuzzParseCommit(f *testing.F) {
	at := object.Signature{Name: "A", Email: "a@example.com", Time: time.Unix(1_700_000_000, 0)}
	f.Add(object.Commit(plumbing.NewHash(strings.Repeat("1", 40)),
		[]plumbing.Hash{plumbing.NewHash(strings.Repeat("2", 40))}, at, at, "m\n"))
	f.Add([]byte("tree x\nparent\ncommitter <> 1 +0000\n\n"))
	f.Fuzz(func(_ *testing.T, content []byte) { _, _ = object.ParseCommit(content) })
}
