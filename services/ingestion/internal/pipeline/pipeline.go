// Package pipeline ingests a tree: list, read, judge in parallel, plan, note, write. It holds the documents of one
// ingestion in memory; between two it only remembers what saves work. Whatever the number of workers, the order of
// arrival and what is remembered, equal input makes equal output.
package pipeline

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/dirlog"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/quarantine"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/stage"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// Trees is where trees are read and written.
type Trees interface {
	// Listing returns all leaves, and the paths that are none.
	Listing(ctx context.Context, tree gittree.Ref) (gittree.Listing, error)
	gittree.Reader
	// Write applies changes to a tree and returns the id of the new one.
	Write(ctx context.Context, base gittree.Ref, changes []gittree.Change) (string, error)
}

// Pipeline ingests trees. It is safe for concurrent use.
type Pipeline struct {
	Trees        Trees
	Schemas      *schema.Set
	Memory       *document.Memory // of files that were judged by these schemas and limits
	Noops        *NoopCache       // of trees in which there was nothing to do; may be nil
	Budget       *Budget          // for the files of all ingestions together; may be nil
	Limits       yamldoc.Limits
	MaxFileBytes int64
	MaxDocuments int // in a file, without a warning
	Workers      int
	BatchSize    int              // files between two progress reports
	Now          func() time.Time // for the pace of progress reports only
	Tracer       trace.Tracer
}

// Request is one ingestion.
type Request struct {
	Tree       gittree.Ref
	Fabric     string
	Plan       plan.Options
	Schema     schema.Options
	Commit     string
	Time       time.Time
	References References
	Last       *document.Last       // what the last sync left
	Retry      bool                 // files in unmanaged/ are ingested again
	RetryOf    []string             // these are
	Release    []string             // these are put back to where they came from
	Refresh    bool                 // nothing remembered counts
	Only       *[]string            // nothing but managed/ and these files is taken up; nil for all that waits
	wants      map[string]bool      // files whose bytes are needed, whatever is remembered of them
	Notify     func(Progress) error // called from one goroutine at a time
}

// Progress is how far an ingestion is.
type Progress struct {
	Files, TotalFiles, Documents int
	Current                      string
}

// Result is what an ingestion came to.
type Result struct {
	Tree      string
	Plan      *plan.Plan
	Findings  []finding.Finding // by their weight
	Counts    finding.Counts    // of all there are, those that are not listed included
	Files     int
	Documents int
	Released  []dirlog.Released
	Digest    string // of the resources
}

// Ingest ingests a tree.
func (p *Pipeline) Ingest(ctx context.Context, req Request) (*Result, error) {
	if result, known := p.Noops.recall(req); known {
		return result, req.Notify(Progress{Files: result.Files, TotalFiles: result.Files, Documents: result.Documents})
	}
	result, err := p.ingest(ctx, req)
	if err != nil {
		return nil, err
	}
	result.Digest = digest(result.Plan.Resources)
	p.Noops.keep(req, result)
	return result, nil
}

func (p *Pipeline) ingest(ctx context.Context, req Request) (*Result, error) {
	found, err := p.scan(ctx, req.Tree, req)
	if err != nil {
		return nil, err
	}
	if req.Only != nil {
		only := setOf(*req.Only)
		found.Sources = slices.DeleteFunc(found.Sources, func(s inventory.Source) bool { return !s.Managed && !only[s.Path] })
	}
	reader := document.NewReader(document.Settings{
		Schemas: p.Schemas, Options: req.Schema, Limits: p.Limits, Many: p.MaxDocuments, Fabric: req.Fabric, Time: req.Time,
	})
	files, release, err := p.judge(ctx, req, reader, found.Sources)
	defer release()
	if err != nil {
		return nil, err
	}
	result, changes, err := p.decide(ctx, req, reader, found, files)
	if err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		return result, nil
	}
	ctx, span := p.Tracer.Start(ctx, "write")
	defer span.End()
	if result.Tree, err = p.Trees.Write(ctx, req.Tree, changes); err != nil {
		return nil, fmt.Errorf("write tree: %w", err)
	}
	return result, nil
}

// judge returns all sources as judged files, which are held until release is called.
func (p *Pipeline) judge(ctx context.Context, req Request, reader *document.Reader,
	sources []inventory.Source,
) (files []document.File, release func(), err error) {
	ctx, span := p.Tracer.Start(ctx, "judge")
	defer span.End()
	return p.read(ctx, req, reader, sources)
}

// decide plans what to do with judged files, and what to change for it.
func (p *Pipeline) decide(ctx context.Context, req Request, reader *document.Reader, found scan,
	files []document.File,
) (*Result, []gittree.Change, error) {
	ctx, span := p.Tracer.Start(ctx, "plan")
	defer span.End()
	held := document.FindHeld(files, req.Last, p.Schemas)
	index := document.NewIndex(files, held)
	var order []int
	var sorting sync.WaitGroup
	sorting.Go(func() { order = index.Sorted() })
	crossReference(req.References, files, index, held)
	s := stage.New(found.entries, found.others)
	released, wishes := found.release(s, req)
	sorting.Wait()
	done, err := plan.Make(plan.Input{
		Files: files, Index: index, Order: order, Options: req.Plan, Time: req.Time,
		Held: held, Edited: req.Last.Edited, Meaning: reader.Meaning, Says: reader.Says, Comments: reader.Comments,
		Inherit: reader.Inherit,
	}, s)
	if err != nil {
		return nil, nil, err
	}
	var looking sync.WaitGroup
	looking.Go(done.FindDangling)
	logs := dirlog.Logs{
		Staged: s, Entries: found.entries, Known: found.log,
		Load: func(blob string) ([]byte, error) { return p.load(ctx, req.Tree.Snapshot, blob) },
	}
	err = logs.Update(done, released, dirlog.Origin{Commit: req.Commit, Time: req.Time})
	changes := s.Changes()
	looking.Wait()
	if err != nil {
		return nil, nil, err
	}
	result := &Result{
		Tree: req.Tree.ID, Plan: done, Released: released, Files: len(files),
		Documents: document.Documents(files),
	}
	result.Findings = slices.Concat(found.Findings, wishes, done.Findings, logs.Findings)
	finding.Sort(result.Findings)
	result.Counts = counts(result)
	return result, changes, nil
}

// counts returns how many findings there are of each code.
func counts(result *Result) finding.Counts {
	var all finding.Counts
	for i := range result.Findings {
		all.Add(result.Findings[i].Code, result.Findings[i].Warning, 1)
	}
	for _, item := range result.Plan.Items {
		for _, cut := range item.Cut() {
			all.Add(cut.Code, cut.Warning, cut.Number)
		}
	}
	return all
}

// Discover says what an ingestion of the tree would read.
func (p *Pipeline) Discover(ctx context.Context, tree gittree.Ref) (inventory.Inventory, error) {
	found, err := p.scan(ctx, tree, Request{})
	return found.Inventory, err
}

// Quarantine lists what is in quarantine.
func (p *Pipeline) Quarantine(ctx context.Context, tree gittree.Ref) ([]quarantine.File, error) {
	found, err := p.scan(ctx, tree, Request{})
	if err != nil {
		return nil, err
	}
	return quarantine.List(found.entries, found.log), nil
}

func (p *Pipeline) load(ctx context.Context, snapshot, blob string) ([]byte, error) {
	var out []byte
	err := p.Trees.Read(ctx, snapshot, []string{blob}, func(content []byte) error {
		out = content
		return nil
	})
	return out, err
}
