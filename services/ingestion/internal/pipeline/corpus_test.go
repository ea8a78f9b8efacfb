package pipeline_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/corpus"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/testkit/treestore"
)

// TestCorpus ingests every directory of every case: nothing is lost, and a second ingestion changes nothing.
func TestCorpus(t *testing.T) {
	t.Parallel()
	cases, err := os.ReadDir(corpus.Dir(t, "corpus", "cases"))
	if err != nil {
		t.Fatal(err)
	}
	store := newTrees(t)
	for _, c := range cases {
		root := filepath.Join(corpus.Dir(t, "corpus", "cases"), c.Name(), "tree")
		for _, dir := range fabricDirs(t, root) {
			t.Run(c.Name()+"/"+dir, func(t *testing.T) {
				t.Parallel()
				files := readFiles(t, filepath.Join(root, dir))
				for _, options := range []plan.Options{
					{},
					{QuarantineManaged: true, Archive: plan.ArchiveRename},
					{Conflict: plan.ConflictQuarantine, Archive: plan.ArchiveMove},
				} {
					store.ingestTwice(t, files, options)
				}
			})
		}
	}
}

func TestCorpusPreInit(t *testing.T) {
	t.Parallel()
	dir := corpus.Dir(t, "corpus", "cases", "gitops-test-1--pre-init-735989ad", "tree", "gitops", "hedgehog", "fabric-1")
	_, after := ingestTwice(t, readFiles(t, dir), plan.Options{})
	managed := 0
	for p := range after {
		switch {
		case strings.HasPrefix(p, "managed/"):
			managed++
		case strings.HasPrefix(p, ".hnp/"):
		default:
			t.Errorf("%s is left", p)
		}
	}
	if managed != 47 {
		t.Errorf("%d managed files, want 47", managed)
	}
}

// trees is a store of trees behind a server, for any number of pipelines at once.
type trees struct {
	*treestore.Store
	conn grpc.ClientConnInterface
}

func newTrees(t testing.TB) *trees {
	t.Helper()
	store := treestore.New()
	return &trees{store, store.Serve(t)}
}

func (s *trees) pipeline(t testing.TB, workers int) *pipeline.Pipeline {
	t.Helper()
	return pipelineOf(t, s.conn, workers)
}

// ingestTwice ingests files, holds the result to its promises, and returns it with the files afterwards.
func ingestTwice(t testing.TB, files map[string]string, options plan.Options) (*pipeline.Result, map[string]string) {
	t.Helper()
	return newTrees(t).ingestTwice(t, files, options)
}

func (s *trees) ingestTwice(t testing.TB, files map[string]string, options plan.Options) (
	*pipeline.Result, map[string]string,
) {
	t.Helper()
	store, p := s.Store, s.pipeline(t, 2)
	snapshot, tree := store.Open(files)
	first := ingest(t, p, gittree.Ref{Snapshot: snapshot, ID: tree}, options)
	after := store.Files(first.Tree)
	requireNothingLost(t, files, after, first)
	again := ingest(t, p, gittree.Ref{Snapshot: snapshot, ID: first.Tree}, options)
	if again.Tree != first.Tree {
		t.Errorf("a second ingestion changes the tree: %v", differences(after, store.Files(again.Tree)))
	}
	if !reflect.DeepEqual(first.Plan.Resources, again.Plan.Resources) {
		t.Errorf("a second ingestion sees other resources")
	}
	return first, after
}

// newPipeline returns a pipeline that has no trees.
func newPipeline(t testing.TB) *pipeline.Pipeline {
	t.Helper()
	return pipelineOf(t, nil, 1)
}

func pipelineOf(t testing.TB, trees grpc.ClientConnInterface, workers int) *pipeline.Pipeline {
	t.Helper()
	memory, err := document.NewMemory(10_000)
	if err != nil {
		t.Fatal(err)
	}
	client, err := gittree.NewClient(trees, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return &pipeline.Pipeline{
		Memory: memory, Trees: client, Schemas: schemas(t), Limits: limits, MaxFileBytes: 10 << 20, MaxDocuments: 100,
		BatchSize: 50, Workers: workers, Now: time.Now, Tracer: noop.NewTracerProvider().Tracer(""),
	}
}

var commitTime = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func ingest(t testing.TB, p *pipeline.Pipeline, tree gittree.Ref, options plan.Options) *pipeline.Result {
	t.Helper()
	result, err := p.Ingest(t.Context(), request(tree, options))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func differences(a, b map[string]string) []string {
	var out []string
	for p := range a {
		if b[p] != a[p] {
			out = append(out, "- "+p)
		}
	}
	for p := range b {
		if a[p] != b[p] {
			out = append(out, "+ "+p)
		}
	}
	slices.Sort(out)
	return out
}

// fabricDirs finds what to take for fabric directories: those of gitops/hedgehog, else every folder that holds YAML.
func fabricDirs(t testing.TB, root string) []string {
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(p string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		dir := path.Dir(rel)
		if rest, found := strings.CutPrefix(rel, "gitops/hedgehog/"); found {
			name, _, _ := strings.Cut(rest, "/")
			dir = "gitops/hedgehog/" + name
		}
		seen[dir] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for dir := range seen {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return append(dirs, ".")
}

func readFiles(t testing.TB, dir string) map[string]string {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		files[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
