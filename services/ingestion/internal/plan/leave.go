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

// leave reports whether a file that waits stays as it is: somebody else's, or one of unmanaged/ of which no log says
// why it is there and that is still no good.
func (p *planner) leave(file *document.File) bool {
	switch {
	case file.Managed:
		return false
	case file.Unlogged:
		return p.leaveUnlogged(file)
	case p.in.Options.QuarantineForeign || layout.Part(file.Path) != "" || !file.Foreign():
		return false
	}
	if file.Problem != nil && file.Problem.Code == errs.FileTooLarge {
		f := *file.Problem
		f.Warning, f.Message = true, f.Message+"; it is left where it is"
		p.planFindings = append(p.planFindings, f)
		return true
	}
	dir := path.Dir(file.Path)
	p.foreign[dir] = append(p.foreign[dir], file.Path)
	return true
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

// tellForeign warns of files of somebody else, once a folder.
func (p *planner) tellForeign() {
	for _, dir := range slices.Sorted(maps.Keys(p.foreign)) {
		files := p.foreign[dir]
		names := strings.Join(files[:min(len(files), maxNamed)], ", ")
		if more := len(files) - maxNamed; more > 0 {
			names += fmt.Sprintf(" and %d more of that folder", more)
		}
		p.planFindings = append(p.planFindings, finding.Finding{
			Code: errs.ForeignFile, Warning: true, File: files[0], Document: -1,
			Message: "nothing of Hedgehog's, and left where it is: " + names,
		})
	}
}
