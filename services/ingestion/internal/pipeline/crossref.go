package pipeline

import (
	"slices"

	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/references"
)

// References is what becomes of a document that names what is not there.
type References int

// Choices for it.
const (
	ReferencesWarn References = iota
	ReferencesReject
	ReferencesOff
)

// crossReference compares the resources with each other and adds what it finds to their documents. Where the fabric
// rejects, documents that wait become invalid for it, until those that are left have nothing against each other; what
// is managed already is only reported.
func crossReference(choice References, files []document.File, index *document.Index, held []document.Held) {
	if choice == ReferencesOff {
		return
	}
	for {
		set := newResourceSet(files, index, held)
		found := references.Check(set.resources, set.lookup)
		if choice == ReferencesReject && reject(found, set.docs) {
			continue
		}
		for _, f := range found {
			set.docs[f.Resource].add(f)
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

// resourceSet is the resources as they will be: of those with one identity the one that waits, for it is the newer
// wish.
type resourceSet struct {
	index     *document.Index
	resources []references.Resource
	docs      []candidate
	places    []int // of resources, by their numbers; 0 where there is none, else one more than the place
}

func newResourceSet(files []document.File, index *document.Index, held []document.Held) *resourceSet {
	s := &resourceSet{
		index: index, resources: make([]references.Resource, 0, index.Len()), docs: make([]candidate, 0, index.Len()),
		places: make([]int, index.Len()),
	}
	for i := range files {
		for j := range files[i].Docs {
			if doc := &files[i].Docs[j]; doc.Valid {
				s.add(&files[i], doc)
			}
		}
	}
	s.addInvalid(files, held)
	return s
}

// addInvalid adds resources of which only a document in managed/ is left that is not valid, or that can't be read. They
// are there for others to name, and say nothing themselves.
func (s *resourceSet) addInvalid(files []document.File, held []document.Held) {
	for i := range files {
		for j := range files[i].Docs {
			if doc := &files[i].Docs[j]; !doc.Valid && files[i].Managed && doc.Plural != "" {
				s.addName(doc.Resource, doc.Identity)
			}
		}
	}
	for i := range held {
		s.addName(held[i].Number, held[i].ID)
	}
}

func (s *resourceSet) addName(number int, id hedgehog.ResourceID) {
	if s.places[number] == 0 {
		s.resources, s.docs = append(s.resources, references.Resource{Identity: id}), append(s.docs, candidate{})
		s.places[number] = len(s.docs)
	}
}

func (s *resourceSet) add(file *document.File, doc *document.Doc) {
	resource := references.Resource{
		Identity: doc.Identity, Facts: doc.Facts, File: file.Path, Document: doc.Number,
		Line: doc.Line,
	}
	at := s.places[doc.Resource] - 1
	switch {
	case at < 0:
		s.resources, s.docs = append(s.resources, resource), append(s.docs, candidate{doc, !file.Managed})
		s.places[doc.Resource] = len(s.docs)
	case !file.Managed && !s.docs[at].waits:
		s.resources[at], s.docs[at] = resource, candidate{doc, true}
	}
}

func (s *resourceSet) lookup(id hedgehog.ResourceID) (place int, found bool) {
	n, known := s.index.Find(id)
	if !known || s.places[n] == 0 {
		return 0, false
	}
	return s.places[n] - 1, true
}
