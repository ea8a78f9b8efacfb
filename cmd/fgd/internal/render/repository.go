package render

import (
	"fmt"
	"io"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// Connection prints how a repository can be reached.
func Connection(w io.Writer, c *gitv1.Connection) {
	t := newTable(w)
	t.row("reachable", "%s", yesOrNo(c.GetReachable()))
	t.row("authenticated", "%s", yesOrNo(c.GetAuthenticated()))
	t.row("can read", "%s", yesOrNo(c.GetCanRead()))
	t.row("can push", "%s", yesOrNo(c.GetCanPush()))
	t.row("branch exists", "%s", yesOrNo(c.GetBranchExists()))
	t.row("empty", "%s", yesOrNo(c.GetEmpty()))
	if c.BranchProtected != nil {
		t.row("branch protected", "%s", yesOrNo(c.GetBranchProtected()))
	}
	t.row("default branch", "%s", c.GetDefaultBranch())
	t.end()
	for _, p := range c.GetProblems() {
		fmt.Fprintf(w, "problem: %s %s: %s (%s)\n", p.GetCode(), p.GetName(), p.GetMessage(), p.GetRemedy())
	}
}

// Quarantine prints what is in quarantine, and why.
func Quarantine(w io.Writer, list *ingestionv1.ListQuarantineResponse) {
	for _, file := range list.GetFiles() {
		quarantined(w, file)
	}
	fmt.Fprintf(w, "in quarantine: %d\n", len(list.GetFiles()))
}

// QuarantinedFile prints a file in quarantine, why it is there, and what it holds.
func QuarantinedFile(w io.Writer, file *reportv1.QuarantinedFile, content []byte) {
	quarantined(w, file)
	t := newTable(w)
	t.row("origin", "%s", file.GetOrigin())
	t.row("blob", "%s", file.GetOriginBlobId())
	t.row("commit", "%s", file.GetOriginCommit())
	t.row("since", "%s", file.GetQuarantinedAt().AsTime().Format(timeForm))
	t.end()
	fmt.Fprintf(w, "\n%s", content)
}

// quarantined prints a file as findings are printed.
func quarantined(w io.Writer, file *reportv1.QuarantinedFile) {
	reason := file.GetReason()
	if reason == nil {
		fmt.Fprintf(w, "%s: no log says why\n", file.GetPath())
		return
	}
	changed := ""
	if file.GetChanged() {
		changed = " [changed: the next sync judges it again]"
	}
	fmt.Fprintf(w, "%s%s %s: %s (%s)%s\n", Position(file.GetPath(), reason.GetLine(), reason.GetColumn()),
		reason.GetCode(), reason.GetName(), reason.GetMessage(), reason.GetRemedy(), changed)
}

// Validated prints a line for everything that was found in a file, and returns how much that is.
func Validated(w io.Writer, file *ingestionv1.ValidateFilesResponse) int {
	for _, f := range file.GetFindings() {
		fmt.Fprintf(w, "%s:%d:%d: %s %s (%s)\n", file.GetPath(), max(f.GetLine(), 1), max(f.GetColumn(), 1), f.GetCode(),
			f.GetMessage(), f.GetRemedy())
	}
	return len(file.GetFindings())
}
