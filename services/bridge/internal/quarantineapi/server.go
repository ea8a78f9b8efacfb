// Package quarantineapi serves what is in quarantine, and what becomes of it.
package quarantineapi

import (
	"context"
	"strings"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
)

// Server implements fgd.bridge.v1.QuarantineService.
type Server struct {
	bridgev1.UnsafeQuarantineServiceServer
	views fabricv1.DirectoryViewServiceClient
	syncs syncv1.SyncServiceClient
}

var _ bridgev1.QuarantineServiceServer = (*Server)(nil)

// New returns a server.
func New(views fabricv1.DirectoryViewServiceClient, syncs syncv1.SyncServiceClient) *Server {
	return &Server{views: views, syncs: syncs}
}

// ListQuarantine lists what is in quarantine at the branch head.
func (s *Server) ListQuarantine(
	ctx context.Context, req *bridgev1.ListQuarantineRequest,
) (*bridgev1.ListQuarantineResponse, error) {
	found, err := s.views.ListQuarantine(ctx, &fabricv1.ListQuarantineRequest{
		FabricId: req.GetFabricId(), Limit: apiv1.Limit(req.GetLimit(), apiv1.DefaultQuarantine),
		PageToken: req.GetPageToken(),
	})
	if err != nil {
		return nil, err
	}
	return apiv1.QuarantineToAPI(found), nil
}

// GetQuarantinedFile shows a file in quarantine with its content.
func (s *Server) GetQuarantinedFile(
	ctx context.Context, req *bridgev1.GetQuarantinedFileRequest,
) (*bridgev1.GetQuarantinedFileResponse, error) {
	path := strings.TrimSuffix(req.GetPath(), "/") // which the form of the HTTP path adds to a name without folder
	found, err := s.views.ListQuarantine(ctx, &fabricv1.ListQuarantineRequest{
		FabricId: req.GetFabricId(), Path: path, IncludeContent: true,
	})
	if err != nil {
		return nil, err
	}
	if len(found.GetFiles()) == 0 {
		return nil, errs.New(errs.NotInQuarantine, "%q is not in quarantine.", path).
			WithMeta(errs.FieldKey, "path")
	}
	return &bridgev1.GetQuarantinedFileResponse{File: apiv1.QuarantinedToAPI(found.GetFiles()[0])}, nil
}

// RetryQuarantined starts a sync that judges files in quarantine again.
func (s *Server) RetryQuarantined(
	ctx context.Context, req *bridgev1.RetryQuarantinedRequest,
) (*bridgev1.RetryQuarantinedResponse, error) {
	started, err := s.syncs.StartSync(ctx, apiv1.ManualStart(req.GetFabricId(), &syncv1.SyncOptions{
		Scope: syncv1.Scope_SCOPE_FULL, RetryQuarantined: req.GetAll(), RetryPaths: req.GetPaths(),
	}))
	if err != nil {
		return nil, err
	}
	return apiv1.ToRetryResponse(started), nil
}

// MendQuarantined starts a sync that writes what a file in quarantine shall say, and judges it again.
func (s *Server) MendQuarantined(
	ctx context.Context, req *bridgev1.MendQuarantinedRequest,
) (*bridgev1.MendQuarantinedResponse, error) {
	start := apiv1.ManualStart(req.GetFabricId(), &syncv1.SyncOptions{})
	start.EditSet = &editv1.EditSet{Mend: &editv1.Mend{
		Path: req.GetPath(), IfMatch: req.GetIfMatch(), Content: []byte(req.GetContent()),
	}}
	started, err := s.syncs.StartSync(ctx, start)
	if err != nil {
		return nil, err
	}
	return apiv1.ToMendResponse(started), nil
}

// ReleaseQuarantined starts a sync that puts files in quarantine back to where they came from.
func (s *Server) ReleaseQuarantined(
	ctx context.Context, req *bridgev1.ReleaseQuarantinedRequest,
) (*bridgev1.ReleaseQuarantinedResponse, error) {
	started, err := s.syncs.StartSync(ctx, apiv1.ManualStart(req.GetFabricId(), &syncv1.SyncOptions{
		Scope: syncv1.Scope_SCOPE_FULL, ReleasePaths: req.GetPaths(),
	}))
	if err != nil {
		return nil, err
	}
	return apiv1.ToReleaseResponse(started), nil
}
