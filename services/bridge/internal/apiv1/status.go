package apiv1

import (
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// SyncToAPI shows a sync.
func SyncToAPI(s *syncv1.Sync) *bridgev1.SyncStatus {
	return &bridgev1.SyncStatus{
		SyncId: s.GetSyncId(), FabricId: s.GetFabricId(), State: stateNames.name(s.GetState()),
		Trigger:   triggerNames.name(s.GetTrigger()),
		Progress:  progressToAPI(s.GetProgress(), s.GetState()),
		StartedAt: s.GetStartedAt(), UpdatedAt: s.GetUpdatedAt(), CompletedAt: s.GetCompletedAt(),
		AcceptedAt: s.GetAcceptedAt(),
		Errors:     each(s.GetErrors(), FindingToAPI), Warnings: each(s.GetWarnings(), FindingToAPI),
		Result: resultToAPI(s.GetResult()), RequestedBy: s.GetRequestedBy(), RequestedVia: s.GetRequestedVia(),
		Transitions: each(s.GetTransitions(), transitionToAPI), Folded: s.GetFolded(),
		ErrorsTotal: s.GetErrorsTotal(), WarningsTotal: s.GetWarningsTotal(),
		ValidateOnly: s.GetOptions().GetValidateOnly(), Kind: kindOf(s),
		RestoreCommit: s.GetOptions().GetRestoreCommit(), RestorePaths: s.GetOptions().GetRestorePaths(),
		TraceId: s.GetTraceId(),
	}
}

// kindOf returns what a sync is for.
func kindOf(s *syncv1.Sync) string {
	switch o := s.GetOptions(); {
	case s.GetEdits():
		return "edit"
	case o.GetRestoreCommit() != "":
		return "restore"
	case len(o.GetReleasePaths()) > 0:
		return "release"
	case o.GetRetryQuarantined() || len(o.GetRetryPaths()) > 0:
		return "retry"
	case o.GetScope() == syncv1.Scope_SCOPE_DIRECTORY:
		return "directory"
	}
	return "full"
}

// SyncsToAPI shows a page of the syncs of a fabric.
func SyncsToAPI(found *syncv1.ListSyncsResponse) *bridgev1.ListSyncsResponse {
	return &bridgev1.ListSyncsResponse{Syncs: each(found.GetSyncs(), SyncToAPI), Total: found.GetTotal()}
}

// progressToAPI adds the stages to come. A completed sync has none, even when it did not need them all.
func progressToAPI(p *syncv1.Progress, state syncv1.State) *bridgev1.Progress {
	out := &bridgev1.Progress{
		CurrentStage: stageNames.name(p.GetCurrentStage()), StagesCompleted: stageNames.list(p.GetStagesCompleted()),
		FilesProcessed: p.GetFilesProcessed(), TotalFiles: p.GetTotalFiles(), DocumentsProcessed: p.GetDocumentsProcessed(),
		PercentComplete: p.GetPercentComplete(),
	}
	if state != syncv1.State_STATE_COMPLETED {
		out.StagesPending = stageNames.without(out.GetStagesCompleted(), out.GetCurrentStage())
	}
	return out
}

// FindingToAPI shows an error or a warning; none stays none.
func FindingToAPI(f *reportv1.Finding) *bridgev1.Finding {
	if f == nil {
		return nil
	}
	return &bridgev1.Finding{
		Code: f.GetCode(), Name: f.GetName(), Message: f.GetMessage(), File: f.GetFile(), Line: f.GetLine(),
		Column: f.GetColumn(), Remedy: f.GetRemedy(),
	}
}

func resultToAPI(r *syncv1.Result) *bridgev1.Result {
	if r == nil {
		return nil
	}
	files := r.GetFiles()
	return &bridgev1.Result{
		CommitSha: r.GetCommitSha(), CommitUrl: r.GetCommitUrl(),
		FilesCreated: files.GetCreated(), FilesUpdated: files.GetUpdated(), FilesRemoved: files.GetRemoved(),
		FilesQuarantined: r.GetFilesQuarantined(), ResourcesTotal: r.GetResourcesTotal(),
		Counts: countsToAPI(r.GetPlan()), PullRequest: pullRequestToAPI(r.GetPullRequest()),
		BaseCommit: r.GetBaseCommit(),
	}
}

func transitionToAPI(t *syncv1.Transition) *bridgev1.Transition {
	return &bridgev1.Transition{
		From: stateNames.name(t.GetFrom()), To: stateNames.name(t.GetTo()), Time: t.GetTime(), Cause: t.GetCause(),
	}
}

// EventToAPI shows a message of the live progress of a sync.
func EventToAPI(e *syncv1.SyncEvent) *bridgev1.StreamSyncEventsResponse {
	return &bridgev1.StreamSyncEventsResponse{
		Type: e.GetType(), SyncId: e.GetSyncId(), Timestamp: e.GetTime(),
		Data: &bridgev1.SyncEventData{
			State: stateNames.name(e.GetState()), Stage: stageNames.name(e.GetStage()),
			Progress: e.GetProgress().GetPercentComplete(), CurrentFile: e.GetCurrentFile(),
			FilesProcessed: e.GetProgress().GetFilesProcessed(), TotalFiles: e.GetProgress().GetTotalFiles(),
			Finding: FindingToAPI(e.GetFinding()), Result: resultToAPI(e.GetResult()),
		},
	}
}
