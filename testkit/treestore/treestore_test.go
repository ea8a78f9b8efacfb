package treestore_test

import (
	"errors"
	"io"
	"testing"

	"go.uber.org/goleak"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/testkit/treestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func write(t *testing.T, trees gitv1.TreeServiceClient, snapshot, base string, changes ...*gitv1.Change) (string,
	error,
) {
	t.Helper()
	stream, err := trees.WriteTree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&gitv1.WriteTreeRequest{SnapshotId: snapshot, BaseTree: base, Changes: changes}); err != nil {
		t.Fatal(err)
	}
	response, err := stream.CloseAndRecv()
	return response.GetTree(), err
}

func content(p, text string) *gitv1.Change {
	return &gitv1.Change{Path: p, Change: &gitv1.Change_Content{Content: []byte(text)}}
}

// TestIDsAreGits compares with ids that git itself gave: write-tree of an index of these files.
func TestIDsAreGits(t *testing.T) {
	store := treestore.New()
	if _, tree := store.Open(nil); tree != "4b825dc642cb6eb9a060e54bf8d69288fbee4904" {
		t.Errorf("the empty tree is %s", tree)
	}
	if id := store.PutBlob([]byte("hello\n")); id != "ce013625030ba8dba906f756967f9e9ca394464a" {
		t.Errorf("the blob is %s", id)
	}
	_, tree := store.Open(map[string]string{"a.b": "hello\n", "a/x": "hello\n", "a0": "hello\n"})
	if tree != "789782debc5f8a6357d255c85ef58af981aa5a9e" {
		t.Errorf("the tree is %s", tree)
	}
}

func TestWriteAndList(t *testing.T) {
	store := treestore.New()
	trees := gitv1.NewTreeServiceClient(store.Serve(t))
	snapshot, base := store.Open(map[string]string{"a": "1", "b/c": "2"})
	next, err := write(t, trees, snapshot, base, content("d", "3"),
		&gitv1.Change{Path: "a", Change: &gitv1.Change_Remove{Remove: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, want := store.Open(map[string]string{"b/c": "2", "d": "3"}); next != want {
		t.Errorf("wrote %v", store.Files(next))
	}
	stream, err := trees.ListTree(t.Context(), &gitv1.ListTreeRequest{SnapshotId: snapshot, Tree: next})
	if err != nil {
		t.Fatal(err)
	}
	page, err := stream.Recv()
	if err != nil || len(page.GetEntries()) != 2 || page.GetEntries()[0].GetPath() != "b/c" ||
		page.GetEntries()[0].GetSize() != 1 {
		t.Errorf("listed %v, %v", page, err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("the list ends with %v", err)
	}
	if store.Writes() != 1 {
		t.Errorf("%d writes", store.Writes())
	}
}

func TestRefusals(t *testing.T) {
	store := treestore.New()
	trees := gitv1.NewTreeServiceClient(store.Serve(t))
	snapshot, base := store.Open(map[string]string{"a": "1"})
	for name, changes := range map[string][]*gitv1.Change{
		"outside":         {content("../x", "")},
		"twice":           {content("x", ""), content("x", "")},
		"file and folder": {content("a/b", "")},
		"nothing":         {{Path: "x"}},
	} {
		if _, err := write(t, trees, snapshot, base, changes...); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	store.Fail(errs.New(errs.ServiceUnavailable, "Away."))
	if _, err := write(t, trees, snapshot, base, content("x", "")); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("broken: %v", err)
	}
	store.Fail(nil)
	store.Close(snapshot)
	if _, err := write(t, trees, snapshot, base, content("x", "")); !errs.HasCode(err, errs.SnapshotNotFound) {
		t.Errorf("closed: %v", err)
	}
}
