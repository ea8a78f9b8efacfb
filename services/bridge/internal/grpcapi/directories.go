package grpcapi

import (
	"context"
	"time"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// maxDirectoryWait bounds how long a call waits for the sync that mends a directory.
const maxDirectoryWait = time.Minute

// answerShare is the part of the caller's time that is kept for telling it that the sync still runs.
const answerShare = 20

// ValidateDirectory judges the directory's structure.
func (s *Server) ValidateDirectory(ctx context.Context,
	req *bridgev1.ValidateDirectoryRequest,
) (*bridgev1.ValidateDirectoryResponse, error) {
	checked, err := s.fabrics.CheckDirectory(ctx, &fabricv1.CheckDirectoryRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	report := checked.GetReport()
	out := &bridgev1.ValidateDirectoryResponse{
		Valid: report.GetValid(), Structure: report.GetFileCounts(),
		CommitSha: checked.GetCommit(),
	}
	for _, issue := range report.GetIssues() {
		out.Issues = append(out.Issues, issueToAPI(issue))
	}
	return out, nil
}

func issueToAPI(i *directoryv1.Issue) *bridgev1.DirectoryIssue {
	issue := findingToIssue(i.GetFinding())
	issue.CanAutoRepair = i.GetCanAutoRepair()
	return issue
}

func findingToIssue(f *reportv1.Finding) *bridgev1.DirectoryIssue {
	severity := "warning"
	if f.GetSeverity() == reportv1.Severity_SEVERITY_ERROR {
		severity = "error"
	}
	return &bridgev1.DirectoryIssue{
		Severity: severity, Code: f.GetCode(), Message: f.GetMessage(), Path: f.GetFile(), Remedy: f.GetRemedy(),
	}
}

// InitializeDirectory makes what is missing.
func (s *Server) InitializeDirectory(ctx context.Context,
	req *bridgev1.InitializeDirectoryRequest,
) (*bridgev1.InitializeDirectoryResponse, error) {
	sync, err := s.mend(ctx, req.GetFabricId(), req.GetCreateSamples())
	if err != nil {
		return nil, err
	}
	remaining, right := remainingIssues(sync)
	return &bridgev1.InitializeDirectoryResponse{
		Success: right, RepairsMade: sync.GetResult().GetRepairsMade(), RemainingIssues: remaining,
		SyncId: sync.GetSyncId(), CommitSha: sync.GetResult().GetCommitSha(),
	}, nil
}

// RepairDirectory mends what is damaged.
func (s *Server) RepairDirectory(ctx context.Context,
	req *bridgev1.RepairDirectoryRequest,
) (*bridgev1.RepairDirectoryResponse, error) {
	sync, err := s.mend(ctx, req.GetFabricId(), false)
	if err != nil {
		return nil, err
	}
	remaining, right := remainingIssues(sync)
	return &bridgev1.RepairDirectoryResponse{
		Success: right, RepairsMade: sync.GetResult().GetRepairsMade(), RemainingIssues: remaining,
		SyncId: sync.GetSyncId(), CommitSha: sync.GetResult().GetCommitSha(),
	}, nil
}

// mend runs a sync of the directory alone and waits for its end.
func (s *Server) mend(ctx context.Context, fabricID int32, createSamples bool) (*syncv1.Sync, error) {
	started, err := s.syncs.StartSync(ctx, &syncv1.StartSyncRequest{
		FabricId: fabricID, Trigger: syncv1.Trigger_TRIGGER_MANUAL, RequestedBy: caller(ctx),
		Options: &syncv1.SyncOptions{Scope: syncv1.Scope_SCOPE_DIRECTORY, CreateSamples: createSamples},
	})
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, directoryWait(ctx))
	defer cancel()
	ignore := func(*syncv1.SyncEvent) error { return nil }
	if err := s.watch(waiting, started.GetSyncId(), ignore); err != nil {
		if waiting.Err() != nil && ctx.Err() == nil {
			return nil, stillRunning(started.GetSyncId())
		}
		return nil, err
	}
	found, err := s.syncs.GetSync(ctx, &syncv1.GetSyncRequest{SyncId: started.GetSyncId()})
	if err != nil {
		return nil, err
	}
	return found.GetSync(), failureOf(found.GetSync())
}

func directoryWait(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return maxDirectoryWait
	}
	left := time.Until(deadline)
	return min(left-left/answerShare, maxDirectoryWait)
}

func stillRunning(syncID string) error {
	return errs.New(errs.SyncTimeout, "The sync of the directory has not ended yet; it goes on.").
		WithRemedy("Follow it at %s.", trackingURL(syncID)).WithMeta("sync_id", syncID)
}

// failureOf returns the error of a sync that did not complete.
func failureOf(s *syncv1.Sync) error {
	switch s.GetState() {
	case syncv1.State_STATE_COMPLETED:
		return nil
	case syncv1.State_STATE_CANCELLED:
		return errs.New(errs.DirectoryRepairFailed, "The sync of the directory was cancelled.").
			WithMeta("sync_id", s.GetSyncId())
	case syncv1.State_STATE_FAILED:
	default: // the stream of its events ended early
		return stillRunning(s.GetSyncId())
	}
	if len(s.GetErrors()) == 0 {
		return errs.New(errs.DirectoryRepairFailed, "The sync of the directory failed.").WithMeta("sync_id", s.GetSyncId())
	}
	return errs.FromFinding(s.GetErrors()[0]).WithMeta("sync_id", s.GetSyncId())
}

// remainingIssues returns what a person has to look at, and whether the directory is right all the same.
func remainingIssues(s *syncv1.Sync) (issues []*bridgev1.DirectoryIssue, right bool) {
	right = true
	for _, findings := range [][]*reportv1.Finding{s.GetErrors(), s.GetWarnings()} {
		for _, f := range findings {
			issues = append(issues, findingToIssue(f))
			right = right && f.GetSeverity() != reportv1.Severity_SEVERITY_ERROR
		}
	}
	return issues, right
}
