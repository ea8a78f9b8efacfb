package grpcapi

import (
	"context"

	"google.golang.org/grpc"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/access"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/follow"
)

// syncServer implements fgd.bridge.v1.SyncService.
type syncServer struct {
	bridgev1.UnsafeSyncServiceServer
	syncs syncv1.SyncServiceClient
}

var _ bridgev1.SyncServiceServer = (*syncServer)(nil)

// TriggerSync starts a sync, or joins the one that waits.
func (s *syncServer) TriggerSync(
	ctx context.Context, req *bridgev1.TriggerSyncRequest,
) (*bridgev1.TriggerSyncResponse, error) {
	started, err := s.syncs.StartSync(ctx, apiv1.StartRequest(req))
	if err != nil {
		return nil, err
	}
	return apiv1.ToTriggerResponse(started), nil
}

// GetSyncStatus shows a sync.
func (s *syncServer) GetSyncStatus(
	ctx context.Context, req *bridgev1.GetSyncStatusRequest,
) (*bridgev1.GetSyncStatusResponse, error) {
	found, err := s.syncs.GetSync(ctx, &syncv1.GetSyncRequest{SyncId: req.GetSyncId()})
	if err != nil {
		return nil, err
	}
	return &bridgev1.GetSyncStatusResponse{Status: apiv1.SyncToAPI(found.GetSync())}, nil
}

// CancelSync asks a sync to end.
func (s *syncServer) CancelSync(
	ctx context.Context, req *bridgev1.CancelSyncRequest,
) (*bridgev1.CancelSyncResponse, error) {
	cancelled, err := s.syncs.CancelSync(ctx, &syncv1.CancelSyncRequest{SyncId: req.GetSyncId()})
	if err != nil {
		return nil, err
	}
	return &bridgev1.CancelSyncResponse{Status: apiv1.SyncToAPI(cancelled.GetSync())}, nil
}

// GetSyncPlan shows what a sync did, or would do.
func (s *syncServer) GetSyncPlan(
	ctx context.Context, req *bridgev1.GetSyncPlanRequest,
) (*bridgev1.GetSyncPlanResponse, error) {
	found, err := s.syncs.GetSyncPlan(ctx, apiv1.SyncPlanRequest(req))
	if err != nil {
		return nil, err
	}
	return apiv1.SyncPlanToAPI(found), nil
}

// GetSyncDiff shows the diff of a dry run.
func (s *syncServer) GetSyncDiff(
	ctx context.Context, req *bridgev1.GetSyncDiffRequest,
) (*bridgev1.GetSyncDiffResponse, error) {
	found, err := s.syncs.GetSyncDiff(ctx, apiv1.SyncDiffRequest(req))
	if err != nil {
		return nil, err
	}
	return apiv1.SyncDiffToAPI(found), nil
}

// ListSyncs lists the syncs of a fabric.
func (s *syncServer) ListSyncs(
	ctx context.Context, req *bridgev1.ListSyncsRequest,
) (*bridgev1.ListSyncsResponse, error) {
	found, err := s.syncs.ListSyncs(ctx, apiv1.ListSyncsRequest(req))
	if err != nil {
		return nil, err
	}
	return apiv1.SyncsToAPI(found), nil
}

// ListAllSyncs lists the syncs of all fabrics that the caller may see. Of another fabric there are none.
func (s *syncServer) ListAllSyncs(
	ctx context.Context, req *bridgev1.ListAllSyncsRequest,
) (*bridgev1.ListAllSyncsResponse, error) {
	may, all := access.PrincipalOf(ctx).VisibleFabrics()
	found, err := s.syncs.ListAllSyncs(ctx, apiv1.ListAllSyncsRequest(req, may, all))
	if err != nil {
		return nil, err
	}
	return apiv1.AllSyncsToAPI(found), nil
}

// StreamSyncEvents streams the progress of a sync: everything from its start, then live, to its end.
func (s *syncServer) StreamSyncEvents(
	req *bridgev1.StreamSyncEventsRequest, stream grpc.ServerStreamingServer[bridgev1.StreamSyncEventsResponse],
) error {
	return follow.Watch(stream.Context(), s.syncs, req.GetSyncId(), func(event *syncv1.SyncEvent) error {
		return stream.Send(apiv1.EventToAPI(event))
	})
}
