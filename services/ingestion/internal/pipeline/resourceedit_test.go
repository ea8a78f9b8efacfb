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
	"fgdsync.dev/services/ingestion/internal/stage"
)

// editing is a fabric of which resources are edited.
type editing struct {
	t     *testing.T
	store *trees
	files map[string]string
	*pipeline.Pipeline
	references pipeline.References
}

func newEditing(t *testing.T) *editing {
	t.Helper()
	store := newTrees(t)
	return &editing{t: t, store: store, files: map[string]string{
		"managed/vpcs/a.yaml": annotated,
		"managed/vpcs/b.yaml": vpc("v1beta1", "b", "", "", 1),
		"managed/vpcs/c.yaml": "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nmetadata:\n  name: c\n" +
			"spec:\n  subnets: 1\n",
		"raw/waits.yaml": vpc("v1beta1", "waits", "", "", 9),
	}, Pipeline: store.pipeline(t, 2)}
}

// edit makes edits, and returns what became of them and the files.
func (e *editing) edit(edits ...pipeline.Edit) ([]pipeline.Edited, map[string]string) {
	e.t.Helper()
	snapshot, tree := e.store.Open(e.files)
	made, edited, err := e.Edit(e.t.Context(), pipeline.Edits{
		Tree: gittree.Ref{Snapshot: snapshot, ID: tree}, References: e.references, Edits: edits,
	})
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
	deep := `{"spec":` + strings.Repeat(`{"a":[`, 2500) + "1" + strings.Repeat("]}", 2500) + "}"
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
		"what no resource says":       {patch("a", `{"metadata":{}}`), errs.InvalidRequest},
		"a field of another case":     {patch("b", `{"Spec":{"subnets":{}}}`), errs.InvalidRequest},
		"no patch":                    {patch("a", `[]`), errs.InvalidRequest},
		"a patch that is too deep":    {patch("b", deep), errs.InvalidRequest},
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

// TestEditsThatBreakReferences: where the fabric rejects, an edit is refused that makes a reference lead nowhere, be it
// of the resource that names or of the one that is named. What led nowhere before, what leads somewhere by the same
// batch, and other fabrics are no matter.
func TestEditsThatBreakReferences(t *testing.T) {
	t.Parallel()
	kind := func(kind string, edit pipeline.Edit) pipeline.Edit {
		edit.ID.Kind = kind
		return edit
	}
	other := &rewrite.Content{Spec: map[string]any{
		"subnets": map[string]any{"default": map[string]any{"subnet": "10.7.0.0/24", "vlan": json.Number("3")}},
	}}
	created := pipeline.Edit{ID: named("new"), Says: other}
	toNew := kind("VPCAttachment", patch("at", `{"spec":{"subnet":"new/default"}}`))
	noSubnet := patch("a", `{"spec":{"subnets":{"default":null,"other":{"subnet":"10.8.0.0/24","vlan":9}}}}`)
	for name, c := range map[string]struct {
		edits []pipeline.Edit
		about string // what the problem of the last one is about; empty where they are made
	}{
		"one that names what is not there": {[]pipeline.Edit{toNew}, "there is no VPC new"},
		"with what it names":               {[]pipeline.Edit{created, toNew}, ""},
		"one that is named goes":           {[]pipeline.Edit{{ID: named("a"), Delete: true}}, "VPCAttachment default/at"},
		"with what names it": {[]pipeline.Edit{
			{ID: named("a"), Delete: true}, kind("VPCAttachment", pipeline.Edit{ID: named("at"), Delete: true}),
		}, ""},
		"a subnet that is named goes": {[]pipeline.Edit{noSubnet}, "has no subnet default"},
		"one that nobody names goes":  {[]pipeline.Edit{{ID: named("b"), Delete: true}}, ""},
		"what led nowhere before": {[]pipeline.Edit{
			kind("VPCAttachment", patch("at", `{"labels":{"x":"y"}}`)),
		}, ""},
		"a subnet that another has": {[]pipeline.Edit{
			patch("free", `{"spec":{"subnets":{"default":{"subnet":"10.0.0.0/25"}}}}`),
		}, "overlaps"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEditing(t)
			e.files["managed/vpcattachments/at.yaml"] = attachment("at", "a") // to a connection that is nowhere
			e.files["managed/vpcs/free.yaml"] = strings.Replace(vpc("v1beta1", "free", "", "", 6), "10.0.", "10.6.", 1)
			if edited, files := e.edit(c.edits...); maps.Equal(files, e.files) {
				t.Errorf("a fabric that does not reject refuses it: %+v", edited[0].Problem)
			}
			e.references = pipeline.ReferencesReject
			edited, files := e.edit(c.edits...)
			last := edited[len(edited)-1]
			if refused := maps.Equal(files, e.files); refused != (c.about != "") || refused != (last.Problem != nil) {
				t.Fatalf("refused %v, %+v", refused, last.Problem)
			}
			made := last.Effect != pipeline.NotMade
			if p := last.Problem; p != nil && (!strings.Contains(p.Message, c.about) || p.Warning || made) {
				t.Errorf("the problem is %+v", p)
			}
		})
	}
}

// TestBlockedResources: what is in a file with others, in one that can't be read, or in two files is neither edited nor
// deleted, and its file is named. Whoever reads it is told too.
func TestBlockedResources(t *testing.T) {
	t.Parallel()
	e := newEditing(t)
	e.files["managed/vpcs/several.yaml"] = vpc("v1beta1", "d", "", "", 4) + "---\n" + vpc("v1beta1", "f", "", "", 5)
	e.files["managed/vpcs/broken.yaml"] = "kind: [\n"
	e.files["managed/vpcs/twin.yaml"] = vpc("v1beta1", "b", "", "", 2)
	says := &rewrite.Content{Spec: map[string]any{
		"subnets": map[string]any{"default": map[string]any{"subnet": "10.1.0.0/24", "vlan": json.Number("3")}},
	}}
	for name, file := range map[string]string{
		"d": "managed/vpcs/several.yaml", "f": "managed/vpcs/several.yaml", "broken": "managed/vpcs/broken.yaml",
		"b": "managed/vpcs/twin.yaml",
	} {
		for _, edit := range []pipeline.Edit{
			patch(name, vlan7),
			{ID: named(name), Delete: true},
			{ID: named(name), Says: says},
			{ID: named(name), Says: says, New: true},
		} {
			edited, files := e.edit(edit)
			p := edited[0].Problem
			if p == nil || p.Code.ID != errs.EditRefused.ID || !strings.Contains(p.Message, file) ||
				!maps.Equal(files, e.files) {
				t.Errorf("%+v came to %+v, %+v", edit, edited[0], p)
			}
		}
		if read := e.read(name); len(read) != 1 || name != "b" && (read[0].Problem == nil || read[0].Path != file) {
			t.Errorf("%s is read as %+v", name, read)
		}
	}
	if edited, _ := e.edit(patch("a", vlan7)); edited[0].Problem != nil {
		t.Errorf("one that is not blocked came to %+v", edited[0].Problem)
	}
}

// read reads a resource.
func (e *editing) read(name string) []pipeline.Managed {
	e.t.Helper()
	snapshot, tree := e.store.Open(e.files)
	var out []pipeline.Managed
	err := e.Contents(e.t.Context(), pipeline.Wanted{
		Tree: gittree.Ref{Snapshot: snapshot, ID: tree}, Resource: new(named(name)),
	}, func(m *pipeline.Managed) error { out = append(out, *m); return nil })
	if err != nil {
		e.t.Fatal(err)
	}
	return out
}

// TestDeepObjectsAreRefused: before anything follows their levels. Brackets in strings are no levels.
func TestDeepObjectsAreRefused(t *testing.T) {
	t.Parallel()
	const levels = 5000
	if _, err := pipeline.Object([]byte(strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels))); err == nil {
		t.Error("an object of 5,000 levels is read")
	}
	text := `{"a":"\"` + strings.Repeat("{[", levels) + `\\","b":{}}`
	if object, err := pipeline.Object([]byte(text)); err != nil || len(object) != 2 {
		t.Errorf("brackets in a string: %v", err)
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
