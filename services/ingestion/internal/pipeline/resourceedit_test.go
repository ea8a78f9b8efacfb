package pipeline_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/rewrite"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/stage"
)

// editing is a fabric of which resources are edited.
type editing struct {
	t     *testing.T
	store *trees
	files map[string]string
	*pipeline.Pipeline
}

func newEditing(t *testing.T) *editing {
	t.Helper()
	store := newTrees(t)
	return &editing{t, store, map[string]string{
		"managed/vpcs/a.yaml": annotated,
		"managed/vpcs/b.yaml": vpc("v1beta1", "b", "", "", 1),
		"managed/vpcs/c.yaml": "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nmetadata:\n  name: c\nspec:\n  subnets: 1\n",
		"raw/waits.yaml":      vpc("v1beta1", "waits", "", "", 9),
	}, store.pipeline(t, 2)}
}

// edit makes edits, and returns what became of them and the files.
func (e *editing) edit(edits ...pipeline.Edit) ([]pipeline.Edited, map[string]string) {
	e.t.Helper()
	snapshot, tree := e.store.Open(e.files)
	made, edited, err := e.Edit(e.t.Context(), gittree.Ref{Snapshot: snapshot, ID: tree}, schema.Options{}, edits)
	if err != nil {
		e.t.Fatal(err)
	}
	return edited, e.store.Files(made)
}

func named(name string) hedgehog.ResourceID {
	return hedgehog.ResourceID{Kind: "VPC", Namespace: "default", Name: name}
}

func patch(name, text string) pipeline.Edit {
	return pipeline.Edit{ID: named(name), Patch: []byte(text)}
}

const vlan7 = `{"spec":{"subnets":{"default":{"vlan":7}}}}`

// TestEditsOfResources: each is found by what it is, and only its own file changes, in the lines that differ. What is
// new is put where an ingestion finds it.
func TestEditsOfResources(t *testing.T) {
	t.Parallel()
	e := newEditing(t)
	says := &rewrite.Content{Spec: map[string]any{
		"subnets": map[string]any{"default": map[string]any{"subnet": "10.1.0.0/24", "vlan": json.Number("3")}},
	}}
	edited, files := e.edit(
		patch("b", vlan7), pipeline.Edit{ID: named("a"), Delete: true},
		pipeline.Edit{ID: named("new"), Says: says, New: true}, pipeline.Edit{ID: named("none"), Delete: true},
	)
	want := maps.Clone(e.files)
	delete(want, "managed/vpcs/a.yaml")
	want["managed/vpcs/b.yaml"] = strings.Replace(want["managed/vpcs/b.yaml"], "vlan: 1}", "vlan: 7}", 1)
	const made = "raw/vpc_default_new.yaml"
	want[made] = "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nmetadata:\n  name: new\nspec:\n  subnets:\n" +
		"    default:\n      subnet: 10.1.0.0/24\n      vlan: 3\n"
	if !maps.Equal(files, want) {
		t.Errorf("%v", differences(want, files))
	}
	for i, effect := range []pipeline.Effect{
		pipeline.EditUpdates, pipeline.EditDeletes, pipeline.EditCreates, pipeline.EditChangesNothing,
	} {
		if edited[i].Effect != effect || edited[i].Problem != nil || edited[i].ID.Group != "vpc.githedgehog.com" {
			t.Errorf("edit %d came to %+v", i, edited[i])
		}
	}
	if edited[2].Path != made || edited[0].Blob != stage.BlobID([]byte(e.files["managed/vpcs/b.yaml"])) {
		t.Errorf("they are at %+v", edited)
	}
	if _, files := e.edit(patch("b", `{"spec":{"subnets":{"default":{"vlan":1.0}}}}`)); !maps.Equal(files, e.files) {
		t.Errorf("an edit that says the same changes %v", differences(e.files, files))
	}
}

// TestEditsThatAreRefused: nothing is done, also of what goes along, and what is wrong is said of the edit.
func TestEditsThatAreRefused(t *testing.T) {
	t.Parallel()
	e := newEditing(t)
	other := strings.Repeat("0", 40)
	pod := hedgehog.ResourceID{Kind: "Pod", Name: "x"}
	wrong := &rewrite.Content{Spec: map[string]any{"subnets": true}}
	for name, c := range map[string]struct {
		edit pipeline.Edit
		code errs.Code
	}{
		"a kind that nobody knows":    {pipeline.Edit{ID: pod, Delete: true}, errs.UnsupportedResource},
		"one that is not there":       {patch("none", vlan7), errs.ResourceNotFound},
		"one that is there":           {pipeline.Edit{ID: named("a"), New: true, Says: wrong}, errs.ResourceExists},
		"one that has changed":        {pipeline.Edit{ID: named("a"), Match: other, Delete: true}, errs.ResourceChanged},
		"one that is gone":            {pipeline.Edit{ID: named("none"), Match: other, Delete: true}, errs.ResourceChanged},
		"one whose file is not valid": {patch("c", vlan7), errs.EditRefused},
		"what an anchor says":         {patch("a", `{"metadata":{}}`), errs.EditRefused},
		"no patch":                    {patch("a", `[]`), errs.EditRefused},
		"a value of another type":     {patch("b", `{"spec":{"subnets":{"default":{"vlan":"x"}}}}`), errs.SchemaMismatch},
		"a new one that is not valid": {pipeline.Edit{ID: named("new"), Says: wrong}, errs.SchemaMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edited, files := e.edit(patch("b", vlan7), c.edit)
			if !maps.Equal(files, e.files) {
				t.Errorf("it changed %v", differences(e.files, files))
			}
			if edited[0].Effect != pipeline.NotMade || edited[0].Problem != nil {
				t.Errorf("what goes along came to %+v", edited[0])
			}
			p := edited[1].Problem
			if edited[1].Effect != pipeline.NotMade || p == nil || p.Code.ID != c.code.ID || p.Message == "" {
				t.Errorf("it came to %+v, %+v", edited[1], p)
			}
		})
	}
}

// TestOnlySomeFilesAreTakenUp: managed/ and those, whatever else waits.
func TestOnlySomeFilesAreTakenUp(t *testing.T) {
	t.Parallel()
	e := newEditing(t)
	e.files["raw/taken.yaml"] = vpc("v1beta1", "taken", "", "", 8)
	snapshot, tree := e.store.Open(e.files)
	req := request(gittree.Ref{Snapshot: snapshot, ID: tree}, planDefault)
	req.Only = &[]string{"raw/taken.yaml"}
	result, err := e.Ingest(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	files := e.store.Files(result.Tree)
	if files["managed/vpcs/taken.yaml"] == "" || files["raw/taken.yaml"] != "" || files["raw/waits.yaml"] == "" ||
		files["managed/vpcs/waits.yaml"] != "" {
		t.Errorf("the files are %v", differences(e.files, files))
	}
}
