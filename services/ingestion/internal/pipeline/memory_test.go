package pipeline_test

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"fgdsync.dev/libs/testkit/treestore"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"pgregory.net/rapid"
)

// TestMemoryLaw: whoever remembers comes to the same as whoever reads everything, whatever was seen before.
func TestMemoryLaw(t *testing.T) {
	store := treestore.New()
	client := store.Serve(t)
	rapid.Check(t, func(r *rapid.T) {
		remembering := pipelineOf(t, client, 2)
		options := plan.Options{
			Conflict:          rapid.SampledFrom([]plan.Conflict{plan.ConflictUpdate, plan.ConflictKeep, plan.ConflictQuarantine}).Draw(r, "conflict"),
			QuarantineManaged: rapid.Bool().Draw(r, "quarantine managed"),
		}
		files := drawDirectory(r)
		for range rapid.IntRange(2, 4).Draw(r, "rounds") {
			snapshot, tree := store.Open(files)
			at := pipeline.Tree{Snapshot: snapshot, ID: tree}
			known, read := ingest(t, remembering, at, options), ingest(t, pipelineOf(t, client, 2), at, options)
			if known.Tree != read.Tree {
				r.Fatalf("memory makes a difference: %v\nin %v", differences(store.Files(read.Tree), store.Files(known.Tree)), files)
			}
			if !reflect.DeepEqual(known.Findings, read.Findings) || !reflect.DeepEqual(known.Plan.Resources, read.Plan.Resources) ||
				known.Documents != read.Documents || known.Files != read.Files {
				r.Fatalf("memory makes another report: %+v, not %+v", known, read)
			}
			store.Close(snapshot)
			files = overlay(store.Files(known.Tree), drawDirectory(r))
		}
	})
}

// overlay adds files, but for those that would stand where a folder is.
func overlay(files, more map[string]string) map[string]string {
	out := maps.Clone(files)
	for p, content := range more {
		taken := false
		for other := range out {
			taken = taken || strings.HasPrefix(other, p+"/") || strings.HasPrefix(p, other+"/")
		}
		if !taken {
			out[p] = content
		}
	}
	return out
}

// TestMemoryReadsOnlyWhatChanged: of an unchanged directory nothing is read, of a changed one what changed.
func TestMemoryReadsOnlyWhatChanged(t *testing.T) {
	trees := &recording{memoryTrees: newMemoryTrees(inRaw(wiring(100), 10))}
	p := benchPipeline(t, trees)
	request := request(pipeline.Tree{ID: "before"}, plan.Options{})
	ingestFrom := func(m *memoryTrees) (reads int) {
		t.Helper()
		trees.memoryTrees, trees.reads = m, 0
		if result, err := p.Ingest(t.Context(), request); err != nil || len(result.Plan.Resources) < 100 {
			t.Fatalf("%+v, %v", result, err)
		}
		return trees.reads
	}
	if reads := ingestFrom(trees.memoryTrees); reads != 10 {
		t.Errorf("%d files read at first", reads)
	}
	managed := trees.apply(trees.changes)
	if reads := ingestFrom(managed); reads != 100 {
		t.Errorf("%d managed files read, of which none is known", reads)
	}
	if reads := ingestFrom(managed); reads != 0 {
		t.Errorf("%d files read again", reads)
	}
	changed := managed.with("raw/new.yaml", vpc("v1beta1", "new", "", "", 7))
	if reads := ingestFrom(changed); reads != 2 {
		t.Errorf("%d files read for one new, and the log that notes it", reads)
	}
}
