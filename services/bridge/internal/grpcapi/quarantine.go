package grpcapi

import (
	"context"
	"unicode/utf8"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// ListQuarantine lists what is in quarantine at the branch head.
func (s *Server) ListQuarantine(ctx context.Context,
	req *bridgev1.ListQuarantineRequest,
) (*bridgev1.ListQuarantineResponse, error) {
	found, err := s.fabrics.ListQuarantine(ctx, &fabricv1.ListQuarantineRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	out := &bridgev1.ListQuarantineResponse{Total: clamp(int64(len(found.GetFiles()))), CommitSha: found.GetCommit()}
	for _, file := range found.GetFiles() {
		out.Files = append(out.Files, quarantinedToAPI(file))
	}
	return out, nil
}

// GetQuarantinedFile shows a file in quarantine with its content.
func (s *Server) GetQuarantinedFile(ctx context.Context,
	req *bridgev1.GetQuarantinedFileRequest,
) (*bridgev1.GetQuarantinedFileResponse, error) {
	if req.GetPath() == "" {
		return nil, invalid("path", "path is missing.")
	}
	found, err := s.fabrics.ListQuarantine(ctx, &fabricv1.ListQuarantineRequest{
		FabricId: req.GetFabricId(),
		Path:     req.GetPath(), IncludeContent: true,
	})
	if err != nil {
		return nil, err
	}
	return &bridgev1.GetQuarantinedFileResponse{File: quarantinedToAPI(found.GetFiles()[0])}, nil
}

func quarantinedToAPI(q *fabricv1.QuarantinedFile) *bridgev1.QuarantinedFile {
	file := q.GetFile()
	out := &bridgev1.QuarantinedFile{
		Path: file.GetPath(), BlobSha: file.GetBlobId(), Size: clamp(file.GetSize()), Origin: file.GetOrigin(),
		OriginDocument: file.OriginDocument,
		OriginBlobSha:  file.GetOriginBlobId(), OriginCommitSha: file.GetOriginCommit(),
		QuarantinedAt: file.GetQuarantinedAt(), Changed: file.GetChanged(),
	}
	if file.GetReason() != nil {
		out.Reason = findingToAPI(file.GetReason())
	}
	if q.Content != nil && utf8.Valid(q.GetContent()) {
		content := string(q.GetContent())
		out.Content = &content
	}
	return out
}

// RetryQuarantined starts a sync that judges files in quarantine again.
func (s *Server) RetryQuarantined(ctx context.Context,
	req *bridgev1.RetryQuarantinedRequest,
) (*bridgev1.RetryQuarantinedResponse, error) {
	if len(req.GetPaths()) == 0 && !req.GetAll() {
		return nil, invalid("paths", "paths is empty, and all is not set.")
	}
	started, err := s.start(ctx, req.GetFabricId(), &syncv1.SyncOptions{
		Scope: syncv1.Scope_SCOPE_FULL, RetryQuarantined: req.GetAll(), RetryPaths: req.GetPaths(),
	})
	if err != nil {
		return nil, err
	}
	return &bridgev1.RetryQuarantinedResponse{
		SyncId: started.GetSyncId(), Status: started.GetStatus(),
		StatusUrl: started.GetStatusUrl(),
	}, nil
}

// ReleaseQuarantined starts a sync that puts files in quarantine back to where they came from.
func (s *Server) ReleaseQuarantined(ctx context.Context,
	req *bridgev1.ReleaseQuarantinedRequest,
) (*bridgev1.ReleaseQuarantinedResponse, error) {
	if len(req.GetPaths()) == 0 {
		return nil, invalid("paths", "paths is empty.")
	}
	started, err := s.start(ctx, req.GetFabricId(), &syncv1.SyncOptions{
		Scope:        syncv1.Scope_SCOPE_FULL,
		ReleasePaths: req.GetPaths(),
	})
	if err != nil {
		return nil, err
	}
	return &bridgev1.ReleaseQuarantinedResponse{
		SyncId: started.GetSyncId(), Status: started.GetStatus(),
		StatusUrl: started.GetStatusUrl(),
	}, nil
}

// start starts a sync by hand.
func (s *Server) start(ctx context.Context, fabricID int32, options *syncv1.SyncOptions) (*bridgev1.TriggerSyncResponse,
	error,
) {
	started, err := s.syncs.StartSync(ctx, &syncv1.StartSyncRequest{
		FabricId: fabricID, Trigger: syncv1.Trigger_TRIGGER_MANUAL, Options: options, RequestedBy: caller(ctx),
	})
	if err != nil {
		return nil, err
	}
	return triggered(started), nil
}
