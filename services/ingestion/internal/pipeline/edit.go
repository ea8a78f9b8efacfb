package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/rewrite"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/stage"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// Edit is a change of one resource.
type Edit struct {
	ID     hedgehog.ResourceID // its group may be empty where the kind is known
	Match  string              // blob that its file has to be; empty for any
	New    bool                // it must not be there
	Says   *rewrite.Content    // what it shall say; nil for another change
	Patch  []byte              // a JSON merge patch; nil for another change
	Delete bool
}

// Effect is what an edit does.
type Effect int

// Effects. Of edits that are made together none has one when another one has a problem.
const (
	NotMade Effect = iota
	EditCreates
	EditUpdates
	EditDeletes
	EditChangesNothing
)

// Edited is what became of an edit.
type Edited struct {
	ID      hedgehog.ResourceID
	Effect  Effect
	Path    string // of its file; where a new one waits to be ingested, until it is
	Blob    string // of its file as it was; empty when there was none
	Problem *finding.Finding
}

// Edits are edits that are made together, all of them or none.
type Edits struct {
	Tree       gittree.Ref
	Schema     schema.Options
	References References
	Edits      []Edit
}

// Edit makes edits, and returns the new tree.
func (p *Pipeline) Edit(ctx context.Context, req Edits) (string, []Edited, error) {
	e, err := p.editor(ctx, req.Tree, req.Schema)
	if err != nil {
		return "", nil, err
	}
	out, failed := make([]Edited, len(req.Edits)), false
	for i := range req.Edits {
		if out[i], err = e.edit(ctx, &req.Edits[i]); err != nil {
			return "", nil, err
		}
		failed = failed || out[i].Problem != nil
	}
	changes := e.staged.Changes()
	if !failed && len(changes) > 0 && req.References == ReferencesReject {
		failed = e.keepReferences(out)
	}
	if failed {
		for i := range out {
			out[i].Effect = NotMade
		}
	}
	if failed || len(changes) == 0 {
		return req.Tree.ID, out, nil
	}
	made, err := p.Trees.Write(ctx, req.Tree, changes)
	if err != nil {
		return "", nil, fmt.Errorf("write tree: %w", err)
	}
	return made, out, nil
}

// editor makes edits in a staged tree.
type editor struct {
	*Pipeline
	snapshot  string
	reader    *document.Reader
	parser    *yamldoc.Parser
	staged    *stage.Tree
	files     []document.File                   // of managed/, as they were
	held      []document.Held                   // what is in them and can't be read
	rewritten map[string]*document.File         // by path, as the edits leave them; nil for one that is gone
	holders   map[hedgehog.ResourceID]judgement // the managed files of resources
	blocked   map[hedgehog.ResourceID]judgement // files for which resources can't be edited, and why
}

func (p *Pipeline) editor(ctx context.Context, tree gittree.Ref, options schema.Options) (*editor, error) {
	found, err := p.scan(ctx, tree, Request{})
	if err != nil {
		return nil, err
	}
	e := &editor{
		Pipeline: p, snapshot: tree.Snapshot, parser: yamldoc.NewParser(p.Limits),
		staged: stage.New(found.entries, found.others), holders: map[hedgehog.ResourceID]judgement{},
		blocked: map[hedgehog.ResourceID]judgement{}, rewritten: map[string]*document.File{},
		reader: document.NewReader(document.Settings{
			Schemas: p.Schemas, Options: options, Limits: p.Limits, Many: p.MaxDocuments,
		}),
	}
	req := Request{Tree: tree, Schema: options, Notify: func(Progress) error { return nil }}
	files, release, err := p.judge(ctx, req, e.reader, managedOf(found.Sources))
	defer release()
	if err != nil {
		return nil, err
	}
	all, err := p.sayWhatIs(found, e.reader, files)
	if err != nil {
		return nil, err
	}
	e.find(all)
	e.files, e.held = files, document.FindHeld(files, nil, p.Schemas)
	for _, held := range e.held {
		e.block(held.ID, held.File, held.Finding())
	}
	return e, nil
}

// find finds the files of resources. One whose file holds several is in none that can be edited, and of two files that
// declare one resource a sync decides.
func (e *editor) find(all judgements) {
	for _, j := range all {
		for i := range j.file.Docs {
			id := j.file.Docs[i].Identity
			if !j.file.Alone() {
				e.block(id, j.file, *several(j.file))
				continue
			}
			other, there := e.holders[id]
			if there {
				e.block(id, j.file, finding.Finding{
					Code: errs.DuplicateResource, File: j.file.Path, Document: -1,
					Message: fmt.Sprintf("both %s and %s declare it", other.file.Path, j.file.Path),
					Remedy:  "Let a sync settle first which of the two it is.",
				})
			}
			if !there || j.problem == nil {
				e.holders[id] = j
			}
		}
	}
}

// block keeps a resource from being edited.
func (e *editor) block(id hedgehog.ResourceID, file *document.File, why finding.Finding) {
	if _, there := e.blocked[id]; !there {
		e.blocked[id] = judgement{file, &why}
	}
}

// locate returns the path of a resource's file, or the resource with why it has none of its own; neither when there is
// no such resource.
func (p *Pipeline) locate(ctx context.Context, wanted Wanted) (string, *Managed, error) {
	id, _, known := p.Schemas.Served(*wanted.Resource)
	if !known {
		return "", nil, nil
	}
	e, err := p.editor(ctx, wanted.Tree, wanted.Schema)
	if err != nil {
		return "", nil, err
	}
	if holder, there := e.holders[id]; there {
		return holder.file.Path, nil, nil
	}
	if j, there := e.blocked[id]; there {
		return "", &Managed{Path: j.file.Path, Blob: j.file.Blob, Identity: id, Problem: j.problem}, nil
	}
	return "", nil, nil
}

// edit makes one edit. Its error says that nothing can be told of it.
func (e *editor) edit(ctx context.Context, edit *Edit) (Edited, error) {
	id, apiVersion, known := e.Schemas.Served(edit.ID)
	out := Edited{ID: id}
	if !known {
		return out.refused(errs.UnsupportedResource, "%s is no kind of Hedgehog's that can be managed.", edit.ID.Kind), nil
	}
	if j, is := e.blocked[id]; is {
		out.Path = j.file.Path
		out = out.refused(errs.EditRefused, "%s can't be edited as %s is now: %s.", label(id), j.file.Path, j.problem.Message)
		out.Problem.Remedy = cmp.Or(j.problem.Remedy, j.problem.Code.Remedy)
		return out, nil
	}
	holder, there := e.holders[id]
	switch {
	case !there:
		return e.make(ctx, edit, out, apiVersion)
	case edit.New:
		return out.refused(errs.ResourceExists, "%s is there already, in %s.", label(id), holder.file.Path), nil
	}
	out.Path, out.Blob = holder.file.Path, holder.file.Blob
	switch {
	case edit.Match != "" && edit.Match != out.Blob:
		return out.refused(errs.ResourceChanged, "%s has changed: its file is %s by now, and not %s.", label(id), out.Blob,
			edit.Match), nil
	case edit.Delete:
		e.staged.Remove(out.Path)
		e.rewritten[out.Path] = nil
		out.Effect = EditDeletes
		return out, nil
	case holder.problem != nil:
		return out.refused(errs.EditRefused, "The file of %s can't be edited as it is: %s", label(id),
			holder.problem.Message), nil
	}
	return e.change(ctx, edit, out)
}

// make puts a new resource where an ingestion finds it.
func (e *editor) make(ctx context.Context, edit *Edit, out Edited, apiVersion string) (Edited, error) {
	switch {
	case edit.Match != "":
		return out.refused(errs.ResourceChanged, "%s is gone: its file was %s.", label(out.ID), edit.Match), nil
	case edit.Delete:
		out.Effect = EditChangesNothing
		return out, nil
	case edit.Says == nil:
		return out.refused(errs.ResourceNotFound, "The fabric has no %s.", label(out.ID)), nil
	}
	identity := rewrite.Identity{APIVersion: apiVersion, Kind: out.ID.Kind, Name: out.ID.Name}
	if out.ID.Namespace != schema.DefaultNamespace {
		identity.Namespace = out.ID.Namespace
	}
	content, err := rewrite.Compose(identity, *edit.Says)
	if err != nil {
		return out.refused(errs.EditRefused, "%s can't be written: %v.", label(out.ID), err), nil
	}
	base := strings.ToLower(out.ID.Kind) + "_" + out.ID.Namespace + "_" + out.ID.Name
	wanted := path.Join(layout.Raw, stage.Truncate(base, ".yaml"))
	out.Path, out.Effect = e.staged.FreePath(wanted, stage.BlobID(content), ".yaml"), EditCreates
	return e.judged(ctx, out, content)
}

// change makes the file of a resource say what is asked for.
func (e *editor) change(ctx context.Context, edit *Edit, out Edited) (Edited, error) {
	content, err := e.load(ctx, e.snapshot, out.Blob)
	if err != nil {
		return out, err
	}
	says := edit.Says
	if says == nil {
		now, err := e.saidIn(out.Path, content)
		if err != nil {
			return out.refused(errs.EditRefused, "%s can't be patched: %v.", label(out.ID), err), nil
		}
		if says, err = patched(now, edit.Patch); err != nil {
			return out.refused(errs.InvalidRequest, "%s can't be patched: %v.", label(out.ID), err), nil
		}
	}
	changed, err := rewrite.Apply(content, *says, keysOf(out.ID.Kind))
	if err != nil {
		return out.refused(errs.EditRefused, "The file %s can't be edited in its lines: %v.", out.Path, err), nil
	}
	if stage.BlobID(changed) == out.Blob {
		out.Effect = EditChangesNothing
		return out, nil
	}
	out.Effect = EditUpdates
	return e.judged(ctx, out, changed)
}

// keysOf tells the items of the lists of a kind apart.
func keysOf(kind string) rewrite.Keys {
	return func(path []string) []string { return hedgehog.KeyOf(kind, path) }
}

// judged stages a file when it is a valid resource, and the one that it is meant to be.
func (e *editor) judged(ctx context.Context, out Edited, content []byte) (Edited, error) {
	source := inventory.Source{Managed: out.Effect == EditUpdates}
	source.Path, source.Size = out.Path, int64(len(content))
	if source.Size > e.MaxFileBytes {
		return out.refused(errs.FileTooLarge, "The file of %s would have %d bytes; allowed are %d.", label(out.ID),
			source.Size, e.MaxFileBytes), nil
	}
	file := e.reader.Open(source, content)
	if file.Problem != nil {
		out.Problem, out.Effect = file.Problem, NotMade
		return out, nil
	}
	e.reader.Judge(ctx, e.parser, &file, 0)
	if doc := &file.Docs[0]; !doc.Valid {
		out.Problem, out.Effect = firstError(doc.Findings), NotMade
		return out, nil
	}
	e.staged.Put(out.Path, content, stage.BlobID(content))
	e.rewritten[out.Path] = &file
	return out, nil
}

func firstError(list []finding.Finding) *finding.Finding {
	for i := range list {
		if !list[i].Warning {
			return &list[i]
		}
	}
	return &finding.Finding{Code: errs.ValidationFailed, Document: -1, Message: "the resource would not be valid"}
}

// refused returns what became of an edit that can't be made.
func (out Edited) refused(code errs.Code, format string, args ...any) Edited {
	out.Effect, out.Problem = NotMade, &finding.Finding{
		Code: code, File: out.Path, Document: -1, Message: fmt.Sprintf(format, args...),
	}
	return out
}

func label(id hedgehog.ResourceID) string { return id.Kind + " " + id.Namespace + "/" + id.Name }
