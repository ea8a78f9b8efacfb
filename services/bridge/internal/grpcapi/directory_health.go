package grpcapi

import (
	"context"

	"fgdsync.dev/libs/layout"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// Parts of a directory that have no folder name to be called by.
const (
	partMetadata = "metadata"
	partOther    = "other"
)

// ListDirectoryChanges says which files differ between a commit and the branch head.
func (s *Server) ListDirectoryChanges(ctx context.Context,
	req *bridgev1.ListDirectoryChangesRequest,
) (*bridgev1.ListDirectoryChangesResponse, error) {
	found, err := s.fabrics.ListChanges(ctx, &fabricv1.ListChangesRequest{
		FabricId:    req.GetFabricId(),
		SinceCommit: req.GetSince(),
	})
	if err != nil {
		return nil, err
	}
	out := &bridgev1.ListDirectoryChangesResponse{
		Total: clamp(int64(len(found.GetChanges()))), SinceSha: found.GetSinceCommit(), CommitSha: found.GetCommit(),
	}
	for _, change := range found.GetChanges() {
		out.Changes = append(out.Changes, &bridgev1.DirectoryChange{
			Path: change.GetPath(), Change: changeWords.word(change.GetKind()), Part: partOf(change.GetPath()),
			OldBlobSha: change.GetOldBlobId(), NewBlobSha: change.GetNewBlobId(),
		})
	}
	return out, nil
}

func partOf(path string) string {
	switch part := layout.Part(path); part {
	case layout.Metadata:
		return partMetadata
	case "":
		return partOther
	default:
		return part
	}
}

// GetDirectoryHealth sums up how the directory is.
func (s *Server) GetDirectoryHealth(ctx context.Context,
	req *bridgev1.GetDirectoryHealthRequest,
) (*bridgev1.GetDirectoryHealthResponse, error) {
	found, err := s.fabrics.GetDirectoryHealth(ctx, &fabricv1.GetDirectoryHealthRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	out := &bridgev1.GetDirectoryHealthResponse{
		Status: healthWords.word(found.GetStatus()), Reasons: found.GetReasons(), Structure: found.GetReport().
			GetFileCounts(),
		WaitingFiles: found.GetWaitingFiles(), QuarantinedFiles: found.GetQuarantinedFiles(),
		QuarantinedByCode: map[string]int32{},
		Resources:         found.GetResources(), ChangedSinceLastSync: found.GetChangedSinceLastSync(),
		CommitSha: found.GetCommit(),
	}
	for _, issue := range found.GetReport().GetIssues() {
		out.Issues = append(out.Issues, issueToAPI(issue))
	}
	for code, n := range found.GetQuarantinedByCode() {
		if code == "" {
			code = "unknown"
		}
		out.QuarantinedByCode[code] = n
	}
	if last := found.GetLastSync(); last != nil {
		out.LastSyncId, out.LastSyncState, out.LastSyncAt = last.GetSyncId(), stateWords.word(last.GetState()), last.GetCompletedAt()
	}
	return out, nil
}
