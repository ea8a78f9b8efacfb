package pipeline_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/testkit/treestore"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"pgregory.net/rapid"
)

// quarantine is a directory that is ingested over and over.
type quarantine struct {
	t     *testing.T
	store *treestore.Store
	p     *pipeline.Pipeline
	files map[string]string
}

// ingest ingests the directory as it stands, and tells whether that changed it.
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
	q.files = maps.Clone(q.store.Files(result.Tree))
	return result.Tree != tree
}

func asUsual(*pipeline.Request) {}
func again(r *pipeline.Request) { r.Retry = true }

func TestMendedInQuarantine(t *testing.T) {
	store := treestore.New()
	bad := vpc("v1beta1", "b", "", "", "not a number")
	q := &quarantine{t, store, newPipeline(t, store, 2), map[string]string{"raw/two.yaml": vpc("v1beta1", "a", "", "", 1) + "---\n" + bad}}
	q.ingest(asUsual)
	const kept = "unmanaged/two.doc-1.yaml"
	if q.files[kept] != bad {
		t.Fatalf("quarantined: %v", q.files)
	}
	if q.ingest(asUsual) || q.ingest(again) {
		t.Error("what nobody touched has changed")
	}
	q.files[kept] = strings.Replace(bad, "not a number", "still none", 1)
	if !q.ingest(asUsual) || !strings.Contains(q.files[kept], "still none") || strings.Count(q.files[".hnp/unmanaged-log.yaml"], `path: "`+kept) != 1 {
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
	store := treestore.New()
	doc := vpc("v1beta1", "a", "", "", 1) + "  unheard: of\n"
	q := &quarantine{t, store, newPipeline(t, store, 2), map[string]string{"raw/a.yaml": doc, "unmanaged/notes.txt": "hands off\n", "unmanaged/old.yaml": vpc("v1beta1", "old", "", "", 3)}}
	q.ingest(func(r *pipeline.Request) { r.Schema.RejectUnknown = true })
	if q.files["unmanaged/a.yaml"] != doc {
		t.Fatalf("quarantined: %v", q.files)
	}
	if q.ingest(asUsual) {
		t.Errorf("it was ingested unasked: %v", q.files)
	}
	q.ingest(again)
	if q.files["unmanaged/a.yaml"] != "" || !strings.Contains(q.files["managed/vpcs/a.yaml"], "unheard: of") || q.files["managed/vpcs/old.yaml"] == "" || q.files["unmanaged/notes.txt"] == "" {
		t.Errorf("retried: %v", q.files)
	}
}

// TestReferences: one choice warns, one quarantines what is new and hangs on it, one does not look.
func TestReferences(t *testing.T) {
	attachment := "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPCAttachment\nmetadata:\n  name: %s\nspec:\n  connection: %s\n  subnet: a/default\n"
	files := map[string]string{
		"raw/a.yaml":                      vpc("v1beta1", "a", "", "", 1),
		"raw/x.yaml":                      fmt.Sprintf(attachment, "x", "nothing"),
		"managed/vpcattachments/old.yaml": fmt.Sprintf(attachment, "old", "nothing"),
	}
	for choice, want := range map[pipeline.References]struct{ warnings, managed int }{
		pipeline.ReferencesWarn: {2, 3}, pipeline.ReferencesReject: {1, 2}, pipeline.ReferencesOff: {0, 3},
	} {
		store := treestore.New()
		q := &quarantine{t, store, newPipeline(t, store, 2), maps.Clone(files)}
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
			t.Errorf("choice %d: %d warnings, %d rejected, %d resources: %+v", choice, warnings, rejected, len(result.Plan.Resources), result.Findings)
		}
		store.Close(snapshot)
	}
}

// TestRetryLaw: trying again loses nothing and comes to rest.
func TestRetryLaw(t *testing.T) {
	store := treestore.New()
	p := newPipeline(t, store, 2)
	rapid.Check(t, func(r *rapid.T) {
		q := &quarantine{t, store, p, drawDirectory(r)}
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
		req.References = rapid.SampledFrom([]pipeline.References{pipeline.ReferencesWarn, pipeline.ReferencesReject, pipeline.ReferencesOff}).Draw(r, "references")
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
		if q.ingest(func(again *pipeline.Request) { again.References = req.References }) {
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
