package pipeline

import (
	"cmp"
	"context"
	"slices"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// Validation judges files that are in no tree, one after the other, and decides as an ingestion which of them it would
// take.
type Validation struct {
	pipeline *Pipeline
	reader   *document.Reader
	parser   *yamldoc.Parser
	others   plan.Others
	names    map[string]string // of files of somebody else, by their path in the directory
}

// Loose is a file that is in no tree.
type Loose struct {
	Name        string // for people
	InDirectory string // its path in the fabric directory; empty for a file that is in none
	Content     []byte
}

// Judged is what was found in files.
type Judged struct {
	Name     string
	Docs     []document.Doc
	Findings []finding.Finding
}

// Validate begins to judge the files of one directory.
func (p *Pipeline) Validate() *Validation {
	return &Validation{
		pipeline: p, parser: yamldoc.NewParser(p.Limits), names: map[string]string{},
		reader: document.NewReader(document.Settings{
			Schemas: p.Schemas, Options: schema.Options{Upgrade: true}, Limits: p.Limits, Many: p.MaxDocuments,
		}),
	}
}

// File judges the next file. That one is somebody else's is found here, and said by Rest.
func (v *Validation) File(ctx context.Context, loose Loose) (Judged, error) {
	entry := gittree.Entry{
		Path: cmp.Or(loose.InDirectory, loose.Name), Mode: gittree.Regular, Size: int64(len(loose.Content)),
	}
	found, err := v.sort(ctx, entry, loose.InDirectory != "")
	if err != nil {
		return Judged{}, err
	}
	judged := Judged{Name: loose.Name, Findings: found.Findings}
	for _, source := range found.Sources {
		file := v.reader.Open(source, loose.Content)
		for i := range file.Docs {
			v.reader.Judge(ctx, v.parser, &file, i)
		}
		judged.Docs = file.Docs
		if loose.InDirectory != "" && v.others.Takes(&file) {
			v.names[file.Path] = loose.Name
			continue
		}
		judged.Findings = append(judged.Findings, v.findings(&file)...)
	}
	judged.name()
	return judged, nil
}

// sort says what an ingestion makes of a file by its path. One that is in no directory waits.
func (v *Validation) sort(ctx context.Context, e gittree.Entry, inDirectory bool) (inventory.Inventory, error) {
	if inDirectory {
		return inventory.Take(ctx, []gittree.Entry{e}, inventory.Rules{MaxFileBytes: v.pipeline.MaxFileBytes})
	}
	waits := inventory.Source{Entry: e, Problem: inventory.TooLarge(e, v.pipeline.MaxFileBytes)}
	return inventory.Inventory{Sources: []inventory.Source{waits}}, nil
}

// Rest returns what there is to say of the files of somebody else, when there are no more files.
func (v *Validation) Rest() []Judged {
	var rest []Judged
	for _, f := range v.others.Findings() {
		judged := Judged{Name: v.names[f.File], Findings: []finding.Finding{f}}
		judged.name()
		rest = append(rest, judged)
	}
	return rest
}

// name lets the findings name the file as who sent it does.
func (j *Judged) name() {
	for i := range j.Findings {
		j.Findings[i].File = j.Name
	}
}

// findings returns what there is to say of a file. Of what the last sync left nothing is known.
func (v *Validation) findings(file *document.File) []finding.Finding {
	held := map[*document.Doc]finding.Finding{} // by the document that can't be read; nil stands for the whole file
	for _, h := range document.FindHeld([]document.File{*file}, nil, v.pipeline.Schemas) {
		held[h.Doc] = h.Finding()
	}
	found := slices.Clone(file.Findings)
	if file.Problem != nil {
		found = append(found, orElse(held, nil, *file.Problem)...)
	}
	for i := range file.Docs {
		found = append(found, orElse(held, &file.Docs[i], file.Docs[i].Findings...)...)
	}
	return found
}

// orElse returns why a document can't be read, or else what was found in it.
func orElse(held map[*document.Doc]finding.Finding, doc *document.Doc, found ...finding.Finding) []finding.Finding {
	if f, unreadable := held[doc]; unreadable {
		return []finding.Finding{f}
	}
	return found
}
