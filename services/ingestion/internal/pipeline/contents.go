package pipeline

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/references"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/stage"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// Wanted is whose contents are read.
type Wanted struct {
	Tree   gittree.Ref
	Schema schema.Options
	Paths  []string // only these files; all of managed/ when there are none
	// Resource is the only one that is read; nil for no such bound. Its group may be empty.
	Resource *hedgehog.ResourceID
}

// Managed is a file of managed/, and what it says.
type Managed struct {
	Path, Blob string
	Identity   hedgehog.ResourceID // zero when it can't be read
	document.Content
	Facts   *references.Facts // what it says about others, where its kind has some
	Problem *finding.Finding  // why it is no valid resource; nil when it is one
}

// Contents hands what the files of managed/ say to visit, in path order. What is valid, and which of two files that
// declare one resource counts, is what an ingestion of managed/ alone would decide. What is remembered of a file never
// stands in for its content.
func (p *Pipeline) Contents(ctx context.Context, wanted Wanted, visit func(*Managed) error) error {
	if wanted.Resource != nil {
		path, blocked, err := p.locate(ctx, wanted)
		switch {
		case err != nil:
			return err
		case blocked != nil:
			return visit(blocked)
		case path == "":
			return nil
		}
		wanted.Paths = []string{path}
	}
	req := Request{
		Tree: wanted.Tree, Schema: wanted.Schema, Refresh: len(wanted.Paths) == 0, wants: setOf(wanted.Paths),
		Notify: func(Progress) error { return nil },
	}
	found, err := p.scan(ctx, wanted.Tree, Request{})
	if err != nil {
		return err
	}
	reader := document.NewReader(document.Settings{
		Schemas: p.Schemas, Options: wanted.Schema, Limits: p.Limits, Many: p.MaxDocuments,
	})
	files, release, err := p.judge(ctx, req, reader, managedOf(found.Sources))
	defer release()
	if err != nil {
		return err
	}
	all, err := p.sayWhatIs(found, reader, files)
	if err != nil {
		return err
	}
	if len(wanted.Paths) > 0 {
		all = all.only(req.wants)
	}
	return p.contents(ctx, reader, all, visit)
}

func managedOf(sources []inventory.Source) []inventory.Source {
	var managed []inventory.Source
	for _, source := range sources {
		if source.Managed {
			managed = append(managed, source)
		}
	}
	return managed
}

// judgement is a file, and why it is no valid resource.
type judgement struct {
	file    *document.File
	problem *finding.Finding
}

type judgements []judgement

func (js judgements) only(paths map[string]bool) judgements {
	var out judgements
	for _, j := range js {
		if paths[j.file.Path] {
			out = append(out, j)
		}
	}
	return out
}

// sayWhatIs lets a plan decide which files of managed/ are what they are for.
func (p *Pipeline) sayWhatIs(found scan, reader *document.Reader, files []document.File) (judgements, error) {
	held := document.FindHeld(files, nil, p.Schemas)
	index := document.NewIndex(files, held)
	var nothing *document.Last
	done, err := plan.Make(plan.Input{
		Files: files, Index: index, Order: index.Sorted(), Held: held, Edited: nothing.Edited, Meaning: reader.Meaning,
		Says: reader.Says, Comments: reader.Comments, Inherit: reader.Inherit,
	}, stage.New(found.entries, found.others))
	if err != nil {
		return nil, err
	}
	winners := map[hedgehog.ResourceID]string{}
	for _, item := range done.Items {
		if isKept(item) {
			winners[item.Doc.Identity] = item.File.Path
		}
	}
	all, places := make(judgements, len(files)), make(map[*document.File]int, len(files))
	for i := range files {
		all[i].file, places[&files[i]] = &files[i], i
		if problem := several(&files[i]); problem != nil {
			all[i].problem = problem
		}
	}
	for _, item := range done.Items {
		if j := &all[places[item.File]]; !isKept(item) && (j.problem == nil || item.Doc == nil || !item.Doc.Valid) {
			j.problem = reason(item, winners)
		}
	}
	return all, nil
}

// isKept reports whether a document is the managed one of its resource.
func isKept(item *plan.Item) bool {
	return item.Doc != nil && item.Doc.Valid && item.Outcome != plan.Quarantined && item.Outcome != plan.Duplicate
}

// several says that a file holds more than one resource, which an ingestion would take apart.
func several(file *document.File) *finding.Finding {
	if file.Problem != nil || file.Alone() {
		return nil
	}
	return &finding.Finding{
		Code: errs.ManagedMoved, File: file.Path, Document: -1,
		Message: "the file holds several resources, or a list of them", Remedy: "Let a sync give each a file of its own.",
	}
}

// reason says why an item is not the managed document of its resource.
func reason(item *plan.Item, winners map[hedgehog.ResourceID]string) *finding.Finding {
	if item.Outcome != plan.Duplicate {
		return &item.Reason
	}
	id := item.Doc.Identity
	return &finding.Finding{
		Code: errs.DuplicateResource, File: item.File.Path, Document: item.Doc.Number, Line: item.Doc.Line, Column: 1,
		Message: fmt.Sprintf("%s %s/%s is in %s too, which is the managed one", id.Kind, id.Namespace, id.Name, winners[id]),
	}
}

// Bounds of what is written out before it is handed on.
const (
	batchFiles = 200
	batchBytes = 1 << 20
)

// contents writes out what files say, some at once, and hands it on in their order.
func (p *Pipeline) contents(ctx context.Context, reader *document.Reader, all judgements,
	visit func(*Managed) error,
) error {
	for len(all) > 0 {
		n, size := 0, int64(0)
		for n < len(all) && n < batchFiles && (n == 0 || size+all[n].file.Size <= batchBytes) {
			size += all[n].file.Size
			n++
		}
		batch := make([]*Managed, n)
		if err := p.writeOut(ctx, reader, all[:n], batch); err != nil {
			return err
		}
		for _, managed := range batch {
			if err := visit(managed); err != nil {
				return err
			}
		}
		all = all[n:]
	}
	return nil
}

func (p *Pipeline) writeOut(ctx context.Context, reader *document.Reader, all judgements, out []*Managed) error {
	workers := min(max(1, p.Workers), len(all))
	group, ctx := errgroup.WithContext(ctx)
	for worker := range workers {
		group.Go(func() error {
			parser := yamldoc.NewParser(p.Limits)
			for i := worker; i < len(all); i += workers {
				if err := ctx.Err(); err != nil {
					return err
				}
				out[i] = all[i].say(reader, parser)
			}
			return nil
		})
	}
	return group.Wait()
}

// say returns what a file says.
func (j *judgement) say(reader *document.Reader, parser *yamldoc.Parser) *Managed {
	managed := &Managed{Path: j.file.Path, Blob: j.file.Blob, Problem: j.problem}
	if j.file.Problem != nil || !j.file.Alone() {
		return managed
	}
	doc := &j.file.Docs[0]
	managed.Identity, managed.Facts = doc.Identity, doc.Facts
	if j.problem == nil {
		managed.Content, managed.Problem = reader.Content(parser, j.file, doc)
	}
	return managed
}
