package workflow

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// TestTheSameEditHasTheSameDigest: whoever asks, whichever file he has seen, and however the JSON is written.
func TestTheSameEditHasTheSameDigest(t *testing.T) {
	t.Parallel()
	put := func(spec string) *editv1.Edit {
		return &editv1.Edit{Resource: editOf("a"), Change: &editv1.Edit_Put{Put: &editv1.Says{Spec: []byte(spec)}}}
	}
	patch := func(name, patch string) *editv1.Edit {
		return &editv1.Edit{Resource: editOf(name), Change: &editv1.Edit_MergePatch{MergePatch: []byte(patch)}}
	}
	set := func(edits ...*editv1.Edit) *editv1.EditSet { return &editv1.EditSet{Edits: edits} }
	mend := func(path, content string) *editv1.EditSet {
		return &editv1.EditSet{Mend: &editv1.Mend{Path: path, Content: []byte(content)}}
	}
	want := digestOf(set(put(`{"a":1,"b":9007199254740993}`)))
	seen := put(`{ "b": 9007199254740993, "a": 1 }`)
	seen.Resource, seen.IfMatch = wholeKey("a"), "0123"
	if got := digestOf(&editv1.EditSet{Edits: []*editv1.Edit{seen}, Author: &editv1.Author{Name: "Al"}}); got != want {
		t.Errorf("the same edit has the digests %s and %s", want, got)
	}
	digests := map[string]int{want: -1}
	for i, other := range []*editv1.EditSet{
		set(put(`{"a":1,"b":9007199254740992}`)), set(patch("a", `{"a":1,"b":9007199254740993}`)),
		set(patch("b", `{}`)), set(patch("a", `{}`)), set(patch("a", `{}`), patch("b", `{}`)), set(put("")),
		set(&editv1.Edit{Resource: editOf("a"), Change: &editv1.Edit_Delete{Delete: true}}),
		mend("unmanaged/a.yaml", "kind: VPC"), mend("unmanaged/a.yaml", "kind: Switch"),
		mend("unmanaged/b.yaml", "kind: VPC"),
	} {
		if same, is := digests[digestOf(other)]; is {
			t.Errorf("edits %d and %d have the same digest", i, same)
		}
		digests[digestOf(other)] = i
	}
}

// TestProposalsOfEditsAreNotThoseOfFabrics: no branch of an edit begins as the branches of its fabric or of another one
// do, nor the other way round, whatever fabrics are called.
func TestProposalsOfEditsAreNotThoseOfFabrics(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func() *fabricv1.Fabric {
			return &fabricv1.Fabric{
				FabricId: rapid.Int32Range(1, 9999).Draw(t, "id"),
				Name:     rapid.StringMatching(`[a-z/ ]{0,4}(-[0-9]{1,2})?(-edits)?`).Draw(t, "name"),
			}
		}
		proposals := func(fabric *fabricv1.Fabric, set *editv1.EditSet) string {
			record := &state.Record{Sync: &syncv1.Sync{EditSet: set}}
			return (&attempt{fabric: fabric, sync: &tracker{record: record}}).proposals()
		}
		fabric := draw()
		files := proposals(fabric, nil)
		for _, of := range []*fabricv1.Fabric{fabric, draw()} {
			edits := proposals(of, &editv1.EditSet{})
			if strings.HasPrefix(files, edits) || strings.HasPrefix(edits, files) {
				t.Errorf("%q and %q", files, edits)
			}
		}
	})
}
