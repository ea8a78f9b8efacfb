package pipeline_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/splice"
	"fgdsync.dev/services/ingestion/internal/stage"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

const benchDocuments = 10_000

// memoryTrees holds one tree without gRPC, so that a benchmark shows what the ingestion itself costs.
type memoryTrees struct {
	entries []gittree.Entry
	blobs   map[string][]byte
}

func newMemoryTrees(files map[string]string) *memoryTrees {
	m := &memoryTrees{blobs: map[string][]byte{}}
	for p, content := range files {
		id := stage.BlobID([]byte(content))
		m.blobs[id] = []byte(content)
		m.entries = append(m.entries, gittree.Entry{Path: p, Blob: id, Size: int64(len(content))})
	}
	slices.SortFunc(m.entries, func(a, b gittree.Entry) int { return strings.Compare(a.Path, b.Path) })
	return m
}

func (m *memoryTrees) Listing(context.Context, gittree.Ref) (gittree.Listing, error) {
	return gittree.Listing{Entries: m.entries}, nil
}

func (m *memoryTrees) Read(_ context.Context, _ string, blobs []string, visit func([]byte) error) error {
	for _, id := range blobs {
		if err := visit(m.blobs[id]); err != nil {
			return err
		}
	}
	return nil
}

func (m *memoryTrees) Write(context.Context, gittree.Ref, []gittree.Change) (string, error) {
	return "after", nil
}

func (m *memoryTrees) apply(changes []gittree.Change) *memoryTrees {
	files := map[string]string{}
	for _, e := range m.entries {
		files[e.Path] = string(m.blobs[e.Blob])
	}
	for _, c := range changes {
		switch {
		case c.Remove:
			delete(files, c.Path)
		case c.Content != nil:
			files[c.Path] = string(c.Content)
		default:
			files[c.Path] = string(m.blobs[c.Blob])
		}
	}
	return newMemoryTrees(files)
}

// with returns the tree with one file more.
func (m *memoryTrees) with(p, content string) *memoryTrees {
	return m.apply([]gittree.Change{{Path: p, Content: []byte(content)}})
}

// recording keeps the changes of the last write, and counts the objects that are read and the trees that are listed.
type recording struct {
	*memoryTrees
	changes      []gittree.Change
	reads, lists int
}

func (r *recording) Listing(ctx context.Context, tree gittree.Ref) (gittree.Listing, error) {
	r.lists++
	return r.memoryTrees.Listing(ctx, tree)
}

func (r *recording) Read(ctx context.Context, snapshot string, blobs []string, visit func([]byte) error) error {
	r.reads += len(blobs)
	return r.memoryTrees.Read(ctx, snapshot, blobs, visit)
}

// benchPipeline is a pipeline over trees in memory, with two workers.
func benchPipeline(t testing.TB, trees pipeline.Trees) *pipeline.Pipeline {
	p := pipelineOf(t, nil, 2)
	p.Trees = trees
	return p
}

func (r *recording) Write(_ context.Context, _ gittree.Ref, changes []gittree.Change) (string, error) {
	r.changes = changes
	return "after", nil
}

func benchIngest(b *testing.B, p *pipeline.Pipeline) {
	req := request(gittree.Ref{Snapshot: "s", ID: "before"}, plan.Options{})
	b.ReportAllocs()
	for b.Loop() {
		result, err := p.Ingest(b.Context(), req)
		if err != nil || result.Documents != benchDocuments || len(result.Plan.Resources) != benchDocuments {
			b.Fatalf("%d documents, %v", result.Documents, err)
		}
	}
	b.ReportMetric(benchDocuments*float64(b.N)/b.Elapsed().Seconds(), "documents/s")
}

// BenchmarkIngest is the whole ingestion but for gRPC and the store of trees.
func BenchmarkIngest(b *testing.B) {
	docs := wiring(benchDocuments)
	b.Run("one file", func(b *testing.B) { benchIngest(b, benchPipeline(b, newMemoryTrees(inRaw(docs, benchDocuments)))) })
	b.Run("46 each", func(b *testing.B) { benchIngest(b, benchPipeline(b, newMemoryTrees(inRaw(docs, 46)))) })
	b.Run("single", func(b *testing.B) { benchIngest(b, benchPipeline(b, newMemoryTrees(inRaw(docs, 1)))) })
	b.Run("nothing new", func(b *testing.B) {
		trees := &recording{memoryTrees: newMemoryTrees(inRaw(docs, 46))}
		p := benchPipeline(b, trees)
		if _, err := p.Ingest(b.Context(), request(gittree.Ref{ID: "before"}, plan.Options{})); err != nil {
			b.Fatal(err)
		}
		trees.memoryTrees = trees.apply(trees.changes)
		benchIngest(b, p)
	})
}

// BenchmarkSteps shows where the time of a document goes.
func BenchmarkSteps(b *testing.B) {
	set := schemas(b)
	docs := wiring(100)
	all := strings.Join(docs, "---\n")
	each := func(b *testing.B, do func(doc []byte)) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			do([]byte(docs[i%len(docs)]))
		}
	}
	b.Run("split", func(b *testing.B) {
		for b.Loop() {
			yamldoc.Split([]byte(all))
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(docs)), "ns/document")
	})
	parser := yamldoc.NewParser(limits)
	b.Run("parse", func(b *testing.B) { each(b, func(doc []byte) { _, _ = parser.Parse(doc) }) })
	root, _ := yamldoc.Parse([]byte(docs[5]), limits)
	b.Run("check", func(b *testing.B) {
		for b.Loop() {
			set.Check(b.Context(), root, schema.Options{})
		}
	})
	b.Run("splice", func(b *testing.B) {
		for b.Loop() {
			_, _ = splice.Apply([]byte(docs[5]), root, splice.Edit{Annotations: []splice.Pair{splice.NewPair("a/b", "c")}})
		}
	})
	b.Run("hash", func(b *testing.B) { each(b, func(doc []byte) { stage.BlobID(doc) }) })
	reader := document.NewReader(document.Settings{
		Schemas: set, Limits: limits, Many: 100, Fabric: "fabric-1",
		Time: commitTime,
	})
	b.Run("judge", func(b *testing.B) {
		each(b, func(doc []byte) {
			file := reader.Open(inventory.Source{Entry: gittree.Entry{Path: "raw/a.yaml"}}, doc)
			reader.Judge(b.Context(), parser, &file, 0)
		})
	})
}

// BenchmarkContents is what it takes to read what ten thousand managed files say, and ten of them after a sync.
func BenchmarkContents(b *testing.B) {
	trees := &recording{memoryTrees: newMemoryTrees(inRaw(wiring(10_000), 46))}
	p := benchPipeline(b, trees)
	result, err := p.Ingest(b.Context(), request(gittree.Ref{ID: "before"}, plan.Options{}))
	if err != nil {
		b.Fatal(err)
	}
	trees.memoryTrees = trees.apply(trees.changes)
	if _, err := p.Ingest(b.Context(), request(gittree.Ref{ID: "after"}, plan.Options{})); err != nil {
		b.Fatal(err)
	}
	var ten []string
	for _, r := range result.Plan.Resources[:10] {
		ten = append(ten, r.Path)
	}
	for name, paths := range map[string][]string{"all": nil, "ten": ten} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				want := 10_000
				if paths != nil {
					want = len(paths)
				}
				if got := contents(b, p, gittree.Ref{ID: "after"}, paths...); len(got) != want || got[0].Problem != nil {
					b.Fatalf("%d files, %v", len(got), got[0].Problem)
				}
			}
		})
	}
}
