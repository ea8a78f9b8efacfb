package pipeline

import (
	"context"
	"fmt"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// Locate returns where the file of a resource is in a tree, empty when there is none, and the places in managed/ that
// one would have; nothing for a kind that is not known.
func (p *Pipeline) Locate(ctx context.Context, wanted Wanted) (path string, places []string, err error) {
	id, _, known := p.Schemas.Served(*wanted.Resource)
	if !known {
		return "", nil, nil
	}
	path, blocked, err := p.locate(ctx, wanted)
	if err != nil {
		return "", nil, err
	}
	if blocked != nil {
		path = blocked.Path
	}
	return path, plan.Places(id, p.Schemas.Plural(id.Group, id.Kind)), nil
}

// Version is a file as a commit has it.
type Version struct{ Path, Blob string }

// Versions hands what files say of a resource to visit, in their order: nil for one that does not declare it. Each is
// judged by itself. One that can't be read has no identity.
func (p *Pipeline) Versions(
	ctx context.Context, snapshot string, options schema.Options, id hedgehog.ResourceID, files []Version,
	visit func(*Managed) error,
) error {
	id, _, _ = p.Schemas.Served(id)
	v := versions{
		Pipeline: p, id: id, parser: yamldoc.NewParser(p.Limits),
		reader: document.NewReader(document.Settings{
			Schemas: p.Schemas, Options: options, Limits: p.Limits, Many: p.MaxDocuments,
		}),
	}
	for len(files) > 0 {
		read, err := v.readSome(ctx, snapshot, files, visit)
		files = files[read:]
		if errs.HasCode(err, errs.FileTooLarge) && len(files) > 0 {
			err = visit(tooLarge(files[0], errs.From(err).Message))
			files = files[1:]
		}
		if err != nil {
			return fmt.Errorf("read versions of files: %w", err)
		}
	}
	return nil
}

// tooLarge is what is said of a file that is too large to be read.
func tooLarge(version Version, message string) *Managed {
	return &Managed{Path: version.Path, Blob: version.Blob, Problem: &finding.Finding{
		Code: errs.FileTooLarge, File: version.Path, Document: -1, Message: message,
	}}
}

// versions reads files for one resource.
type versions struct {
	*Pipeline
	id     hedgehog.ResourceID
	reader *document.Reader
	parser *yamldoc.Parser
}

// readSome reads files up to the first one that can't be read, which it fails at, and returns how many that were.
func (v *versions) readSome(
	ctx context.Context, snapshot string, files []Version, visit func(*Managed) error,
) (read int, err error) {
	blobs := make([]string, len(files))
	for i, file := range files {
		blobs[i] = file.Blob
	}
	err = v.Trees.Read(ctx, snapshot, blobs, func(content []byte) error {
		read++
		return visit(v.read(ctx, files[read-1], content))
	})
	return read, err
}

// read returns what a file says of the resource.
func (v *versions) read(ctx context.Context, version Version, content []byte) *Managed {
	if size := int64(len(content)); size > v.MaxFileBytes {
		return tooLarge(version, fmt.Sprintf("the file has %d bytes, and %d are allowed", size, v.MaxFileBytes))
	}
	managed := &Managed{Path: version.Path, Blob: version.Blob}
	file := v.reader.Open(inventory.Source{
		Entry: gittree.Entry{Path: version.Path, Blob: version.Blob}, Managed: layout.Part(version.Path) == layout.Managed,
	}, content)
	if file.Problem != nil {
		managed.Problem = file.Problem
		return managed
	}
	for i := range file.Docs {
		v.reader.Judge(ctx, v.parser, &file, i)
		if doc := &file.Docs[i]; doc.Identity == v.id {
			return v.say(managed, &file, doc)
		}
	}
	if !file.Alone() { // of an empty list there is no document
		return nil
	}
	if doc := &file.Docs[0]; doc.Identity.Name == "" && !doc.Valid {
		managed.Problem = new(doc.FirstError())
		return managed
	}
	return nil
}

func (v *versions) say(managed *Managed, file *document.File, doc *document.Doc) *Managed {
	managed.Identity = doc.Identity
	if doc.Valid {
		managed.Content, managed.Problem = v.reader.Content(v.parser, file, doc)
	} else {
		managed.Problem = new(doc.FirstError())
	}
	return managed
}
