package grpcapi

import (
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

func syncToAPI(s *syncv1.Sync) *bridgev1.SyncStatus {
	return &bridgev1.SyncStatus{
		SyncId: s.GetSyncId(), FabricId: s.GetFabricId(), State: stateWords.word(s.GetState()),
		Trigger:   triggerWords.word(s.GetTrigger()),
		Progress:  progressToAPI(s.GetProgress(), s.GetState()),
		StartedAt: s.GetStartedAt(), UpdatedAt: s.GetUpdatedAt(), CompletedAt: s.GetCompletedAt(),
		AcceptedAt: s.GetAcceptedAt(),
		Errors:     findingsToAPI(s.GetErrors()), Warnings: findingsToAPI(s.GetWarnings()),
		Result: resultToAPI(s.GetResult()), RequestedBy: s.GetRequestedBy(),
		Transitions: transitionsToAPI(s.GetTransitions()),
	}
}

// progressToAPI adds the stages to come. A completed sync has none, even when it did not need them all.
func progressToAPI(p *syncv1.Progress, state syncv1.State) *bridgev1.Progress {
	out := &bridgev1.Progress{
		CurrentStage: stageWords.word(p.GetCurrentStage()), StagesCompleted: stageWords.list(p.GetStagesCompleted()),
		FilesProcessed: p.GetFilesProcessed(), TotalFiles: p.GetTotalFiles(), DocumentsProcessed: p.GetDocumentsProcessed(),
		PercentComplete: p.GetPercentComplete(),
	}
	if state != syncv1.State_STATE_COMPLETED {
		out.StagesPending = stageWords.without(out.GetStagesCompleted(), out.GetCurrentStage())
	}
	return out
}

func findingsToAPI(findings []*reportv1.Finding) []*bridgev1.Finding {
	out := make([]*bridgev1.Finding, 0, len(findings))
	for _, f := range findings {
		out = append(out, findingToAPI(f))
	}
	return out
}

func findingToAPI(f *reportv1.Finding) *bridgev1.Finding {
	if f == nil {
		return nil
	}
	return &bridgev1.Finding{
		Code: f.GetCode(), Name: f.GetName(), Message: f.GetMessage(), File: f.GetFile(), Line: f.GetLine(),
		Column: f.GetColumn(),
		Remedy: f.GetRemedy(),
	}
}

func resultToAPI(r *syncv1.Result) *bridgev1.Result {
	if r == nil {
		return nil
	}
	return &bridgev1.Result{
		CommitSha: r.GetCommitSha(), CommitUrl: r.GetCommitUrl(),
		FilesCreated: r.GetFiles().GetCreated(), FilesUpdated: r.GetFiles().GetUpdated(), FilesRemoved: r.GetFiles().
				GetRemoved(),
		FilesQuarantined: r.GetFilesQuarantined(), ResourcesTotal: r.GetResourcesTotal(), Diff: r.GetDiff(),
		Plan:        planToAPI(r.GetPlan()),
		PullRequest: pullRequestToAPI(r.GetPullRequest()),
	}
}

func transitionsToAPI(transitions []*syncv1.Transition) []*bridgev1.Transition {
	out := make([]*bridgev1.Transition, 0, len(transitions))
	for _, t := range transitions {
		out = append(out, &bridgev1.Transition{
			From: stateWords.word(t.GetFrom()), To: stateWords.word(t.GetTo()), Time: t.GetTime(), Cause: t.GetCause(),
		})
	}
	return out
}
