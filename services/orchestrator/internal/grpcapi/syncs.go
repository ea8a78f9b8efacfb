package grpcapi

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/intake"
	"fgdsync.dev/services/orchestrator/internal/outcome"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/services/orchestrator/internal/workflow"
)

const defaultLimit = 50

// Syncs serves SyncService.
type Syncs struct {
	syncv1.UnsafeSyncServiceServer
	store  *recovery.Reader
	accept intake.AcceptFunc
	runner *workflow.Runner
}

var _ syncv1.SyncServiceServer = (*Syncs)(nil)

// NewSyncs returns the service.
func NewSyncs(store *recovery.Reader, accept intake.AcceptFunc, runner *workflow.Runner) *Syncs {
	return &Syncs{store: store, accept: accept, runner: runner}
}

// StartSync accepts a sync.
func (s *Syncs) StartSync(ctx context.Context, req *syncv1.StartSyncRequest) (*syncv1.StartSyncResponse, error) {
	admission, err := s.accept(ctx, req)
	if err != nil {
		return nil, err
	}
	return &syncv1.StartSyncResponse{SyncId: admission.SyncID, Queued: admission.Queued}, nil
}

// GetSync looks a sync up.
func (s *Syncs) GetSync(ctx context.Context, req *syncv1.GetSyncRequest) (*syncv1.GetSyncResponse, error) {
	record, err := s.store.Get(ctx, req.GetSyncId())
	if err != nil {
		return nil, err
	}
	return &syncv1.GetSyncResponse{Sync: state.Shown(record.Sync)}, nil
}

// ListSyncs lists the syncs of a fabric.
func (s *Syncs) ListSyncs(ctx context.Context, req *syncv1.ListSyncsRequest) (*syncv1.ListSyncsResponse, error) {
	if _, err := s.store.Fabric(ctx, req.GetFabricId()); err != nil {
		return nil, err
	}
	page, err := s.store.History(ctx, req.GetFabricId(), state.Query{
		From: timeOf(req.GetStartDate()), To: timeOf(req.GetEndDate()), State: req.GetState(), Trigger: req.GetTrigger(),
		Offset: int(req.GetOffset()), Limit: int(cmp.Or(req.GetLimit(), defaultLimit)),
	})
	if err != nil {
		return nil, err
	}
	return &syncv1.ListSyncsResponse{Syncs: page.Syncs, Total: int32(page.Total)}, nil
}

// GetSyncPlan shows what a sync did, or would do.
func (s *Syncs) GetSyncPlan(
	ctx context.Context, req *syncv1.GetSyncPlanRequest,
) (*syncv1.GetSyncPlanResponse, error) {
	return outcome.Plan(ctx, s.store, req)
}

// GetSyncDiff shows the diff of a dry run.
func (s *Syncs) GetSyncDiff(
	ctx context.Context, req *syncv1.GetSyncDiffRequest,
) (*syncv1.GetSyncDiffResponse, error) {
	return outcome.Diff(ctx, s.store, req)
}

func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

// CancelSync asks a sync to end.
func (s *Syncs) CancelSync(ctx context.Context, req *syncv1.CancelSyncRequest) (*syncv1.CancelSyncResponse, error) {
	record, err := s.runner.Cancel(ctx, req.GetSyncId())
	if err != nil {
		return nil, err
	}
	return &syncv1.CancelSyncResponse{Sync: state.Shown(record)}, nil
}

// WatchSync streams the events of a sync.
func (s *Syncs) WatchSync(
	req *syncv1.WatchSyncRequest, stream grpc.ServerStreamingServer[syncv1.WatchSyncResponse],
) error {
	return s.store.Watch(stream.Context(), req.GetSyncId(), func(events []*syncv1.SyncEvent) error {
		return stream.Send(&syncv1.WatchSyncResponse{Events: events})
	})
}
