package pipeline_test

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/testkit/treestore"
)

// TestMemoryLaw: whoever remembers comes to the same as whoever reads everything, whatever was seen before.
func TestMemoryLaw(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := store.Serve(t)
	rapid.Check(t, func(r *rapid.T) {
		remembering := pipelineOf(t, client, 2)
		remembering.Noops = noopCache(t)
		options := plan.Options{
			Conflict: rapid.SampledFrom([]plan.Conflict{
				plan.ConflictUpdate, plan.ConflictKeep,
				plan.ConflictQuarantine,
			}).Draw(r, "conflict"),
			QuarantineManaged: rapid.Bool().Draw(r, "quarantine managed"),
		}
		files := drawDirectory(r)
		for range rapid.IntRange(2, 4).Draw(r, "rounds") {
			snapshot, tree := store.Open(files)
			at := gittree.Ref{Snapshot: snapshot, ID: tree}
			if rapid.Bool().Draw(r, "twice") {
				ingest(t, remembering, at, options)
			}
			known, read := ingest(t, remembering, at, options), ingest(t, pipelineOf(t, client, 2), at, options)
			if known.Tree != read.Tree {
				r.Fatalf("memory makes a difference: %v\nin %v", differences(store.Files(read.Tree), store.Files(known.Tree)),
					files)
			}
			if !reflect.DeepEqual(known.Findings, read.Findings) ||
				!reflect.DeepEqual(known.Plan.Resources, read.Plan.Resources) ||
				known.Documents != read.Documents || known.Files != read.Files {
				r.Fatalf("memory makes another report: %+v, not %+v", known, read)
			}
			store.Close(snapshot)
			files = overlay(store.Files(known.Tree), drawDirectory(r))
		}
	})
}

func noopCache(t *testing.T) *pipeline.NoopCache {
	t.Helper()
	memory, err := pipeline.NewNoopCache(10_000)
	if err != nil {
		t.Fatal(err)
	}
	return memory
}

// TestNoopCache: a tree in which there is nothing to do is not even listed again, unless somebody asks for it. Other
// options are another question.
func TestNoopCache(t *testing.T) {
	t.Parallel()
	trees := &recording{memoryTrees: newMemoryTrees(inRaw(wiring(100), 10))}
	p := benchPipeline(t, trees)
	p.Noops = noopCache(t)
	first := ingest(t, p, gittree.Ref{ID: "before"}, plan.Options{})
	trees.memoryTrees = trees.apply(trees.changes)
	second := ingest(t, p, gittree.Ref{ID: "after"}, plan.Options{})
	listed := trees.lists
	third := ingest(t, p, gittree.Ref{ID: "after"}, plan.Options{})
	if trees.lists != listed || third.Digest != second.Digest || len(third.Plan.Resources) != 100 ||
		!reflect.DeepEqual(third.Findings, second.Findings) {
		t.Errorf("listed %d times; %+v, not %+v", trees.lists-listed, third, second)
	}
	if first.Digest == "" || second.Digest != first.Digest {
		t.Errorf("the resources of the same fabric: %s and %s", first.Digest, second.Digest)
	}
	for name, change := range map[string]func(*pipeline.Request){
		"refresh": func(r *pipeline.Request) { r.Refresh = true },
		"retry":   func(r *pipeline.Request) { r.Retry = true },
		"fabric":  func(r *pipeline.Request) { r.Fabric = "other" },
		"options": func(r *pipeline.Request) { r.Plan.QuarantineManaged = true },
		"schema":  func(r *pipeline.Request) { r.Schema.RejectUnknown = true },
		"tree":    func(r *pipeline.Request) { r.Tree.ID = "another" },
	} {
		listed, again := trees.lists, request(gittree.Ref{ID: "after"}, plan.Options{})
		change(&again)
		if _, err := p.Ingest(t.Context(), again); err != nil || trees.lists != listed+1 {
			t.Errorf("%s: listed %d times, %v", name, trees.lists-listed, err)
		}
	}
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
	t.Parallel()
	trees := &recording{memoryTrees: newMemoryTrees(inRaw(wiring(100), 10))}
	p := benchPipeline(t, trees)
	request := request(gittree.Ref{ID: "before"}, plan.Options{})
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
