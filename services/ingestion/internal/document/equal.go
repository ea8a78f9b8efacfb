package document

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"

	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// ownAnnotations are the annotations that the system writes. Others with their prefix are the author's.
var ownAnnotations = []string{
	ManagedBy, AnnotationPrefix + "fabric", originalFile,
	AnnotationPrefix + "original-document-index", AnnotationPrefix + "ingested-at", AnnotationPrefix + "ingestion-version",
}

// Meaning is what a document wishes for, which others are compared with. It is found out once, when it is first needed.
type Meaning struct {
	reader   *Reader
	doc      *Doc
	wish     func() map[string]any
	comments func() []string
}

// Meaning returns the meaning of a document.
func (r *Reader) Meaning(d *Doc) *Meaning {
	return &Meaning{
		reader: r, doc: d, wish: sync.OnceValue(func() map[string]any { return r.wish(d) }),
		comments: sync.OnceValue(func() []string { return r.Comments(d) }),
	}
}

// Of reports whether it is that of a document.
func (m *Meaning) Of(d *Doc) bool { return m != nil && m.doc == d }

// Equal reports whether another document wishes for the same thing. The system's own annotations, what only a cluster
// writes, the version of the API, the ways to say "namespace default" and comments make no difference.
func (m *Meaning) Equal(other *Doc) bool {
	if bytes.Equal(m.doc.Bytes, other.Bytes) {
		return true
	}
	wish := m.wish()
	return wish != nil && reflect.DeepEqual(wish, m.reader.wish(other))
}

// Digest returns what all documents have in common that wish for the same thing, as Equal has it; it is not known of
// one that can't be read.
func (m *Meaning) Digest() (sum [sha256.Size]byte, known bool) {
	wish := m.wish()
	text, err := json.Marshal(wish)
	if wish == nil || err != nil {
		return sum, false
	}
	return sha256.Sum256(text), true
}

// Comments returns the comments of the document in the order of their texts.
func (m *Meaning) Comments() []string { return m.comments() }

// Says reports whether the managed document says already what a wish says: the same thing, in the same comments. What
// only a cluster writes says nothing in a wish, which is then a dump of the cluster and no word of an author; a wish
// without it takes it out of the managed document.
func (r *Reader) Says(managed, wish *Doc) bool {
	if bytes.Equal(managed.Bytes, wish.Bytes) {
		return true
	}
	if len(wish.Server) > 0 {
		return r.Meaning(managed).Equal(wish)
	}
	held, wished := r.essence(managed), r.essence(wish)
	return held != nil && wished != nil && reflect.DeepEqual(held, wished) &&
		slices.Equal(r.Comments(managed), r.Comments(wish))
}

// Comments returns the comments of a document in the order of their texts.
func (r *Reader) Comments(d *Doc) []string {
	if bytes.IndexByte(d.Bytes, '#') < 0 {
		return nil
	}
	root, err := yamldoc.Parse(d.Bytes, r.Limits)
	if err != nil {
		return nil
	}
	found := yamldoc.TriviaOf(d.Bytes, root).Comments
	slices.Sort(found)
	return found
}

// wish returns what a document wishes for; nil when it can't be read.
func (r *Reader) wish(d *Doc) map[string]any {
	object := r.essence(d)
	if object != nil {
		dropServerFields(object)
	}
	return object
}

// dropServerFields takes out what only a cluster writes.
func dropServerFields(object map[string]any) {
	for _, path := range serverPaths {
		at, last := object, len(path)-1
		for _, name := range path[:last] {
			at, _ = at[name].(map[string]any)
		}
		delete(at, path[last])
	}
	if metadata, ok := object["metadata"].(map[string]any); ok {
		if annotations, ok := metadata["annotations"].(map[string]any); ok && len(annotations) == 0 {
			delete(metadata, "annotations")
		}
	}
}

func (r *Reader) essence(d *Doc) map[string]any {
	root, err := yamldoc.Parse(d.Bytes, r.Limits)
	if err != nil || root == nil {
		return nil
	}
	object, ok := yamldoc.Value(root).(map[string]any)
	if !ok {
		return nil
	}
	if version, ok := object["apiVersion"].(string); ok {
		object["apiVersion"], _, _ = strings.Cut(version, "/")
	}
	metadata, ok := object["metadata"].(map[string]any)
	if !ok {
		return object
	}
	if metadata["namespace"] == schema.DefaultNamespace || metadata["namespace"] == "" {
		delete(metadata, "namespace")
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	for _, key := range ownAnnotations {
		delete(annotations, key)
	}
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	return object
}
