package document

import (
	"errors"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// Content is what a resource says of itself, as JSON objects. What it does not say is nil.
type Content struct {
	Spec, Labels []byte
	Annotations  []byte // without those that the system writes
	OriginalFile string // where it was ingested from; empty when the document does not say
}

// maxExpansion is how many bytes what a document says may have beside four times its own size: aliases repeat what they
// stand for.
const maxExpansion = 1 << 20

// Content returns what a valid document that was read says, or why that can't be told.
func (r *Reader) Content(parser *yamldoc.Parser, file *File, d *Doc) (Content, *finding.Finding) {
	root, err := parser.Parse(d.Bytes)
	if err != nil {
		problem := d.place(syntaxFinding(err), file)
		return Content{}, &problem
	}
	metadata := yamldoc.Lookup(root, "metadata")
	annotations := yamldoc.Lookup(metadata, "annotations")
	w := objects{left: maxExpansion + 4*len(d.Bytes)}
	content := Content{
		Spec:         w.object(yamldoc.Lookup(root, "spec")),
		Labels:       nonempty(w.object(yamldoc.Lookup(metadata, "labels"))),
		Annotations:  nonempty(w.object(annotations, ownAnnotations...)),
		OriginalFile: yamldoc.Text(annotations, originalFile),
	}
	if w.err == nil {
		return content, nil
	}
	problem := finding.Finding{Code: errs.FileTooLarge, Message: "the document can't be written out: " + w.err.Error()}
	if errors.Is(w.err, yamldoc.ErrTooLong) {
		problem.Remedy = "Write what the aliases stand for where it is meant, or shorten it."
	}
	problem = d.place(problem, file)
	return Content{}, &problem
}

// objects writes the objects of one document.
type objects struct {
	left int // bytes
	err  error
}

// object returns a mapping as JSON without some of its keys; nil when there is none.
func (w *objects) object(n *yaml.Node, without ...string) []byte {
	if w.err != nil || n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var out []byte
	out, w.err = yamldoc.JSON(n, w.left, without...)
	w.left -= len(out)
	return out
}

// nonempty returns an object that has entries, and nil for one that has none.
func nonempty(object []byte) []byte {
	if string(object) == "{}" {
		return nil
	}
	return object
}
