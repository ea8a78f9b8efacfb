package plan

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
)

// maxNamed is how many files of a folder are named in one warning.
const maxNamed = 3

// Others are files of somebody else, which stay where they are. The zero value has none.
type Others struct {
	folders map[string][]string
	large   []finding.Finding
}

// Takes reports whether a file that waits is somebody else's, and remembers it: outside of raw/ it holds nothing of
// Hedgehog's.
func (o *Others) Takes(file *document.File) bool {
	if file.Managed || file.Unlogged || layout.Part(file.Path) != "" || !file.Foreign() {
		return false
	}
	if file.Problem != nil && file.Problem.Code == errs.FileTooLarge {
		f := *file.Problem
		f.Warning, f.Message = true, f.Message+"; it is left where it is"
		o.large = append(o.large, f)
		return true
	}
	if o.folders == nil {
		o.folders = map[string][]string{}
	}
	dir := path.Dir(file.Path)
	o.folders[dir] = append(o.folders[dir], file.Path)
	return true
}

// Findings warns of them: of those that are too large to be read one by one, of the others once a folder.
func (o *Others) Findings() []finding.Finding {
	found := slices.Clone(o.large)
	for _, dir := range slices.Sorted(maps.Keys(o.folders)) {
		files := o.folders[dir]
		names := strings.Join(files[:min(len(files), maxNamed)], ", ")
		if more := len(files) - maxNamed; more > 0 {
			names += fmt.Sprintf(" and %d more of that folder", more)
		}
		found = append(found, finding.Finding{
			Code: errs.ForeignFile, Warning: true, File: files[0], Document: -1,
			Message: "nothing of Hedgehog's, and left where it is: " + names,
		})
	}
	return found
}

// leave reports whether a file that waits stays as it is: somebody else's, or one of unmanaged/ of which no log says
// why it is there and that is still no good.
func (p *planner) leave(file *document.File) bool {
	if file.Unlogged {
		return p.leaveUnlogged(file)
	}
	return !p.in.Options.QuarantineForeign && p.others.Takes(file)
}

func (p *planner) leaveUnlogged(file *document.File) bool {
	if slices.ContainsFunc(file.Docs, func(d document.Doc) bool { return d.Valid }) {
		return false
	}
	reason := file.Problem
	if reason == nil {
		first := file.Docs[0].FirstError()
		reason = &first
	}
	p.planFindings = append(p.planFindings, finding.Finding{
		Code: errs.UnknownQuarantined, Warning: true, File: file.Path, Document: -1, Line: reason.Line,
		Column:  reason.Column,
		Message: fmt.Sprintf("%s is in quarantine, and no log says why: %s", file.Path, reason.Message),
	})
	return true
}
