// Package document turns a file into judged documents: cut, parsed, validated, and written out as they would stand in
// managed/. Files are independent of each other, so any number may be read at once.
//
// The contents of a document and of its file, and their object ids:
//
//	field      what it is                                 when there is none
//	File.Blob  id of the file as it stands in the tree    always there
//	Doc.Bytes  the document as it stands in its file      nil for a remembered file, until it is read
//	Doc.Final  the document as managed/ would hold it     nil for one that is not valid, or that stands in managed/
//	                                                      already as a file of its own
//	Doc.Blob   id of Doc.Final                            empty when that is nil
package document

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/references"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/splice"
	"fgdsync.dev/services/ingestion/internal/stage"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// AnnotationPrefix begins the keys of all annotations that the system writes.
const AnnotationPrefix = "hnp.githedgehog.com/"

// ManagedBy is the annotation that marks a managed document.
const ManagedBy = AnnotationPrefix + "managed-by"

// originalFile is the annotation that says where a document was ingested from.
const originalFile = AnnotationPrefix + "original-file"

const (
	manager          = "hedgehog-netbox-plugin"
	ingestionVersion = "1.0"
)

// File is a file that was read.
type File struct {
	inventory.Source
	Docs     []Doc             // empty when Problem is set
	Findings []finding.Finding // what there is to say about the file beside its Problem
	origin   splice.Pair       // annotation that its documents get
	mentions bool              // its content has the name of Hedgehog's API, where Problem is set
}

// Doc is one document of a file.
type Doc struct {
	schema.Verdict
	Number    int
	Resource  int               // number of its resource in the index of the fabric
	Facts     *references.Facts // of valid and of managed documents, where their kind has some
	Item      int               // place in the list that the document is, from 1; 0 when it is none
	Line      int               // line of the file on which it begins, from 1
	Bytes     []byte            // see the table of the package
	Annotated bool              // it carries the mark of a managed document
	Foreign   bool              // it is not valid, and nothing of Hedgehog's
	Server    [][]string        // fields that only a cluster writes and that it has, as paths
	Final     []byte
	Blob      string

	fault *finding.Finding // why it is no resource, where that is known before it is judged
}

// Settings are what reading depends on.
type Settings struct {
	Schemas *schema.Set
	Options schema.Options
	Limits  yamldoc.Limits
	Many    int       // documents in a file beyond which there is a warning
	Fabric  string    // name that annotations state
	Time    time.Time // time that annotations state
}

// Reader reads files for one fabric.
type Reader struct {
	Settings
	fixed []splice.Pair // annotations that all documents get
}

// NewReader returns a reader.
func NewReader(settings Settings) *Reader {
	return &Reader{Settings: settings, fixed: []splice.Pair{
		splice.NewPair(ManagedBy, manager),
		splice.NewPair(AnnotationPrefix+"fabric", clean(settings.Fabric)),
		splice.NewPair(AnnotationPrefix+"ingested-at", settings.Time.UTC().Format(time.RFC3339)),
		splice.NewPair(AnnotationPrefix+"ingestion-version", ingestionVersion),
	}}
}

// Open cuts the content of a file into documents, which are still to be judged. Content is not copied and must not
// change.
func (r *Reader) Open(source inventory.Source, content []byte) File {
	file := File{Source: source}
	if file.Problem != nil {
		return file
	}
	if fault := yamldoc.FileFault(content); fault != nil {
		file.Problem, file.mentions = fileProblem(source.Path, fault), mentions(content)
		return file
	}
	parts := yamldoc.Split(content)
	if len(parts) == 0 {
		file.Problem = &finding.Finding{
			Code: errs.EmptyDocument, File: source.Path, Document: -1,
			Message: "the file holds no document",
		}
		file.mentions = mentions(content)
		return file
	}
	if len(parts) > MaxDocuments {
		return file.refuse(content)
	}
	if len(parts) > r.Many {
		file.Findings = append(file.Findings, finding.Finding{
			Code: errs.TooManyDocuments, Warning: true, File: source.Path, Document: -1,
			Message: fmt.Sprintf("the file holds %d documents; more than %d in a file are hard to read", len(parts), r.Many),
		})
	}
	file.origin = splice.NewPair(originalFile, clean(file.from()))
	file.Docs = make([]Doc, 0, len(parts))
	lists := bytes.Contains(content, []byte("List"))
	for _, part := range parts {
		doc := Doc{Number: part.Number, Line: part.Line, Bytes: part.Bytes}
		if lists {
			file.addItems(doc, r.items(doc, 0))
		} else {
			file.Docs = append(file.Docs, doc)
		}
		if len(file.Docs) > MaxDocuments {
			return file.refuse(content)
		}
	}
	return file
}

// MaxDocuments is how many documents a file may have to be taken apart, the items of its lists included.
const MaxDocuments = 20_000

// refuse returns the file as one that is not taken apart, because it would be too many documents.
func (f File) refuse(content []byte) File {
	f.Problem = &finding.Finding{
		Code: errs.TooManyDocuments, File: f.Path, Document: -1,
		Message: fmt.Sprintf("the file holds more than %d documents", MaxDocuments),
	}
	return File{Source: f.Source, mentions: mentions(content)}
}

// maxListDepth is how deep lists may stand in lists.
const maxListDepth = 4

// items takes a document apart that is a list of resources, and lists in it; any other is returned as it is.
func (r *Reader) items(doc Doc, depth int) []Doc {
	items := yamldoc.Items(doc.Bytes, r.Limits)
	if items == nil || depth == maxListDepth {
		return []Doc{doc}
	}
	var docs []Doc
	for _, item := range items {
		docs = append(docs, r.items(Doc{Number: doc.Number, Item: 1, Line: doc.Line + item.Line - 1, Bytes: item.Bytes},
			depth+1)...)
	}
	if rest := yamldoc.Remainder(doc.Bytes, r.Limits); rest != nil {
		docs = append(docs, Doc{Number: doc.Number, Line: doc.Line, Bytes: rest, fault: &finding.Finding{
			Code: errs.ListRemainder, Message: "the list says something that is in none of its items: comments, annotations " +
				"or other fields",
		}})
	}
	return docs
}

// addItems adds what a document was taken apart into. Of an empty list there is nothing to keep, but for one in
// managed/: somebody may have emptied it by mistake.
func (f *File) addItems(doc Doc, items []Doc) {
	for i := range items {
		if items[i].Item > 0 {
			items[i].Item = i + 1
		}
	}
	if len(items) == 0 {
		empty := finding.Finding{
			Code: errs.EmptyDocument, Warning: true, File: f.Path, Document: doc.Number, Line: doc.Line, Column: 1,
			Message: "the list holds no resource", Remedy: "Nothing to do; there is nothing in it to be kept.",
		}
		if f.Managed {
			empty.Warning, empty.Line, empty.Remedy = false, 1, ""
			doc.fault = &empty
			items = []Doc{doc}
		} else {
			f.Findings = append(f.Findings, empty)
		}
	}
	f.Docs = append(f.Docs, items...)
}

// Alone reports whether the file is one document and nothing around it.
func (f *File) Alone() bool { return len(f.Docs) == 1 && f.Docs[0].Item == 0 }

func fileProblem(p string, fault *yamldoc.Fault) *finding.Finding {
	f := &finding.Finding{
		Code: errs.UnsupportedFile, File: p, Document: -1, Line: fault.Line, Column: fault.Column,
		Message: fault.Message,
	}
	if fault.Encoding {
		f.Code, f.Remedy = errs.InvalidYAML, "Save the file as UTF-8."
	}
	return f
}

// Judge judges one document of an opened file. Different documents may be judged at once, each with a parser of its
// own.
func (r *Reader) Judge(ctx context.Context, parser *yamldoc.Parser, file *File, number int) {
	doc := &file.Docs[number]
	root, err := parser.Parse(doc.Bytes)
	if doc.fault != nil {
		doc.Findings = []finding.Finding{*doc.fault}
	} else if err != nil {
		doc.Findings = []finding.Finding{syntaxFinding(err)}
	} else {
		doc.Verdict = r.Schemas.Check(ctx, root, r.Options)
	}
	doc.Foreign = !doc.Valid && !file.Managed && isForeign(doc, root)
	if doc.Valid || file.Managed {
		doc.Facts = references.Of(doc.Identity.Kind, root)
	}
	_, annotations := field(root, []string{"metadata", "annotations"})
	doc.Annotated = yamldoc.Text(annotations, ManagedBy) != ""
	if doc.Plural != "" {
		doc.Server = serverFields(root)
	}
	stripped := false
	if inPlace := file.Managed && file.Alone(); doc.Valid && !inPlace {
		stripped = r.splice(file, doc, root)
	}
	r.warnOfServer(doc, root, stripped)
	r.warnOfReader(doc, root)
	for i := range doc.Findings {
		doc.Findings[i] = doc.place(doc.Findings[i], file)
	}
}

// place returns a finding whose lines count in the document with its place in the file.
func (d *Doc) place(f finding.Finding, file *File) finding.Finding {
	f.File, f.Document, f.Column = file.Path, d.Number, max(f.Column, 1)
	f.Line = d.Line + max(f.Line, 1) - 1
	return f
}

// splice writes a document as it would stand in managed/, and reports whether fields were taken out of it. One that is
// managed already and can't be added to is kept as it is.
func (r *Reader) splice(file *File, doc *Doc, root *yaml.Node) (stripped bool) {
	annotations := r.annotations(file, file.number(doc))
	final, stripped, err := r.apply(file, doc, root, annotations[:])
	if err != nil && file.Managed {
		final, err = doc.Bytes, nil
	}
	if err != nil {
		r.refuse(doc, root, "metadata", err.Error(),
			"Write metadata as a plain block: one field a line, without aliases or merges.")
		return false
	}
	if n := annotationBytes(root, annotations[:], stripped); n > maxAnnotations && !file.Managed {
		r.refuse(doc, root, "metadata.annotations", fmt.Sprintf("the annotations have %d bytes with those that are added; a "+
			"cluster takes %d (256 KiB) at most", n, maxAnnotations),
			fmt.Sprintf("Shorten the annotations by %d bytes or more.", n-maxAnnotations))
		return false
	}
	doc.Final, doc.Blob = final, stage.BlobID(final)
	return stripped
}

// apply writes the annotations into a document from outside of managed/, in the place of those that it brought along,
// and takes out what only a cluster writes where the fabric wants that and its form allows it.
func (r *Reader) apply(file *File, doc *Doc, root *yaml.Node, annotations []splice.Pair) (final []byte, stripped bool,
	err error,
) {
	edit := splice.Edit{Annotations: annotations, Keep: file.Managed, APIVersion: doc.UpgradeTo}
	if r.Options.StripServer && !file.Managed && len(doc.Server) > 0 {
		edit.Remove = doc.Server
		if final, err := splice.Apply(doc.Bytes, root, edit); err == nil {
			return final, true, nil
		}
		edit.Remove = nil
	}
	final, err = splice.Apply(doc.Bytes, root, edit)
	return final, false, err
}

// refuse makes a document invalid because of a field.
func (r *Reader) refuse(doc *Doc, root *yaml.Node, name, message, remedy string) {
	doc.Valid = false
	line, column := 1, 0
	if key, _ := field(root, strings.Split(name, ".")); key != nil {
		line, column = key.Line, key.Column
	}
	doc.Findings = append(doc.Findings, finding.Finding{
		Code: errs.ValidationFailed, Field: name, Line: line, Column: column, Message: message, Remedy: remedy,
	})
}

// maxAnnotations is how many bytes the keys and values of annotations have together at most in a cluster.
const maxAnnotations = 256 << 10

// annotationBytes counts the annotations of a document with the system's own in it.
func annotationBytes(root *yaml.Node, ours []splice.Pair, stripped bool) int {
	total := 0
	for _, p := range ours {
		total += len(p.Key) + len(p.Value)
	}
	annotations := yamldoc.Lookup(yamldoc.Lookup(root, "metadata"), "annotations")
	yamldoc.Entries(annotations, func(name string, _, value *yaml.Node) {
		isOurs := slices.ContainsFunc(ours, func(p splice.Pair) bool { return p.Key == name })
		if !isOurs && (!stripped || name != lastApplied) {
			total += len(name) + len(value.Value)
		}
	})
	return total
}

func syntaxFinding(err error) finding.Finding {
	f := finding.Finding{Code: errs.InvalidYAML, Message: err.Error()}
	var e *yamldoc.SyntaxError
	if errors.As(err, &e) {
		f.Line, f.Column, f.Message, f.Remedy = e.Line, e.Column, e.Message, e.Remedy
	}
	return f
}

func (r *Reader) annotations(file *File, number int) [6]splice.Pair {
	return [...]splice.Pair{
		r.fixed[0], r.fixed[1], file.origin,
		splice.NewPair(AnnotationPrefix+"original-document-index", strconv.Itoa(number)),
		r.fixed[2], r.fixed[3],
	}
}

// clean replaces control characters, which no document may hold, by their code in percent form.
func clean(text string) string {
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, "%%%02X", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// FirstError returns the finding that kept a document from being ingested.
func (d *Doc) FirstError() finding.Finding {
	for _, f := range d.Findings {
		if !f.Warning {
			return f
		}
	}
	return finding.Finding{
		Code: errs.ValidationFailed, Document: d.Number, Line: d.Line,
		Message: "the document is not valid",
	}
}
