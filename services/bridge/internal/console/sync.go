package console

import (
	"strings"

	"golang.org/x/sync/errgroup"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// stage is a stage of a sync, as its bar shows it.
type stage struct {
	Name  string
	State string // done, now, to_come or stopped
}

var stages = []string{ //nolint:gochecknoglobals // read only
	"validation", "discovery", "file_ingestion", "github_sync", "reconciliation",
}

// syncView is a sync, as a page and its live part show it.
type syncView struct {
	*bridgev1.SyncStatus

	Stages      []stage
	CurrentFile string
	Plan        *bridgev1.GetSyncPlanResponse
	FabricName  string
	TraceURL    string
}

// ended reports whether a state is one that nothing follows.
func ended(state string) bool {
	return state == "completed" || state == "failed" || state == "cancelled"
}

// Ended reports whether the sync is over.
func (s *syncView) Ended() bool { return ended(s.GetState()) }

// viewOf returns a sync as it is shown.
func viewOf(status *bridgev1.SyncStatus) *syncView {
	s := &syncView{SyncStatus: status}
	left := map[string]bool{}
	for _, name := range status.GetProgress().GetStagesCompleted() {
		left[name] = true
	}
	current := status.GetProgress().GetCurrentStage()
	for _, name := range stages {
		state := "to_come"
		switch {
		case status.GetState() == "completed", left[name]:
			state = "done"
		case name == current && s.Ended():
			state = "stopped"
		case name == current:
			state = "now"
		}
		s.Stages = append(s.Stages, stage{name, state})
	}
	return s
}

// showSync shows a sync: live while it runs, and as its record afterwards.
func (v *visit) showSync() error {
	answer, err := ask(v, v.api.syncs.GetSyncStatus, &bridgev1.GetSyncStatusRequest{SyncId: v.r.PathValue("sync")})
	if err != nil {
		return err
	}
	s := viewOf(answer.GetStatus())
	s.TraceURL = v.traceURL(s.GetTraceId())
	var work errgroup.Group
	work.Go(func() error {
		fabric, err := ask(v, v.api.fabrics.GetFabric, &bridgev1.GetFabricRequest{FabricId: s.GetFabricId()})
		s.FabricName = fabric.GetFabric().GetName()
		return err
	})
	if s.Ended() {
		work.Go(func() (err error) {
			const most = 12
			s.Plan, err = ask(v, v.api.syncs.GetSyncPlan, &bridgev1.GetSyncPlanRequest{SyncId: s.GetSyncId(), Limit: most})
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	return v.show("sync", view{Title: "Sync " + short(s.GetSyncId()), Section: "syncs", Data: s})
}

// TraceID stands for the id of a trace in the address where traces are shown.
const TraceID = "{trace_id}"

// traceURL returns where a trace is shown; empty where none is.
func (v *visit) traceURL(id string) string {
	if id == "" {
		return ""
	}
	return strings.ReplaceAll(v.traces, TraceID, id)
}

// cancelSync asks a sync to end.
func (v *visit) cancelSync() error {
	id := v.r.PathValue("sync")
	if _, err := ask(v, v.api.syncs.CancelSync, &bridgev1.CancelSyncRequest{SyncId: id}); err != nil {
		return err
	}
	return v.see(syncPath(id))
}

// removal is a resource that a sync takes away, and what still names it.
type removal struct {
	*bridgev1.PlannedAction

	NamedBy []*bridgev1.Orphan
}

// planView is what a sync did, or would do.
type planView struct {
	Sync     *syncView
	Plan     *bridgev1.Plan
	Others   []*bridgev1.PlannedAction // without the removals
	Removals []*removal
	Diff     *bridgev1.GetSyncDiffResponse // nil where there is none
	Next     string
}

// viewOfPlan returns a plan as it is shown: what it takes away with what still names it.
func viewOfPlan(s *syncView, diff *bridgev1.GetSyncDiffResponse, next string) *planView {
	p := &planView{Sync: s, Plan: s.Plan.GetPlan(), Next: next}
	if diff.GetDiff() != "" {
		p.Diff = diff
	}
	named := map[string][]*bridgev1.Orphan{}
	for _, orphan := range p.Plan.GetOrphans() {
		missing := orphan.GetMissingKind() + "/" + orphan.GetMissingName()
		named[missing] = append(named[missing], orphan)
	}
	for _, action := range p.Plan.GetActions() {
		if action.GetAction() == "delete" {
			p.Removals = append(p.Removals, &removal{action, named[action.GetKind()+"/"+action.GetName()]})
			continue
		}
		p.Others = append(p.Others, action)
	}
	return p
}

// Refused reports whether a sync that takes away so many is refused, unless somebody forces it.
func (p *planView) Refused() bool { return p.Plan.GetDeletes() > p.Plan.GetDeletesAllowed() }

// CanBeDone reports whether a sync can do exactly what the plan says: it is that of a dry run which has completed, of
// a whole sync or of a restore.
func (p *planView) CanBeDone() bool {
	kind := p.Sync.GetKind()
	return (kind == "full" || kind == "restore") && p.Sync.GetValidateOnly() && p.Sync.GetState() == "completed" &&
		p.Sync.GetResult().GetBaseCommit() != "" && len(p.Plan.GetActions()) > 0 && !p.Refused()
}

// showPlan shows what a sync did to resources and files, or would do, and the diff of a dry run.
func (v *visit) showPlan() error {
	id := v.r.PathValue("sync")
	answer, err := ask(v, v.api.syncs.GetSyncStatus, &bridgev1.GetSyncStatusRequest{SyncId: id})
	if err != nil {
		return err
	}
	s := viewOf(answer.GetStatus())
	var work errgroup.Group
	var diff *bridgev1.GetSyncDiffResponse
	work.Go(func() (err error) {
		const most = 500
		s.Plan, err = ask(v, v.api.syncs.GetSyncPlan,
			&bridgev1.GetSyncPlanRequest{SyncId: id, Limit: most, PageToken: v.query("page")})
		return err
	})
	work.Go(func() (err error) {
		diff, err = ask(v, v.api.syncs.GetSyncDiff, &bridgev1.GetSyncDiffRequest{SyncId: id, Limit: maxLines})
		return err
	})
	if err := work.Wait(); err != nil {
		return err
	}
	return v.show("plan", view{
		Title: "Plan of " + short(id), Section: "syncs",
		Data: viewOfPlan(s, diff, v.nextPage(s.Plan.GetNextPageToken())),
	})
}
