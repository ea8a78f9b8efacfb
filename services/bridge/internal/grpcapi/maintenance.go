package grpcapi

import (
	"context"

	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
)

// maintenanceServer implements fgd.bridge.v1.MaintenanceService.
type maintenanceServer struct {
	bridgev1.UnsafeMaintenanceServiceServer
	admin adminv1.MaintenanceServiceClient
}

var _ bridgev1.MaintenanceServiceServer = (*maintenanceServer)(nil)

// RebuildState brings back what Redis has lost, and syncs every fabric.
func (s *maintenanceServer) RebuildState(
	ctx context.Context, _ *bridgev1.RebuildStateRequest,
) (*bridgev1.RebuildStateResponse, error) {
	rebuilt, err := s.admin.RebuildState(ctx, &adminv1.RebuildStateRequest{})
	if err != nil {
		return nil, err
	}
	return apiv1.RebuildToAPI(rebuilt), nil
}

// ListDeadLetters lists work entries that could not be handled.
func (s *maintenanceServer) ListDeadLetters(
	ctx context.Context, req *bridgev1.ListDeadLettersRequest,
) (*bridgev1.ListDeadLettersResponse, error) {
	found, err := s.admin.ListDeadLetters(ctx, &adminv1.ListDeadLettersRequest{
		Limit: apiv1.Limit(req.GetLimit(), apiv1.DefaultDeadLetters), PageToken: req.GetPageToken(),
	})
	if err != nil {
		return nil, err
	}
	return apiv1.DeadLettersToAPI(found), nil
}

// ReplayDeadLetters has dead letters handled again.
func (s *maintenanceServer) ReplayDeadLetters(
	ctx context.Context, req *bridgev1.ReplayDeadLettersRequest,
) (*bridgev1.ReplayDeadLettersResponse, error) {
	replayed, err := s.admin.ReplayDeadLetters(ctx, &adminv1.ReplayDeadLettersRequest{Ids: req.GetIds()})
	if err != nil {
		return nil, err
	}
	return apiv1.ReplayedToAPI(replayed), nil
}
