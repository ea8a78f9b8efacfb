// Package fabricstatus says in one word how a fabric is, and why. It is the one place where that is decided.
package fabricstatus

import (
	"time"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// overdueAfter is how many intervals may pass without a success.
const overdueAfter = 2

// Of returns how a fabric is, of which something is remembered, at a time. Of several words that would do the first of
// these counts:
//
//	suspended  no sync of it may publish: it is suspended, or its mode is not on
//	running    a sync of it is active, of whatever kind
//	failing    the last sync of the whole directory failed
//	overdue    it has an interval, and for two of them, or since its registration, no sync has completed
//	degraded   no sync has completed at all, the last one was cancelled or left errors, or files are in quarantine
//	ok         none of these
//
// Dry runs, repairs of the structure and edits that were refused are no such syncs.
func Of(f *fabricv1.Fabric, s state.Standing, now time.Time) *fabricv1.FabricStatus {
	out := &fabricv1.FabricStatus{ActiveSyncId: s.Active, LastSync: s.Last, Published: s.Published}
	out.State, out.Reason = judge(f, s, now)
	return out
}

func judge(f *fabricv1.Fabric, s state.Standing, now time.Time) (fabricv1.FabricState, *reportv1.Finding) {
	switch {
	case f.GetSuspension() != nil:
		return fabricv1.FabricState_FABRIC_STATE_SUSPENDED, reason(errs.FabricSuspended, "%s suspended it: %s",
			f.GetSuspension().GetSuspendedBy(), f.GetSuspension().GetReason())
	case !state.IsOn(f):
		return fabricv1.FabricState_FABRIC_STATE_SUSPENDED, reason(errs.FabricNotOn,
			"Its mode is %s: no sync of it may publish.", state.ModeWord(f))
	case s.Active != "":
		return fabricv1.FabricState_FABRIC_STATE_RUNNING, nil
	case s.Last.GetState() == syncv1.State_STATE_FAILED:
		return fabricv1.FabricState_FABRIC_STATE_FAILING, firstError(s.Last)
	case overdue(f, s, now):
		return fabricv1.FabricState_FABRIC_STATE_OVERDUE, reason(errs.SyncOverdue,
			"No sync has completed since %s, and one should every %s.", since(f, s).UTC().Format(time.RFC3339), interval(f))
	}
	if why := wantsSomebody(s); why != nil {
		return fabricv1.FabricState_FABRIC_STATE_DEGRADED, why
	}
	return fabricv1.FabricState_FABRIC_STATE_OK, nil
}

// wantsSomebody returns what somebody has to do though syncs complete; nil for nothing.
func wantsSomebody(s state.Standing) *reportv1.Finding {
	quarantined := s.Published.GetQuarantinedFiles()
	switch {
	case s.LastSuccess.IsZero():
		return reason(errs.NoCompletedSync, "No sync of it has completed yet.")
	case s.Last.GetState() == syncv1.State_STATE_CANCELLED:
		return reason(errs.SyncCancelled, "The last sync was cancelled.")
	case s.Last.GetErrorsTotal() > 0:
		return firstError(s.Last)
	case quarantined == 1:
		return reason(errs.FilesInQuarantine, "One file is in quarantine.")
	case quarantined > 1:
		return reason(errs.FilesInQuarantine, "%d files are in quarantine.", quarantined)
	}
	return nil
}

func firstError(last *fabricv1.LastSync) *reportv1.Finding {
	if last.GetError() == nil {
		return reason(errs.SyncFailed, "The last sync failed.")
	}
	return last.GetError()
}

func overdue(f *fabricv1.Fabric, s state.Standing, now time.Time) bool {
	return interval(f) > 0 && now.Sub(since(f, s)) > overdueAfter*interval(f)
}

func interval(f *fabricv1.Fabric) time.Duration {
	return time.Duration(f.GetSyncIntervalSeconds()) * time.Second
}

// since returns from when on a success is missed.
func since(f *fabricv1.Fabric, s state.Standing) time.Time {
	if s.LastSuccess.IsZero() {
		return f.GetCreatedAt().AsTime()
	}
	return s.LastSuccess
}

func reason(code errs.Code, format string, args ...any) *reportv1.Finding {
	return errs.NewFinding(code, reportv1.Severity_SEVERITY_ERROR, format, args...)
}
