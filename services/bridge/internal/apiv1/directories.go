package apiv1

import (
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// unknownReason counts the quarantined files that no log knows a reason of.
const unknownReason = "unknown"

// DirectoryReportToAPI shows how a directory was judged.
func DirectoryReportToAPI(checked *fabricv1.CheckDirectoryResponse) *bridgev1.ValidateDirectoryResponse {
	report := checked.GetReport()
	return &bridgev1.ValidateDirectoryResponse{
		Valid: report.GetValid(), Structure: report.GetFileCounts(), Issues: each(report.GetIssues(), issueToAPI),
		CommitSha: checked.GetCommit(),
	}
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

// InitializeToAPI shows what a sync of the directory alone has made.
func InitializeToAPI(s *syncv1.Sync) *bridgev1.InitializeDirectoryResponse {
	remaining, right := remainingIssues(s)
	return &bridgev1.InitializeDirectoryResponse{
		Success: right, RepairsMade: s.GetResult().GetRepairsMade(), RemainingIssues: remaining,
		SyncId: s.GetSyncId(), CommitSha: s.GetResult().GetCommitSha(),
	}
}

// RepairToAPI shows what a sync of the directory alone has mended.
func RepairToAPI(s *syncv1.Sync) *bridgev1.RepairDirectoryResponse {
	remaining, right := remainingIssues(s)
	return &bridgev1.RepairDirectoryResponse{
		Success: right, RepairsMade: s.GetResult().GetRepairsMade(), RemainingIssues: remaining,
		SyncId: s.GetSyncId(), CommitSha: s.GetResult().GetCommitSha(),
	}
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

// DirectoryHealthToAPI shows how a directory is.
func DirectoryHealthToAPI(found *fabricv1.GetDirectoryHealthResponse) *bridgev1.GetDirectoryHealthResponse {
	report := found.GetReport()
	out := &bridgev1.GetDirectoryHealthResponse{
		Status: healthNames.name(found.GetStatus()), Reasons: found.GetReasons(), Structure: report.GetFileCounts(),
		Issues:       each(report.GetIssues(), issueToAPI),
		WaitingFiles: found.GetWaitingFiles(), QuarantinedFiles: found.GetQuarantinedFiles(),
		QuarantinedByCode: map[string]int32{},
		Resources:         found.GetResources(), ChangedSinceLastSync: found.GetChangedSinceLastSync(),
		CommitSha: found.GetCommit(), NextSyncAt: found.GetNextSyncAt(),
	}
	for code, n := range found.GetQuarantinedByCode() {
		if code == "" {
			code = unknownReason
		}
		out.QuarantinedByCode[code] = n
	}
	if last := found.GetLastSync(); last != nil {
		out.LastSyncId, out.LastSyncAt = last.GetSyncId(), last.GetCompletedAt()
		out.LastSyncState = stateNames.name(last.GetState())
	}
	return out
}
