package pipeline_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/testkit/treestore"
)

// quarantine is a directory that is ingested over and over.
type quarantine struct {
	t     *testing.T
	store *treestore.Store
	p     *pipeline.Pipeline
	files map[string]string

	findings []finding.Finding // of the last ingestion
}

// ingest ingests the directory as it stands, and reports whether that changed it.
func (q *quarantine) ingest(change func(*pipeline.Request)) bool {
	q.t.Helper()
	snapshot, tree := q.store.Open(q.files)
	defer q.store.Close(snapshot)
	r := request(gittree.Ref{Snapshot: snapshot, ID: tree}, plan.Options{})
	change(&r)
	result, err := q.p.Ingest(q.t.Context(), r)
	if err != nil {
		q.t.Fatal(err)
	}
	q.files, q.findings = maps.Clone(q.store.Files(result.Tree)), result.Findings
	return result.Tree != tree
}

func asUsual(*pipeline.Request) {}
func again(r *pipeline.Request) { r.Retry = true }

func TestMendedInQuarantine(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	bad := vpc("v1beta1", "b", "", "", "not a number")
	q := &quarantine{
		t: t, store: store, p: pipelineOf(t, store.Serve(t), 2),
		files: map[string]string{"raw/two.yaml": vpc("v1beta1", "a", "", "", 1) + "---\n" + bad},
	}
	q.ingest(asUsual)
	const kept = "unmanaged/two.doc-1.yaml"
	if q.files[kept] != bad {
		t.Fatalf("quarantined: %v", q.files)
	}
	if q.ingest(asUsual) || q.ingest(again) {
		t.Error("what nobody touched has changed")
	}
	q.files[kept] = strings.Replace(bad, "not a number", "still none", 1)
	if !q.ingest(asUsual) || !strings.Contains(q.files[kept], "still none") ||
		strings.Count(q.files[".hnp/unmanaged-log.yaml"], `path: "`+kept) != 1 {
		t.Errorf("mended badly: %v", q.files)
	}
	if q.ingest(asUsual) || q.ingest(again) {
		t.Error("what was looked at again has changed")
	}
	q.files[kept] = strings.Replace(bad, "not a number", "2", 1)
	if !q.ingest(asUsual) || q.files[kept] != "" || !strings.Contains(q.files["managed/vpcs/b.yaml"], "vlan: 2") {
		t.Errorf("mended: %v", q.files)
	}
	if q.ingest(asUsual) || q.ingest(again) {
		t.Error("it does not come to rest")
	}
}

// TestRetry: what was refused by rules that have changed is ingested when it is asked for, and not before.
func TestRetry(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	doc := vpc("v1beta1", "a", "", "", 1) + "  unheard: of\n"
	q := &quarantine{
		t: t, store: store, p: pipelineOf(t, store.Serve(t), 2),
		files: map[string]string{
			"raw/a.yaml": doc, "unmanaged/notes.txt": "hands off\n",
			"unmanaged/old.yaml": vpc("v1beta1", "old", "", "", 3),
		},
	}
	q.ingest(func(r *pipeline.Request) { r.Schema.RejectUnknown = true })
	if q.files["unmanaged/a.yaml"] != doc {
		t.Fatalf("quarantined: %v", q.files)
	}
	if q.ingest(asUsual) {
		t.Errorf("it was ingested unasked: %v", q.files)
	}
	q.ingest(again)
	if q.files["unmanaged/a.yaml"] != "" || !strings.Contains(q.files["managed/vpcs/a.yaml"], "unheard: of") ||
		q.files["managed/vpcs/old.yaml"] == "" || q.files["unmanaged/notes.txt"] == "" {
		t.Errorf("retried: %v", q.files)
	}
}

// TestRetryOf: only what is named is judged again, and what can't be is told.
func TestRetryOf(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	doc := func(name string) string { return vpc("v1beta1", name, "", "", 1) + "  unheard: of\n" }
	q := &quarantine{
		t: t, store: store, p: pipelineOf(t, store.Serve(t), 2),
		files: map[string]string{"raw/a.yaml": doc("a"), "raw/b.yaml": doc("b"), "raw/notes.txt": "n\n"},
	}
	q.ingest(func(r *pipeline.Request) { r.Schema.RejectUnknown = true })
	q.ingest(func(r *pipeline.Request) { r.RetryOf = []string{"unmanaged/b.yaml"} })
	if q.files["unmanaged/a.yaml"] == "" || q.files["managed/vpcs/b.yaml"] == "" || q.files["managed/vpcs/a.yaml"] != "" {
		t.Errorf("retried: %v", q.files)
	}
	if q.ingest(func(r *pipeline.Request) {
		r.RetryOf = []string{"unmanaged/b.yaml", "managed/vpcs/b.yaml", "unmanaged/notes.txt"}
	}) {
		t.Errorf("changed: %v", q.files)
	}
	q.requireFindings("FGD_1007 unmanaged/notes.txt", "FGD_1019 managed/vpcs/b.yaml", "FGD_1019 unmanaged/b.yaml")
}

// TestRelease: a file goes back to where it came from, and no sync takes it again.
func TestRelease(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	bad := "# hand off\napiVersion: vpc.githedgehog.com/v1beta1\nkind: [\n"
	q := &quarantine{t: t, store: store, p: pipelineOf(t, store.Serve(t), 2), files: map[string]string{
		"raw/sub/notes [1].txt": "n\n", "raw/two.yaml": vpc("v1beta1", "a", "", "", 1) + "---\n" + bad, "old/x.yaml": bad,
		"unmanaged/lost.yaml": bad, "raw/twice.yaml": bad, ".fgdignore": "!/raw/**\r\n# mine",
	}}
	q.ingest(asUsual)
	release := func(paths ...string) bool {
		return q.ingest(func(r *pipeline.Request) { r.Release = paths })
	}
	before := maps.Clone(q.files)
	q.files["raw/twice.yaml"] = "other: [\n" // comes to the place that the other has to go back to
	if !release("unmanaged/sub/notes [1].txt", "unmanaged/two.doc-1.yaml", "unmanaged/old/x.yaml", "unmanaged/lost.yaml",
		"unmanaged/nothing.yaml") {
		t.Fatal("nothing was released")
	}
	q.requireFindings("FGD_1001 raw/twice.yaml", "FGD_1019 unmanaged/nothing.yaml")
	for to, from := range map[string]string{
		"raw/sub/notes [1].txt": "unmanaged/sub/notes [1].txt", "raw/two.doc-1.yaml": "unmanaged/two.doc-1.yaml",
		"old/x.yaml": "unmanaged/old/x.yaml", "raw/lost.yaml": "unmanaged/lost.yaml",
	} {
		if q.files[to] != before[from] || before[from] == "" || q.files[from] != "" {
			t.Errorf("%s is %q, %s is %q", to, q.files[to], from, q.files[from])
		}
	}
	want := "!/raw/**\r\n# mine\r\n/raw/sub/notes \\[1].txt\r\n/raw/two.doc-1.yaml\r\n/old/x.yaml\r\n/raw/lost.yaml\r\n"
	if got := q.files[".fgdignore"]; got != want {
		t.Errorf(".fgdignore is %q, not %q", got, want)
	}
	if n := strings.Count(q.files[".hnp/archive-log.yaml"], "action: released"); n != 4 {
		t.Errorf("%d releases are noted in\n%s", n, q.files[".hnp/archive-log.yaml"])
	}
	if q.ingest(asUsual) || q.ingest(again) || release("unmanaged/lost.yaml") {
		t.Errorf("it does not come to rest: %v", q.files)
	}
	q.requireFindings("FGD_1019 unmanaged/lost.yaml")
}

// TestReleaseRefused: what can't go back stays, and does not keep others.
func TestReleaseRefused(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	bad := "kind: [\n"
	q := &quarantine{
		t: t, store: store, p: pipelineOf(t, store.Serve(t), 2),
		files: map[string]string{"raw/a.yaml": bad, "raw/b.yaml": bad + "\n", "raw/c.yaml": bad + "\n\n"},
	}
	q.ingest(asUsual)
	q.files[".fgdignore"] = "/raw/a.yaml\n/raw/b.yaml\n"
	q.files["raw/a.yaml"], q.files["raw/b.yaml/x.txt"] = "else\n", "a folder\n"
	q.ingest(func(r *pipeline.Request) {
		r.Release = []string{"unmanaged/a.yaml", "unmanaged/b.yaml", "unmanaged/c.yaml"}
	})
	q.requireFindings("FGD_1020 unmanaged/a.yaml", "FGD_1020 unmanaged/b.yaml")
	if q.files["unmanaged/a.yaml"] != bad || q.files["raw/a.yaml"] != "else\n" || q.files["unmanaged/b.yaml"] == "" ||
		q.files["raw/c.yaml"] == "" {
		t.Errorf("released: %v", q.files)
	}
}

// TestNothingIsReleasedIntoAFileThatCantBeObeyed: the file would be taken again.
func TestNothingIsReleasedIntoAFileThatCantBeObeyed(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	q := &quarantine{
		t: t, store: store, p: pipelineOf(t, store.Serve(t), 2), files: map[string]string{"raw/a.yaml": "kind: [\n"},
	}
	q.ingest(asUsual)
	q.files[".fgdignore"] = "keep[\n"
	if q.ingest(func(r *pipeline.Request) { r.Release = []string{"unmanaged/a.yaml"} }) {
		t.Errorf("released: %v", q.files)
	}
	q.requireFindings("FGD_1020 .fgdignore", "FGD_1046 .fgdignore")
}

// TestReleaseIntoAFolder: where .fgdignore is a folder, nothing is released, and the rest is ingested.
func TestReleaseIntoAFolder(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	q := &quarantine{
		t: t, store: store, p: pipelineOf(t, store.Serve(t), 2),
		files: map[string]string{"raw/a.yaml": "kind: [\n", ".fgdignore/x": "mine"},
	}
	q.ingest(asUsual)
	q.files["raw/b.yaml"] = vpc("v1beta1", "b", "", "", 1)
	q.ingest(func(r *pipeline.Request) { r.Release = []string{"unmanaged/a.yaml"} })
	q.requireFindings("FGD_1020 .fgdignore", "FGD_1046 .fgdignore")
	if q.files["unmanaged/a.yaml"] == "" || q.files["managed/vpcs/b.yaml"] == "" || q.files[".fgdignore/x"] != "mine" {
		t.Errorf("released: %v", q.files)
	}
}

// requireFindings holds what the last ingestion found, as "CODE file".
func (q *quarantine) requireFindings(want ...string) {
	q.t.Helper()
	var found []string
	for _, f := range q.findings {
		if !f.Warning {
			found = append(found, f.Code.ID+" "+f.File)
		}
	}
	slices.Sort(found)
	if !slices.Equal(found, want) {
		q.t.Errorf("found %q, not %q", found, want)
	}
}

// TestReferences: one choice warns, one quarantines what is new and hangs on it, one does not look.
func TestReferences(t *testing.T) {
	t.Parallel()
	attachment := "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPCAttachment\nmetadata:\n  name: %s\nspec:\n  " +
		"connection: %s\n  subnet: a/default\n"
	files := map[string]string{
		"raw/a.yaml":                      vpc("v1beta1", "a", "", "", 1),
		"raw/x.yaml":                      fmt.Sprintf(attachment, "x", "nothing"),
		"managed/vpcattachments/old.yaml": fmt.Sprintf(attachment, "old", "nothing"),
	}
	for choice, want := range map[pipeline.References]struct{ warnings, managed int }{
		pipeline.ReferencesWarn: {2, 3}, pipeline.ReferencesReject: {1, 2}, pipeline.ReferencesOff: {0, 3},
	} {
		store := treestore.New()
		q := &quarantine{t: t, store: store, p: pipelineOf(t, store.Serve(t), 2), files: maps.Clone(files)}
		snapshot, tree := store.Open(files)
		r := request(gittree.Ref{Snapshot: snapshot, ID: tree}, plan.Options{})
		r.References = choice
		result, err := q.p.Ingest(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		warnings, rejected := 0, 0
		for _, f := range result.Findings {
			switch {
			case f.Code == errs.ReferenceMissing && f.Warning:
				warnings++
			case f.Code == errs.ReferenceMissing:
				rejected++
			}
		}
		if warnings != want.warnings || len(result.Plan.Resources) != want.managed || rejected != 3-want.managed {
			t.Errorf("choice %d: %d warnings, %d rejected, %d resources: %+v", choice, warnings, rejected,
				len(result.Plan.Resources), result.Findings)
		}
		store.Close(snapshot)
	}
}

// TestRetryLaw: trying again and releasing lose nothing and come to rest.
func TestRetryLaw(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	p := pipelineOf(t, store.Serve(t), 2)
	rapid.Check(t, func(r *rapid.T) {
		q := &quarantine{t: t, store: store, p: p, files: drawDirectory(r)}
		q.ingest(asUsual)
		for p := range q.files {
			if strings.HasPrefix(p, "unmanaged/") && rapid.Bool().Draw(r, "mend "+p) {
				q.files[p] = drawFile(r)
			}
		}
		before := maps.Clone(q.files)
		snapshot, tree := store.Open(before)
		defer store.Close(snapshot)
		req := request(gittree.Ref{Snapshot: snapshot, ID: tree}, plan.Options{})
		req.Retry = rapid.Bool().Draw(r, "retry")
		for _, p := range slices.Sorted(maps.Keys(before)) {
			if !strings.HasPrefix(p, "unmanaged/") {
				continue
			}
			switch rapid.IntRange(0, 3).Draw(r, "wish for "+p) {
			case 0:
				req.Release = append(req.Release, p)
			case 1:
				req.RetryOf = append(req.RetryOf, p)
			}
		}
		req.References = rapid.SampledFrom([]pipeline.References{
			pipeline.ReferencesWarn, pipeline.ReferencesReject,
			pipeline.ReferencesOff,
		}).Draw(r, "references")
		result, err := p.Ingest(t.Context(), req)
		if err != nil {
			r.Fatal(err)
		}
		lost := &collector{TB: t}
		requireNothingLost(lost, before, store.Files(result.Tree), result)
		if lost.text != "" {
			r.Fatalf("%s\nafter: %v", lost.text, store.Files(result.Tree))
		}
		q.files = maps.Clone(store.Files(result.Tree))
		sameReferences := func(again *pipeline.Request) { again.References = req.References }
		if len(req.Release) > 0 {
			q.ingest(sameReferences) // what could not be released was not judged, although it may have been mended
		}
		if q.ingest(sameReferences) {
			r.Fatalf("it does not come to rest: %v\nbut %v", store.Files(result.Tree), q.files)
		}
		// What is said about a document names the others' paths, which change when files with several are taken apart.
		for round := 0; q.ingest(again); round++ {
			if round == 2 {
				r.Fatalf("trying again does not come to rest: %v", q.files)
			}
		}
	})
}

// TestOriginalsKeptInQuarantine: what is left beside a file that was mended in quarantine is no file in quarantine: no
// sync warns of it, and no list has it.
func TestOriginalsKeptInQuarantine(t *testing.T) {
	t.Parallel()
	for _, archive := range []plan.Archive{plan.ArchiveRename, plan.ArchiveBackup} {
		store := treestore.New()
		q := &quarantine{
			t: t, store: store, p: pipelineOf(t, store.Serve(t), 2),
			files: map[string]string{"raw/b.yaml": vpc("v1beta1", "b", "", "", "not a number")},
		}
		keeping := func(r *pipeline.Request) { r.Plan.Archive = archive }
		q.ingest(keeping)
		q.files["unmanaged/b.yaml"] = vpc("v1beta1", "b", "", "", 2)
		q.ingest(keeping)
		var originals []string
		for p := range q.files {
			if strings.HasPrefix(p, "unmanaged/") {
				originals = append(originals, p)
			}
		}
		if len(originals) != 1 || originals[0] == "unmanaged/b.yaml" {
			t.Errorf("kept: %q", originals)
		}
		if q.ingest(keeping) || len(q.findings) > 0 {
			t.Errorf("the next ingestion changes something, or says %+v", q.findings)
		}
		snapshot, tree := store.Open(q.files)
		listed, err := q.p.Quarantine(t.Context(), gittree.Ref{Snapshot: snapshot, ID: tree})
		if err != nil || len(listed) > 0 {
			t.Errorf("in quarantine: %+v, %v", listed, err)
		}
	}
}
