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
func refer(choice References, files []document.File) {
	if choice == ReferencesOff {
		return
	}
	for {
		resources, docs, index := company(files)
		found := references.Check(resources, index)
		if choice == ReferencesReject && reject(found, docs) {
			continue
		}
		for _, f := range found {
			docs[f.Resource].add(f)
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

// reject makes waiting documents invalid, and tells whether it did.
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

// company gives the resources as they will be: of those with one identity the one that waits, for it is the newer wish.
func company(files []document.File) ([]references.Resource, []candidate, map[schema.Identity]int) {
	most := 0
	for i := range files {
		most += len(files[i].Docs)
	}
	resources, docs := make([]references.Resource, 0, most), make([]candidate, 0, most)
	at := make(map[schema.Identity]int, most)
	for i := range files {
		file := &files[i]
		for j := range file.Docs {
			doc := &file.Docs[j]
			if !doc.Valid {
				continue
			}
			resource := references.Resource{Identity: doc.Identity, Facts: doc.Facts, File: file.Path, Document: doc.Number, Line: doc.Line}
			known, there := at[doc.Identity]
			switch {
			case !there:
				at[doc.Identity] = len(docs)
				resources, docs = append(resources, resource), append(docs, candidate{doc, !file.Managed})
			case !file.Managed && !docs[known].waits:
				resources[known], docs[known] = resource, candidate{doc, true}
			}
		}
	}
	return resources, docs, at
}
