package apiv1

import (
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// SyncPlanRequest returns the request for the plan that a caller wants to see.
func SyncPlanRequest(req *bridgev1.GetSyncPlanRequest) *syncv1.GetSyncPlanRequest {
	return &syncv1.GetSyncPlanRequest{
		SyncId: req.GetSyncId(), Limit: Limit(req.GetLimit(), DefaultActions), PageToken: req.GetPageToken(),
	}
}

// SyncPlanToAPI shows a page of a plan.
func SyncPlanToAPI(found *syncv1.GetSyncPlanResponse) *bridgev1.GetSyncPlanResponse {
	return &bridgev1.GetSyncPlanResponse{
		Plan: planToAPI(found.GetPlan()), Total: found.GetTotal(), NextPageToken: found.GetNextPageToken(),
	}
}

// SyncDiffRequest returns the request for the diff that a caller wants to see.
func SyncDiffRequest(req *bridgev1.GetSyncDiffRequest) *syncv1.GetSyncDiffRequest {
	return &syncv1.GetSyncDiffRequest{
		SyncId: req.GetSyncId(), Limit: Limit(req.GetLimit(), DefaultDiffLines), PageToken: req.GetPageToken(),
	}
}

// SyncDiffToAPI shows a page of a diff.
func SyncDiffToAPI(found *syncv1.GetSyncDiffResponse) *bridgev1.GetSyncDiffResponse {
	return &bridgev1.GetSyncDiffResponse{
		Diff: found.GetDiff(), Total: found.GetTotal(), NextPageToken: found.GetNextPageToken(),
		SameMeaning: found.GetSameMeaning(),
	}
}

func planToAPI(p *syncv1.Plan) *bridgev1.Plan {
	if p == nil {
		return nil
	}
	counts := p.GetCounts()
	return &bridgev1.Plan{
		Creates: counts.GetCreates(), Updates: counts.GetUpdates(), Moves: counts.GetMoves(),
		Quarantines: counts.GetQuarantines(), Deletes: counts.GetDeletes(), Duplicates: counts.GetDuplicates(),
		Releases:        counts.GetReleases(),
		ResourcesBefore: counts.GetResourcesBefore(), DeletesAllowed: counts.GetDeletesAllowed(),
		Actions: each(p.GetActions(), actionToAPI), Orphans: each(p.GetOrphans(), orphanToAPI),
	}
}

// countsToAPI shows of a plan what a status has: the rest has pages of its own.
func countsToAPI(p *syncv1.Plan) *bridgev1.PlanCounts {
	if p == nil {
		return nil
	}
	counts := p.GetCounts()
	return &bridgev1.PlanCounts{
		Creates: counts.GetCreates(), Updates: counts.GetUpdates(), Moves: counts.GetMoves(),
		Quarantines: counts.GetQuarantines(), Deletes: counts.GetDeletes(), Duplicates: counts.GetDuplicates(),
		Releases: counts.GetReleases(),
	}
}

func actionToAPI(a *syncv1.PlannedAction) *bridgev1.PlannedAction {
	r := a.GetResource()
	return &bridgev1.PlannedAction{
		Action: a.GetAction(), Kind: r.GetKind(), Namespace: r.GetNamespace(), Name: r.GetName(), From: a.GetFrom(),
		To: a.GetTo(),
	}
}

func orphanToAPI(o *reportv1.DanglingReference) *bridgev1.Orphan {
	return &bridgev1.Orphan{
		Kind: o.GetFrom().GetKind(), Namespace: o.GetFrom().GetNamespace(), Name: o.GetFrom().GetName(), Field: o.GetField(),
		MissingKind: o.GetTo().GetKind(), MissingName: o.GetTo().GetName(),
	}
}
