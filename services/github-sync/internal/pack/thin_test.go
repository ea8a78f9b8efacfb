package pack_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"pgregory.net/rapid"

	"fgdsync.dev/services/github-sync/internal/pack"
)

// history is a repository with two commits, and others that have the first one only.
type history struct {
	t             testing.TB
	dir           string
	first, second string
}

func newHistory(t testing.TB, before, after []string) *history {
	t.Helper()
	h := &history{t: t, dir: newRepository(t)}
	h.first = h.commit(before)
	h.second = h.commit(after, "-p", h.first)
	return h
}

func (h *history) commit(contents []string, parents ...string) string {
	h.t.Helper()
	var tree strings.Builder
	for i, id := range add(h.t, h.dir, contents) {
		fmt.Fprintf(&tree, "100644 blob %s\t%03d\n", id, i)
	}
	id := strings.TrimSpace(git(h.t, h.dir, strings.NewReader(tree.String()), "mktree"))
	args := append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "commit-tree", "-m", "m", id},
		parents...)
	return strings.TrimSpace(git(h.t, h.dir, nil, args...))
}

// thin packs what the second commit adds to the first.
func (h *history) thin(args ...string) []byte {
	h.t.Helper()
	revisions := strings.NewReader(h.second + "\n^" + h.first + "\n")
	return []byte(git(h.t, h.dir, revisions, append([]string{"pack-objects", "-q", "--thin", "--stdout", "--revs"},
		args...)...))
}

// receiver makes a repository that has the first commit.
func (h *history) receiver() string {
	h.t.Helper()
	dir := newRepository(h.t)
	content := git(h.t, h.dir, strings.NewReader(h.first+"\n"), "pack-objects", "-q", "--stdout", "--revs")
	git(h.t, dir, strings.NewReader(content), "index-pack", "--stdin")
	return dir
}

// folder is where the packs of a repository are, whose objects thin packs may build on.
func folder(dir string) pack.Folder {
	storage := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRUDefault())
	return pack.Folder{
		Path: filepath.Join(dir, "objects", "pack"),
		Bases: func(id plumbing.Hash) (plumbing.EncodedObject, error) {
			return storage.EncodedObject(plumbing.AnyObject, id)
		},
	}
}

// objects lists what is in the packs of a repository, the number of times that it is.
func objects(t testing.TB, dir string) []string {
	t.Helper()
	indexes, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "*.idx"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for line := range strings.Lines(git(t, dir, nil, append([]string{"verify-pack", "-v"}, indexes...)...)) {
		if id, _, _ := strings.Cut(line, " "); plumbing.IsHash(id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// TestThin: a pack whose deltas build on what only the receiver has is completed as Git completes it.
func TestThin(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		contents := related(rapid.Uint64().Draw(r, "seed"), rapid.IntRange(2, 24).Draw(r, "contents"))
		split := rapid.IntRange(1, len(contents)-1).Draw(r, "known")
		h := newHistory(t, contents[:split], contents[1:]) // what stands under one name differs
		content := h.thin(rapid.SampledFrom([][]string{{"--delta-base-offset"}, nil, {"--window=50", "--depth=50"}}).
			Draw(r, "form")...)
		ours, theirs := h.receiver(), h.receiver()
		if err := folder(ours).Receive(t.Context(), bytes.NewReader(content)); err != nil {
			r.Fatal(err)
		}
		git(t, theirs, bytes.NewReader(content), "index-pack", "--stdin", "--fix-thin")
		if got, want := objects(t, ours), objects(t, theirs); !slices.Equal(got, want) {
			r.Fatalf("%d objects, not the %d that Git has", len(got), len(want))
		}
		var names []string
		for i := range contents[1:] {
			names = append(names, fmt.Sprintf("%s:%03d", h.second, i))
		}
		requireBlobs(t, ours, names, contents[1:])
		git(t, ours, nil, "fsck", "--strict", "--no-dangling")
	})
}

// TestThinRefused: without its bases a thin pack is damaged, large ones are not held, and nothing is left of either.
func TestThinRefused(t *testing.T) {
	t.Parallel()
	texts := related(7, 2)
	h := newHistory(t, texts[:1], texts[1:])
	content := h.thin()
	dir, err := receive(t, content)
	if !errors.Is(err, pack.ErrDamaged) {
		t.Errorf("without bases: %v", err)
	}
	requireClean(t, dir, 0)
	elsewhere := newRepository(t)
	if err := folder(elsewhere).Receive(t.Context(), bytes.NewReader(content)); !errors.Is(err, pack.ErrDamaged) {
		t.Errorf("with other bases: %v", err)
	}
	requireClean(t, elsewhere, 0)

	large := strings.Repeat("0123456789abcde\n", 1<<20+1)
	h = newHistory(t, []string{large}, []string{large + "more\n"})
	receiver := h.receiver()
	before, err := os.ReadDir(folder(receiver).Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := folder(receiver).Receive(t.Context(), bytes.NewReader(h.thin())); !errors.Is(err, pack.ErrBaseTooLarge) {
		t.Errorf("a large base: %v", err)
	}
	if after, err := os.ReadDir(folder(receiver).Path); err != nil || len(after) != len(before) {
		t.Errorf("%d files, and %d before: %v", len(after), len(before), err)
	}
}
