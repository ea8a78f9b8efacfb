package pipeline

import (
	"maps"
	"slices"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/references"
)

// against is something that the comparison of all resources has against one of them. Which other one shares a port or a
// subnet with it may depend on who else does; what it names and is not there does not.
type against struct {
	id      hedgehog.ResourceID
	code    string
	message string // of a missing reference
}

// keepReferences refuses edits of a fabric that rejects, when they leave something that the comparison of all resources
// is against and that was not so before. It reports whether it did.
func (e *editor) keepReferences(out []Edited) bool {
	known := map[against]int{}
	for _, f := range e.compare(e.files) {
		known[f.against]++
	}
	refused := false
	for _, f := range e.compare(e.edited()) {
		if known[f.against]--; known[f.against] >= 0 {
			continue
		}
		refused = true
		blame(out, f)
	}
	return refused
}

// blame makes a finding the problem of the edit of the resource that it is about or, when it is about none of them, of
// the first that does something.
func blame(out []Edited, f comparison) {
	own := func(e Edited) bool { return e.ID == f.id }
	at := slices.IndexFunc(out, own)
	problem := f.Finding
	problem.Warning, problem.Message = false, label(f.id)+": "+f.Message
	if at < 0 {
		at = slices.IndexFunc(out, func(e Edited) bool { return e.Effect != EditChangesNothing })
		problem.Remedy = "Change " + label(f.id) + " first, or in the same batch."
	}
	if out[at].Problem == nil {
		out[at].Problem = &problem
	}
}

// comparison is a finding of the comparison of all resources.
type comparison struct {
	against
	finding.Finding
}

// compare compares all resources. What a cluster has by itself is no reason to refuse anything.
func (e *editor) compare(files []document.File) []comparison {
	set := newResourceSet(files, document.NewIndex(files, e.held), e.held)
	var out []comparison
	for _, f := range references.Check(set.resources, set.lookup) {
		if f.InCluster {
			continue
		}
		about := against{id: set.resources[f.Resource].Identity, code: f.Code.ID}
		if f.Code.ID == errs.ReferenceMissing.ID {
			about.message = f.Message
		}
		out = append(out, comparison{about, f.Finding})
	}
	return out
}

// edited returns the files of managed/ as the edits leave them, with those that are new.
func (e *editor) edited() []document.File {
	files := slices.DeleteFunc(slices.Clone(e.files), func(f document.File) bool {
		_, rewritten := e.rewritten[f.Path]
		return rewritten
	})
	for _, path := range slices.Sorted(maps.Keys(e.rewritten)) {
		if file := e.rewritten[path]; file != nil {
			files = append(files, *file)
		}
	}
	return files
}
