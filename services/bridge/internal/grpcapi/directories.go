package grpcapi

import (
	"context"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/follow"
)

// directoryServer implements fgd.bridge.v1.DirectoryService.
type directoryServer struct {
	bridgev1.UnsafeDirectoryServiceServer
	views fabricv1.DirectoryViewServiceClient
	syncs syncv1.SyncServiceClient
}

var _ bridgev1.DirectoryServiceServer = (*directoryServer)(nil)

// ValidateDirectory judges the directory's structure.
func (s *directoryServer) ValidateDirectory(
	ctx context.Context, req *bridgev1.ValidateDirectoryRequest,
) (*bridgev1.ValidateDirectoryResponse, error) {
	checked, err := s.views.CheckDirectory(ctx, &fabricv1.CheckDirectoryRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	return apiv1.DirectoryReportToAPI(checked), nil
}

// GetDirectoryHealth sums up how the directory is.
func (s *directoryServer) GetDirectoryHealth(
	ctx context.Context, req *bridgev1.GetDirectoryHealthRequest,
) (*bridgev1.GetDirectoryHealthResponse, error) {
	found, err := s.views.GetDirectoryHealth(ctx, &fabricv1.GetDirectoryHealthRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	return apiv1.DirectoryHealthToAPI(found), nil
}

// ListFiles lists the files of the directory at the branch head, or as they were.
func (s *directoryServer) ListFiles(
	ctx context.Context, req *bridgev1.ListFilesRequest,
) (*bridgev1.ListFilesResponse, error) {
	found, err := s.views.ListFiles(ctx, apiv1.ListFilesRequest(req))
	if err != nil {
		return nil, err
	}
	return apiv1.FilesToAPI(found), nil
}

// ListDirectoryChanges says which files differ between a commit and the branch head.
func (s *directoryServer) ListDirectoryChanges(
	ctx context.Context, req *bridgev1.ListDirectoryChangesRequest,
) (*bridgev1.ListDirectoryChangesResponse, error) {
	found, err := s.views.ListChanges(ctx, &fabricv1.ListChangesRequest{
		FabricId: req.GetFabricId(), SinceCommit: req.GetSince(),
		Limit: apiv1.Limit(req.GetLimit(), apiv1.DefaultChanges), PageToken: req.GetPageToken(),
	})
	if err != nil {
		return nil, err
	}
	return apiv1.ChangesToAPI(found), nil
}

// InitializeDirectory makes what is missing.
func (s *directoryServer) InitializeDirectory(
	ctx context.Context, req *bridgev1.InitializeDirectoryRequest,
) (*bridgev1.InitializeDirectoryResponse, error) {
	sync, err := follow.DirectorySync(ctx, s.syncs, req.GetFabricId(), req.GetCreateSamples())
	if err != nil {
		return nil, err
	}
	return apiv1.InitializeToAPI(sync), nil
}

// RepairDirectory mends what is damaged.
func (s *directoryServer) RepairDirectory(
	ctx context.Context, req *bridgev1.RepairDirectoryRequest,
) (*bridgev1.RepairDirectoryResponse, error) {
	sync, err := follow.DirectorySync(ctx, s.syncs, req.GetFabricId(), false)
	if err != nil {
		return nil, err
	}
	return apiv1.RepairToAPI(sync), nil
}
