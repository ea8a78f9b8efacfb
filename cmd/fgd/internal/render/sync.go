package render

import (
	"fmt"
	"io"
	"time"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Sync prints how a sync ended, after the diff and the plan when it was a dry run.
func Sync(w io.Writer, status *bridgev1.SyncStatus, dryRun bool) {
	result := status.GetResult()
	if dryRun && result.GetDiff() != "" {
		fmt.Fprint(w, result.GetDiff())
		plan(w, result.GetPlan())
	}
	findings(w, "error", status.GetErrors())
	findings(w, "warning", status.GetWarnings())
	t := newTable(w)
	t.row("state", "%s", status.GetState())
	t.row("commit", "%s", commitText(dryRun, status))
	outcome(t, status)
	t.row("time", "%s", status.GetCompletedAt().AsTime().Sub(status.GetAcceptedAt().AsTime()).Round(time.Millisecond))
	t.end()
}

// outcome says what a sync did, or what one that did not come to its end would have done.
func outcome(t table, status *bridgev1.SyncStatus) {
	result := status.GetResult()
	p := result.GetPlan()
	if status.GetState() != "completed" {
		if p != nil {
			t.row("would have", "%d created, %d updated, %d moved, %d deleted, %d quarantined", p.GetCreates(), p.GetUpdates(),
				p.GetMoves(), p.GetDeletes(), p.GetQuarantines())
		}
		return
	}
	t.row("files", "%d created, %d updated, %d removed", result.GetFilesCreated(), result.GetFilesUpdated(),
		result.GetFilesRemoved())
	t.row("quarantined", "%d", result.GetFilesQuarantined())
	t.row("resources", "%d (%d created, %d updated, %d moved, %d deleted)", result.GetResourcesTotal(), p.GetCreates(),
		p.GetUpdates(), p.GetMoves(), p.GetDeletes())
}

// plan prints what would become of each resource and file.
func plan(w io.Writer, plan *bridgev1.Plan) {
	t := newTable(w)
	for _, a := range plan.GetActions() {
		t.cells(a.GetAction(), resource(a.GetKind(), a.GetNamespace(), a.GetName()), a.GetFrom(), a.GetTo())
	}
	for _, o := range plan.GetOrphans() {
		t.cells("orphan", resource(o.GetKind(), o.GetNamespace(), o.GetName()), o.GetField(),
			"no "+o.GetMissingKind()+" "+o.GetMissingName())
	}
	t.end()
}

func resource(kind, namespace, name string) string {
	if kind == "" {
		return "-"
	}
	return kind + " " + namespace + "/" + name
}

func commitText(dryRun bool, status *bridgev1.SyncStatus) string {
	result := status.GetResult()
	switch {
	case status.GetState() != "completed":
		return "none"
	case dryRun:
		return "none (dry run)"
	case result.GetCommitSha() == "":
		return "none (nothing changed)"
	case result.GetCommitUrl() != "":
		return result.GetCommitSha() + " " + result.GetCommitUrl()
	default:
		return result.GetCommitSha()
	}
}

func findings(w io.Writer, severity string, findings []*bridgev1.Finding) {
	for _, f := range findings {
		fmt.Fprintf(w, "%s: %s%s %s: %s (%s)\n", severity, Position(f.GetFile(), f.GetLine(), f.GetColumn()), f.GetCode(),
			f.GetName(), f.GetMessage(), f.GetRemedy())
	}
}
