package render

import (
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
)

// Connection prints how a repository can be reached. Of what could not be found out it says so.
func Connection(s *Screen, c *gitv1.Connection) {
	known := NewConnection(c)
	f := s.facts()
	f.whether("reachable", known.Reachable)
	f.whether("authenticated", known.Authenticated)
	f.whether("can read", known.CanRead)
	f.whether("can push", known.CanPush)
	f.whether("branch exists", known.BranchExists)
	if known.Empty != nil {
		f.add("empty", "%s", yesOrNo(*known.Empty))
	}
	if c.BranchProtected != nil {
		f.add("branch protected", "%s", yesOrNo(c.GetBranchProtected()))
	}
	if c.GetDefaultBranch() != "" {
		f.add("default branch", "%s", c.GetDefaultBranch())
	}
	f.end()
	for _, p := range c.GetProblems() {
		s.line(s.bad, "problem: ", said(p.GetCode(), p.GetName(), p.GetMessage(), p.GetRemedy()))
	}
	for _, w := range c.GetWarnings() {
		s.line(s.warn, "warning: ", said(w.GetCode(), w.GetName(), w.GetMessage(), w.GetRemedy()))
	}
}

// whether adds a fact that is as it has to be, or not, or of which nothing is known.
func (f *facts) whether(name string, is *bool) {
	switch {
	case is == nil:
		f.add(name, "unknown")
	case *is:
		f.styled(f.screen.good, name, "%s", yesOrNo(true))
	default:
		f.styled(f.screen.bad, name, "%s", yesOrNo(false))
	}
}

// Quarantine prints what is in quarantine, and why.
func Quarantine(s *Screen, list *bridgev1.ListQuarantineResponse) {
	for _, file := range list.GetFiles() {
		quarantined(s, file)
	}
	s.printf("in quarantine: %d\n", len(list.GetFiles()))
}

// QuarantinedFile prints a file in quarantine, why it is there, and what it holds.
func QuarantinedFile(s *Screen, file *bridgev1.QuarantinedFile) {
	quarantined(s, file)
	f := s.facts()
	f.add("origin", "%s", file.GetOrigin())
	f.add("blob", "%s", file.GetOriginBlobSha())
	f.add("commit", "%s", file.GetOriginCommitSha())
	f.add("since", "%s", file.GetQuarantinedAt().AsTime().Format(timeForm))
	f.end()
	if file.Content == nil {
		s.printf("\nIt holds no text, or more than is shown.\n")
		return
	}
	s.printf("\n%s", s.harmless(file.GetContent()))
}

// quarantined prints a file as findings are printed.
func quarantined(s *Screen, file *bridgev1.QuarantinedFile) {
	reason := file.GetReason()
	if reason == nil {
		s.line(s.strong, file.GetPath()+": ", "no log says why")
		return
	}
	changed := ""
	if file.GetChanged() {
		changed = " [changed: the next sync judges it again]"
	}
	s.line(s.strong, Position(file.GetPath(), reason.GetLine(), reason.GetColumn()),
		said(reason.GetCode(), reason.GetName(), reason.GetMessage(), reason.GetRemedy())+changed)
}

// Validated prints a line for everything that was found in a file.
func Validated(s *Screen, file *ingestionv1.ValidateFilesResponse) {
	for _, f := range file.GetFindings() {
		s.line(s.strong, Position(file.GetPath(), max(f.GetLine(), 1), max(f.GetColumn(), 1)),
			said(f.GetCode(), f.GetName(), f.GetMessage(), f.GetRemedy()))
	}
}
