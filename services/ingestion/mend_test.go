package ingestion_test

import (
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	"fgdsync.dev/testkit/treestore"
)

// TestMend: a file in quarantine says what is asked for, and no other does; one that has changed stays as it is.
func TestMend(t *testing.T) {
	t.Parallel()
	const kept = "unmanaged/a.yaml"
	store := treestore.New()
	client := withTrees(t, store)
	snapshot, tree := store.Open(map[string]string{kept: "kind: [\n", "raw/b.yaml": "kind: [\n"})
	blob := store.PutBlob([]byte("kind: [\n"))
	mend := func(path, match string) (string, error) {
		answer, err := client.EditResources(t.Context(), &ingestionv1.EditResourcesRequest{
			SnapshotId: snapshot, Tree: tree,
			EditSet: &editv1.EditSet{Mend: &editv1.Mend{Path: path, IfMatch: match, Content: []byte(vpc)}},
		})
		return answer.GetTree(), err
	}
	if got, err := mend(kept, blob); err != nil || store.Files(got)[kept] != vpc || store.Files(got)["raw/b.yaml"] == vpc {
		t.Errorf("it says %v; %v", store.Files(got), err)
	}
	if _, err := mend(kept, strings.Repeat("0", 40)); !errs.HasCode(err, errs.ResourceChanged) {
		t.Errorf("another file: %v", err)
	}
	if _, err := mend("unmanaged/none.yaml", blob); !errs.HasCode(err, errs.NotInQuarantine) {
		t.Errorf("no file: %v", err)
	}
}
