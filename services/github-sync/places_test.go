package githubsync_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/libs/rpc"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// apply makes changes one after another.
func (b *bench) apply(s *gitv1.Snapshot, changes ...*gitv1.Change) (string, error) {
	b.t.Helper()
	stream, err := b.trees.WriteTree(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	request := &gitv1.WriteTreeRequest{SnapshotId: s.GetSnapshotId(), BaseTree: s.GetTree(), Changes: changes}
	if err := stream.Send(request); err != nil {
		b.t.Fatal(err)
	}
	response, err := stream.CloseAndRecv()
	return response.GetTree(), err
}

func taken(path string) *gitv1.Change {
	return &gitv1.Change{Path: path, Change: &gitv1.Change_Remove{Remove: true}}
}

func put(path, content string) *gitv1.Change {
	return &gitv1.Change{Path: path, Change: &gitv1.Change_Content{Content: []byte(content)}}
}

// TestAFileInThePlaceOfAFolder: when a folder has been emptied, a file can take its place, and the other way round; as
// long as something is in it, it can't.
func TestAFileInThePlaceOfAFolder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, map[string]string{
		"f/a.yaml/b/c.yaml": "c", "f/a.yaml/d.yaml": "d", "f/e": "e", "top": "t",
	})
	s := b.open("f")
	for name, changes := range map[string][]*gitv1.Change{
		"too early":     {put("a.yaml", "a"), taken("a.yaml/b/c.yaml"), taken("a.yaml/d.yaml")},
		"not yet empty": {taken("a.yaml/b/c.yaml"), put("a.yaml", "a")},
		"filled again":  {taken("a.yaml/b/c.yaml"), taken("a.yaml/d.yaml"), put("a.yaml/x/y", "x"), put("a.yaml", "a")},
		"through":       {taken("a.yaml/b/c.yaml"), taken("a.yaml/d.yaml"), put("a.yaml", "a"), put("a.yaml/x", "x")},
	} {
		if _, err := b.apply(s, changes...); !errs.HasCode(err, errs.InvalidRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	tree, err := b.apply(s, taken("a.yaml/b/c.yaml"), taken("a.yaml/d.yaml"), taken("e"), put("a.yaml", "a"),
		put("e/f", "f"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.publish(s, tree); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"f/a.yaml": "a", "f/e/f": "f", "top": "t"}
	if got := b.host.Files(t, repository, branch); !maps.Equal(got, want) {
		t.Errorf("the branch has %v, want %v", got, want)
	}
}

// TestWhatIsNoFileMoves: a link stays a link, and a submodule a submodule, of which the snapshot has no object.
func TestWhatIsNoFileMoves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, map[string]string{"f/a": "../elsewhere"})
	s := b.open("f")
	link := strings.TrimSpace(b.host.Git(t, repository, "rev-parse", branch+":f/a"))
	const commit = "1111111111111111111111111111111111111111"
	moved := func(path string, mode gitv1.FileMode, id string) *gitv1.Change {
		return &gitv1.Change{Path: path, Mode: mode, Change: &gitv1.Change_BlobId{BlobId: id}}
	}
	tree, err := b.apply(s, taken("a"), moved("b", gitv1.FileMode_FILE_MODE_SYMLINK, link),
		moved("c", gitv1.FileMode_FILE_MODE_SUBMODULE, commit))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.publish(s, tree); err != nil {
		t.Fatal(err)
	}
	want := "120000 blob " + link + "\tf/b\n160000 commit " + commit + "\tf/c\n"
	if got := b.host.Git(t, repository, "ls-tree", "-r", branch); got != want {
		t.Errorf("the branch has\n%s, want\n%s", got, want)
	}
}

// TestFoldersTooDeep: what lies deeper than can be written is named as a folder that stays, and nothing else is kept
// from being listed, written and compared.
func TestFoldersTooDeep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	deep := strings.Repeat("d/", layout.MaxDepth-1)
	b.host.Create(t, repository, branch, map[string]string{
		"f/" + deep + "x": "x", "f/" + deep + "d/y": "y", "f/" + deep + "d/d/z": "z", "f/a": "a",
	})
	s := b.open("f")
	var paths, unreadable []string
	err := rpc.Collect(t.Context(), b.trees.ListTree,
		&gitv1.ListTreeRequest{SnapshotId: s.GetSnapshotId(), Tree: s.GetTree()}, func(page *gitv1.ListTreeResponse) error {
			unreadable = append(unreadable, page.GetUnreadable()...)
			for _, e := range page.GetEntries() {
				paths = append(paths, e.GetPath())
			}
			return nil
		})
	if want := []string{"a", deep + "x"}; err != nil || !slices.Equal(paths, want) {
		t.Errorf("listed %q, %v", paths, err)
	}
	if want := []string{deep + "d"}; !slices.Equal(unreadable, want) {
		t.Errorf("unreadable: %q", unreadable)
	}
	tree, err := b.apply(s, taken(deep+"x"), put("b", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.publish(s, tree); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"f/" + deep + "d/y": "y", "f/" + deep + "d/d/z": "z", "f/a": "a", "f/b": "b"}
	if got := b.host.Files(t, repository, branch); !maps.Equal(got, want) {
		t.Errorf("the branch has %v, want %v", got, want)
	}
	b.host.Commit(t, repository, branch, map[string]string{"f/" + deep + "d/d/z": "other", "f/a": "other"})
	later := b.open("f")
	changed := 0
	err = rpc.Collect(t.Context(), b.trees.ListChanges,
		&gitv1.ListChangesRequest{SnapshotId: later.GetSnapshotId(), SinceCommit: "HEAD~1"},
		func(page *gitv1.ListChangesResponse) error {
			changed += len(page.GetChanges())
			return nil
		})
	if err != nil || changed != 1 {
		t.Errorf("%d changes, %v", changed, err)
	}
}
