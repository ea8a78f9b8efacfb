package grpcapi

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/intake"
	"fgdsync.dev/services/orchestrator/internal/recovery"
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
	return &syncv1.GetSyncResponse{Sync: record.Sync}, nil
}

// ListSyncs lists the syncs of a fabric.
func (s *Syncs) ListSyncs(ctx context.Context, req *syncv1.ListSyncsRequest) (*syncv1.ListSyncsResponse, error) {
	if _, err := s.store.Fabric(ctx, req.GetFabricId()); err != nil {
		return nil, err
	}
	all, err := s.store.History(ctx, req.GetFabricId(), timeOf(req.GetStartDate()), timeOf(req.GetEndDate()))
	if err != nil {
		return nil, err
	}
	matches := matching(all, req)
	from := min(int(req.GetOffset()), len(matches))
	page := matches[from:min(from+int(cmp.Or(req.GetLimit(), defaultLimit)), len(matches))]
	for _, record := range page {
		if plan := record.GetResult().GetPlan(); plan != nil {
			plan.Actions, plan.Orphans = nil, nil // in a list the counts will do; hundreds of long plans are no message any more
		}
	}
	return &syncv1.ListSyncsResponse{Syncs: page, Total: int32(len(matches))}, nil
}

func matching(all []*syncv1.Sync, req *syncv1.ListSyncsRequest) []*syncv1.Sync {
	var out []*syncv1.Sync
	end := timeOf(req.GetEndDate())
	for _, record := range all {
		wrongState := req.GetState() != syncv1.State_STATE_UNSPECIFIED && record.GetState() != req.GetState()
		wrongTrigger := req.GetTrigger() != syncv1.Trigger_TRIGGER_UNSPECIFIED && record.GetTrigger() != req.GetTrigger()
		tooLate := !end.IsZero() && !record.GetAcceptedAt().AsTime().Before(end)
		if !wrongState && !wrongTrigger && !tooLate {
			out = append(out, record)
		}
	}
	return out
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
	return &syncv1.CancelSyncResponse{Sync: record}, nil
}

// WatchSync streams the events of a sync.
func (s *Syncs) WatchSync(
	req *syncv1.WatchSyncRequest, stream grpc.ServerStreamingServer[syncv1.WatchSyncResponse],
) error {
	return s.store.Watch(stream.Context(), req.GetSyncId(), func(events []*syncv1.SyncEvent) error {
		return stream.Send(&syncv1.WatchSyncResponse{Events: events})
	})
}
