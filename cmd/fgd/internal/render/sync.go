package render

import (
	"cmp"
	"strings"
	"time"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Run is the sync that a command asked for.
type Run struct {
	Repository, Branch, Directory string                      // empty of a fabric of a running system
	Plan                          *bridgev1.Plan              // what became of each resource and file
	Diff                          string                      // of a dry run
	StatOnly                      bool                        // of the diff
	Next                          func(command string) string // the call of another command for the same directory
}

// NewSync returns how a sync ended as a document: its status, with the plan and the diff of a dry run in its result.
func NewSync(status *bridgev1.SyncStatus, plan *bridgev1.Plan, diff string) (any, error) {
	document, err := Plain(status)
	if err != nil {
		return nil, err
	}
	object, _ := document.(map[string]any) // of a message
	result, ended := object["result"].(map[string]any)
	if !ended || plan == nil {
		return document, nil
	}
	result["diff"] = diff
	result["plan"], err = Plain(plan)
	return document, err
}

// Sync prints how a sync ended, after the diff and the plan when it was a dry run.
func Sync(s *Screen, status *bridgev1.SyncStatus, run Run) {
	if run.Diff != "" {
		diff(s, run.Diff, run.StatOnly)
		plan(s, run.Plan)
	}
	findings(s, "error", status.GetErrors())
	findings(s, "warning", status.GetWarnings())
	f := s.facts()
	ending(f, status)
	if run.Repository != "" {
		f.add("repository", "%s, branch %s, directory %s", run.Repository, run.Branch, cmp.Or(run.Directory, "/"))
	} else {
		f.add("sync", "%s of fabric %d", status.GetSyncId(), status.GetFabricId())
	}
	f.add("commit", "%s", commitText(status.GetValidateOnly(), status))
	outcome(f, status)
	f.add("time", "%s", status.GetCompletedAt().AsTime().Sub(status.GetAcceptedAt().AsTime()).Round(time.Millisecond))
	next(f, status, run)
	f.end()
}

func ending(f *facts, status *bridgev1.SyncStatus) {
	state, mark, style := status.GetState(), "✗ ", f.screen.bad
	if state == "completed" {
		mark, style = "✔ ", f.screen.good
	}
	if !f.screen.Terminal() {
		mark = ""
	}
	f.styled(style, "state", "%s%s", mark, state)
}

// outcome says what a sync did, or what one that did not come to its end would have done.
func outcome(f *facts, status *bridgev1.SyncStatus) {
	result := status.GetResult()
	p := result.GetCounts()
	if status.GetState() != "completed" {
		if p != nil {
			f.add("would have", "%d created, %d updated, %d moved, %d deleted, %d quarantined", p.GetCreates(), p.GetUpdates(),
				p.GetMoves(), p.GetDeletes(), p.GetQuarantines())
		}
		return
	}
	f.add("files", "%d created, %d updated, %d removed", result.GetFilesCreated(), result.GetFilesUpdated(),
		result.GetFilesRemoved())
	style := f.screen.warn
	if result.GetFilesQuarantined() == 0 {
		style = nil
	}
	f.styled(style, "quarantined", "%d", result.GetFilesQuarantined())
	f.add("resources", "%d (%d created, %d updated, %d moved, %d deleted)", result.GetResourcesTotal(), p.GetCreates(),
		p.GetUpdates(), p.GetMoves(), p.GetDeletes())
}

// next says what somebody may want to do after this.
func next(f *facts, status *bridgev1.SyncStatus, run Run) {
	result := status.GetResult()
	quarantined, commit := result.GetFilesQuarantined(), result.GetCommitSha()
	switch {
	case run.Next == nil:
	case status.GetState() == "failed":
		f.add("next", "do what the error says in brackets, and call it again")
	case status.GetState() != "completed":
	case status.GetValidateOnly():
		if run.Diff != "" {
			f.add("next", "nothing is changed yet; call it again without --dry-run")
		}
	case quarantined > 0:
		f.add("next", "%d quarantined: %s", quarantined, run.Next("quarantine list"))
	case commit != "":
		f.add("next", "see what changed: %s %s~1 %s", run.Next("diff"), short(commit), short(commit))
	}
}

// plan prints what would become of each resource and file.
func plan(s *Screen, plan *bridgev1.Plan) {
	t := newTable(s, 0)
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
		return "none: nothing was published"
	case dryRun:
		return "none (dry run)"
	case result.GetCommitSha() == "":
		return "none (nothing changed)"
	default:
		return strings.TrimSpace(result.GetCommitSha() + " " + result.GetCommitUrl())
	}
}

func findings(s *Screen, severity string, findings []*bridgev1.Finding) {
	style := s.bad
	if severity == "warning" {
		style = s.warn
	}
	for _, f := range findings {
		s.line(style, severity+": ", Position(f.GetFile(), f.GetLine(), f.GetColumn())+
			said(f.GetCode(), f.GetName(), f.GetMessage(), f.GetRemedy()))
	}
}

// said is the one form in which every command prints a code and what belongs to it.
func said(code, name, message, remedy string) string {
	return code + " " + name + ": " + message + " (" + remedy + ")"
}
