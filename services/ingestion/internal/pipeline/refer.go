package pipeline

import (
	"slices"

	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/references"
	"fgdsync.dev/services/ingestion/internal/schema"
)

// References is what becomes of a document that names what is not there.
type References int

// Choices for it.
const (
	ReferencesWarn References = iota
	ReferencesReject
	ReferencesOff
)

// refer holds the resources against each other and adds what it finds to their documents. Where the fabric rejects,
// documents that wait become invalid for it, until those that are left have nothing against each other; what is managed
// already is only reported.
func refer(choice References, files []document.File, index *document.Index) {
	if choice == ReferencesOff {
		return
	}
	for {
		c := newCompany(files, index)
		found := references.Check(c.resources, c.lookup)
		if choice == ReferencesReject && reject(found, c.docs) {
			continue
		}
		for _, f := range found {
			c.docs[f.Resource].add(f)
		}
		return
	}
}

// candidate is a document that may be in managed/ afterwards.
type candidate struct {
	*document.Doc
	waits bool
}

func (c candidate) add(f references.Finding) { c.Findings = append(slices.Clip(c.Findings), f.Finding) }

// reject makes waiting documents invalid, and reports whether it did.
func reject(found []references.Finding, docs []candidate) bool {
	rejected := false
	for _, f := range found {
		if c := docs[f.Resource]; c.waits && !f.InCluster {
			f.Warning = false
			c.add(f)
			c.Valid, rejected = false, true
		}
	}
	return rejected
}

// company is the resources as they will be: of those with one identity the one that waits, for it is the newer wish.
type company struct {
	index     *document.Index
	resources []references.Resource
	docs      []candidate
	places    []int // of resources, by their numbers; 0 where there is none, else one more than the place
}

func newCompany(files []document.File, index *document.Index) *company {
	c := &company{
		index: index, resources: make([]references.Resource, 0, index.Len()), docs: make([]candidate, 0, index.Len()),
		places: make([]int, index.Len()),
	}
	for i := range files {
		for j := range files[i].Docs {
			if doc := &files[i].Docs[j]; doc.Valid {
				c.add(&files[i], doc)
			}
		}
	}
	return c
}

func (c *company) add(file *document.File, doc *document.Doc) {
	resource := references.Resource{
		Identity: doc.Identity, Facts: doc.Facts, File: file.Path, Document: doc.Number,
		Line: doc.Line,
	}
	at := c.places[doc.Resource] - 1
	switch {
	case at < 0:
		c.resources, c.docs = append(c.resources, resource), append(c.docs, candidate{doc, !file.Managed})
		c.places[doc.Resource] = len(c.docs)
	case !file.Managed && !c.docs[at].waits:
		c.resources[at], c.docs[at] = resource, candidate{doc, true}
	}
}

func (c *company) lookup(id schema.Identity) (place int, found bool) {
	n, known := c.index.Find(id)
	if !known || c.places[n] == 0 {
		return 0, false
	}
	return c.places[n] - 1, true
}
