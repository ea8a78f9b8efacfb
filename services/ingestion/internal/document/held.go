package document

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/schema"
)

// Held is a resource whose file in managed/ can't be read any more, or declares another one and is not valid. It is
// still there: what can't be read is not deleted.
type Held struct {
	ID         hedgehog.ResourceID
	Plural     string
	APIVersion string
	File       *File
	Doc        *Doc // nil when the file can't be read as a whole
	Number     int  // in the index of the fabric
	Listed     bool // it is among the resources of the fabric; else only its place is kept
}

// FindHeld returns what unreadable files of managed/ hold: what the last sync found at their paths or, where that knew
// nothing of them, what the paths say.
func FindHeld(files []File, last *Last, kinds *schema.Set) []Held {
	var out []Held
	for i := range files {
		if file := &files[i]; file.Managed && (file.Problem != nil || slices.ContainsFunc(file.Docs, isInvalid)) {
			out = append(out, heldIn(file, last, kinds)...)
		}
	}
	return out
}

func isInvalid(d Doc) bool { return !d.Valid }

// isKnown reports whether it is known which resource a document is for.
func (d *Doc) isKnown() bool { return d.Identity.Name != "" && d.Plural != "" }

func heldIn(file *File, last *Last, kinds *schema.Set) []Held {
	before := last.at(file.Path)
	missing := slices.DeleteFunc(slices.Clone(before), func(r *LastResource) bool {
		return slices.ContainsFunc(file.Docs, func(d Doc) bool { return d.isKnown() && d.Identity == r.ID })
	})
	slices.SortFunc(missing, func(a, b *LastResource) int { return a.ID.Compare(b.ID) })
	var out []Held
	for _, doc := range file.unreadable(before, len(missing) > 0) {
		if len(missing) == 0 {
			out = append(out, byPath(file, doc, last, kinds)...)
		}
		for _, r := range missing {
			plural := kinds.Plural(r.ID.Group, r.ID.Kind)
			if plural == "" {
				plural = path.Base(path.Dir(file.Path))
			}
			out = append(out, Held{
				ID: r.ID, Plural: plural, APIVersion: r.APIVersion, File: file, Doc: doc, Listed: true,
			})
		}
	}
	return out
}

// unreadable returns the documents of which it is not known for which resource they are, given those that the file had
// before, and whether one of them is in no document any more; nil stands for the whole file. Where none is missing, an
// invalid document is of the resource that it names, whatever the file had: else the same file would be judged in
// another way once a sync has noted what it holds.
func (f *File) unreadable(before []*LastResource, missing bool) []*Doc {
	if f.Problem != nil {
		return []*Doc{nil}
	}
	var out []*Doc
	for i := range f.Docs {
		doc := &f.Docs[i]
		had := func(r *LastResource) bool { return r.ID == doc.Identity }
		if !doc.Valid && (!doc.isKnown() || missing && !slices.ContainsFunc(before, had)) {
			out = append(out, doc)
		}
	}
	return out
}

// byPath returns the resource that a file is for by its path. It is kept among the resources of the fabric only where
// nobody knows whether it was.
func byPath(file *File, doc *Doc, last *Last, kinds *schema.Set) []Held {
	inside, ok := strings.CutPrefix(file.Path, layout.Managed+"/")
	plural, name, found := strings.Cut(inside, "/")
	name, named := strings.CutSuffix(name, ".yaml")
	group, kind, version, known := kinds.Folder(plural)
	if !ok || !found || !named || !known || strings.ContainsAny(name, "/~") {
		return nil
	}
	id := hedgehog.ResourceID{Group: group, Kind: kind, Namespace: schema.DefaultNamespace, Name: name}
	if parts := strings.Split(name, "_"); len(parts) > 1 {
		id.Name, id.Namespace = parts[0], parts[1]
	} else if doc != nil {
		id.Namespace = namespaceIn(doc.Bytes, name)
	}
	if id.Namespace != schema.DefaultNamespace {
		id.Name = strings.TrimPrefix(id.Name, id.Namespace+"-")
	}
	return []Held{{
		ID: id, Plural: plural, APIVersion: version, File: file, Doc: doc, Listed: !last.complete(),
	}}
}

var namespaceLine = regexp.MustCompile(`(?m)^[ \t]+["']?namespace["']?:[ \t]*["']?([a-z0-9-]+)`)

// namespaceIn returns the namespace that a document seems to state, when the name of its file begins with it.
func namespaceIn(doc []byte, name string) string {
	for _, found := range namespaceLine.FindAllSubmatch(doc, -1) {
		if strings.HasPrefix(name, string(found[1])+"-") {
			return string(found[1])
		}
	}
	return schema.DefaultNamespace
}

// Finding says why the file can't be read, and that its resource stays.
func (h *Held) Finding() finding.Finding {
	if !h.Listed {
		return h.finding("has no other file")
	}
	return h.finding("stays as the last sync had it")
}

// Superseded says why the file can't be read whose resource has a newer document, so that nothing has to be mended.
func (h *Held) Superseded() finding.Finding {
	f := h.finding("has a newer document")
	f.Remedy = "Take from the file in unmanaged/ what the newer document lacks, and remove it."
	return f
}

func (h *Held) finding(resource string) finding.Finding {
	f := h.cause()
	f.Warning, f.Remedy = false, ""
	f.Code, f.Message = errs.ManagedUnreadable, fmt.Sprintf("%s can't be read: %s; %s %s/%s %s", h.File.Path, f.Message,
		h.ID.Kind, h.ID.Namespace, h.ID.Name, resource)
	return f
}

func (h *Held) cause() finding.Finding {
	if h.Doc == nil {
		return *h.File.Problem
	}
	f := h.Doc.FirstError()
	if line := conflictMarker(h.Doc.Bytes); line > 0 {
		f.Line, f.Column, f.Field = h.Doc.Line+line-1, 1, ""
		f.Message = "it has conflict markers of Git"
	}
	return f
}

var marker = regexp.MustCompile(`(?m)^(<<<<<<<|\|\|\|\|\|\|\||=======|>>>>>>>)(\s|$)`)

// conflictMarker returns the line of the first conflict marker of Git in a text, from 1; 0 when there is none.
func conflictMarker(text []byte) int {
	found := marker.FindIndex(text)
	if found == nil {
		return 0
	}
	return bytes.Count(text[:found[0]], []byte("\n")) + 1
}
