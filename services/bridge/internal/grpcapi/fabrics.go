package grpcapi

import (
	"context"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/bridge/internal/access"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/fabricview"
	"fgdsync.dev/services/bridge/internal/fabricwatch"
	"fgdsync.dev/services/bridge/internal/sealing"
)

// fabricServer implements fgd.bridge.v1.FabricService.
type fabricServer struct {
	bridgev1.UnsafeFabricServiceServer
	fabrics      fabricv1.FabricServiceClient
	repositories gitv1.RepositoryServiceClient
	sealer       sealing.Sealer
	netbox       NetBox
	view         *fabricview.View
	watch        *fabricwatch.Watch
}

var _ bridgev1.FabricServiceServer = (*fabricServer)(nil)

// CreateFabric registers a fabric; its first sync starts by itself.
func (s *fabricServer) CreateFabric(
	ctx context.Context, req *bridgev1.CreateFabricRequest,
) (*bridgev1.CreateFabricResponse, error) {
	if err := apiv1.CheckDirectory(req.GetGitopsDirectory()); err != nil {
		return nil, err
	}
	fabric, err := apiv1.NewFabric(req)
	if err != nil {
		return nil, err
	}
	if err := s.netbox.Default.Complete(ctx, fabric.GetNetbox()); err != nil {
		return nil, err
	}
	if err := s.sealer.Seal(ctx, fabric.GetLocation(), req.GetCredentials()); err != nil {
		return nil, err
	}
	created, err := s.fabrics.CreateFabric(ctx, &fabricv1.CreateFabricRequest{
		Fabric: fabric, FirstSync: apiv1.FirstSync(req), SuspendReason: req.GetSuspendReason(),
	})
	if err != nil {
		return nil, access.PrincipalOf(ctx).WithoutForeign(err)
	}
	return &bridgev1.CreateFabricResponse{
		Fabric: s.view.Show(ctx, created.GetFabric())[0], SyncId: created.GetSyncId(),
	}, nil
}

// GetFabric shows a fabric.
func (s *fabricServer) GetFabric(
	ctx context.Context, req *bridgev1.GetFabricRequest,
) (*bridgev1.GetFabricResponse, error) {
	found, err := s.fabrics.GetFabric(ctx, &fabricv1.GetFabricRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	return &bridgev1.GetFabricResponse{Fabric: s.view.Show(ctx, found.GetFabric())[0]}, nil
}

// ListFabrics lists the fabrics that the caller may see.
func (s *fabricServer) ListFabrics(
	ctx context.Context, req *bridgev1.ListFabricsRequest,
) (*bridgev1.ListFabricsResponse, error) {
	only, all := access.PrincipalOf(ctx).VisibleFabrics()
	found, err := s.fabrics.ListFabrics(ctx, apiv1.ListFabricsRequest(req, only, all))
	if err != nil {
		return nil, err
	}
	return &bridgev1.ListFabricsResponse{
		Fabrics: s.view.Show(ctx, found.GetFabrics()...), Total: found.GetTotal(), NextPageToken: found.GetNextPageToken(),
		Counts: apiv1.FabricCountsToAPI(found.GetCounts()),
	}, nil
}

// UpdateFabric changes what the request names.
func (s *fabricServer) UpdateFabric(
	ctx context.Context, req *bridgev1.UpdateFabricRequest,
) (*bridgev1.UpdateFabricResponse, error) {
	if req.GitopsDirectory != nil {
		if err := apiv1.CheckDirectory(req.GetGitopsDirectory()); err != nil {
			return nil, err
		}
	}
	found, err := s.fabrics.GetFabric(ctx, &fabricv1.GetFabricRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	fabric := found.GetFabric()
	if err := apiv1.UpdateFabric(fabric, req); err != nil {
		return nil, err
	}
	if err := s.netbox.Default.Complete(ctx, fabric.GetNetbox()); err != nil {
		return nil, err
	}
	if err := s.sealer.SealAgain(ctx, fabric.GetLocation(), req.GetCredentials()); err != nil {
		return nil, err
	}
	updated, err := s.fabrics.UpdateFabric(ctx, &fabricv1.UpdateFabricRequest{Fabric: fabric})
	if err != nil {
		return nil, access.PrincipalOf(ctx).WithoutForeign(err)
	}
	return &bridgev1.UpdateFabricResponse{Fabric: s.view.Show(ctx, updated.GetFabric())[0]}, nil
}

// SuspendFabric lets no sync of a fabric publish.
func (s *fabricServer) SuspendFabric(
	ctx context.Context, req *bridgev1.SuspendFabricRequest,
) (*bridgev1.SuspendFabricResponse, error) {
	suspended, err := s.fabrics.SuspendFabric(ctx, &fabricv1.SuspendFabricRequest{
		FabricId: req.GetFabricId(), Reason: req.GetReason(),
	})
	if err != nil {
		return nil, err
	}
	return &bridgev1.SuspendFabricResponse{Fabric: s.view.Show(ctx, suspended.GetFabric())[0]}, nil
}

// ResumeFabric lets a fabric be synced again.
func (s *fabricServer) ResumeFabric(
	ctx context.Context, req *bridgev1.ResumeFabricRequest,
) (*bridgev1.ResumeFabricResponse, error) {
	resumed, err := s.fabrics.ResumeFabric(ctx, &fabricv1.ResumeFabricRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	return &bridgev1.ResumeFabricResponse{
		Fabric: s.view.Show(ctx, resumed.GetFabric())[0], SyncId: resumed.GetSyncId(),
	}, nil
}

// DeleteFabric forgets a fabric, and what is known of its records in NetBox.
func (s *fabricServer) DeleteFabric(
	ctx context.Context, req *bridgev1.DeleteFabricRequest,
) (*bridgev1.DeleteFabricResponse, error) {
	found, err := s.fabrics.GetFabric(ctx, &fabricv1.GetFabricRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	if _, err := s.fabrics.DeleteFabric(ctx, &fabricv1.DeleteFabricRequest{FabricId: req.GetFabricId()}); err != nil {
		return nil, err
	}
	if found.GetFabric().GetNetbox() != nil {
		s.netbox.Forget(context.WithoutCancel(ctx), req.GetFabricId())
	}
	return &bridgev1.DeleteFabricResponse{Success: true}, nil
}

// CheckConnection tries out how a repository can be reached.
func (s *fabricServer) CheckConnection(
	ctx context.Context, req *bridgev1.CheckConnectionRequest,
) (*bridgev1.CheckConnectionResponse, error) {
	location := apiv1.LocationOf(req)
	if err := s.sealer.Seal(ctx, location, req.GetCredentials()); err != nil {
		return nil, err
	}
	found, err := s.repositories.CheckConnection(ctx, &gitv1.CheckConnectionRequest{Location: location})
	if err != nil {
		return nil, err
	}
	return &bridgev1.CheckConnectionResponse{Connection: apiv1.ConnectionToAPI(found.GetConnection())}, nil
}

// CheckFabricConnection tries out how the repository of a fabric can be reached.
func (s *fabricServer) CheckFabricConnection(
	ctx context.Context, req *bridgev1.CheckFabricConnectionRequest,
) (*bridgev1.CheckFabricConnectionResponse, error) {
	stored, err := s.fabrics.GetFabric(ctx, &fabricv1.GetFabricRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	found, err := s.repositories.CheckConnection(ctx, apiv1.ConnectionOf(stored.GetFabric()))
	if err != nil {
		return nil, err
	}
	return &bridgev1.CheckFabricConnectionResponse{Connection: apiv1.ConnectionToAPI(found.GetConnection())}, nil
}
