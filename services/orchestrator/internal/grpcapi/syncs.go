// Package grpcapi is the orchestrator's face: protobuf in and out.
package grpcapi

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/state"
	"fgdsync.dev/libs/telemetry"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const (
	defaultLimit = 50
	maxLimit     = 500
	system       = "fgd-sync"
)

// Syncs serves SyncService.
type Syncs struct {
	syncv1.UnsafeSyncServiceServer
	store  *state.Store
	intake *Intake
	now    func() time.Time
}

var _ syncv1.SyncServiceServer = (*Syncs)(nil)

// NewSyncs returns the service over a store.
func NewSyncs(store *state.Store, intake *Intake, now func() time.Time) *Syncs {
	return &Syncs{store: store, intake: intake, now: now}
}

// StartSync accepts a sync.
func (s *Syncs) StartSync(ctx context.Context, req *syncv1.StartSyncRequest) (*syncv1.StartSyncResponse, error) {
	verdict, err := s.intake.start(ctx, req)
	if err != nil {
		return nil, err
	}
	if verdict.Refused && !req.GetOptions().GetRefuseIfRunning() {
		return nil, errs.New(errs.SyncAlreadyInProgress, "Another restore of fabric %d waits for its turn.",
			req.GetFabricId()).
			WithRemedy("Wait until it has begun, or cancel it.").WithMeta("sync_id", verdict.SyncID)
	}
	if verdict.Refused {
		return nil, errs.New(errs.SyncAlreadyInProgress, "Fabric %d has an active sync.", req.GetFabricId()).
			WithMeta("sync_id", verdict.SyncID)
	}
	return &syncv1.StartSyncResponse{SyncId: verdict.SyncID, Queued: verdict.Queued}, nil
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
	limit := int(req.GetLimit())
	switch {
	case limit == 0:
		limit = defaultLimit
	case limit < 0 || limit > maxLimit:
		return nil, errs.New(errs.InvalidRequest, "limit is %d; allowed is 1 to %d.", limit, maxLimit)
	}
	if req.GetOffset() < 0 {
		return nil, errs.New(errs.InvalidRequest, "offset is %d; allowed is 0 or more.", req.GetOffset())
	}
	if _, err := s.store.Fabric(ctx, req.GetFabricId()); err != nil {
		return nil, err
	}
	all, err := s.store.History(ctx, req.GetFabricId(), timeOf(req.GetStartDate()), timeOf(req.GetEndDate()))
	if err != nil {
		return nil, err
	}
	matches := matching(all, req)
	from := min(int(req.GetOffset()), len(matches))
	page := matches[from:min(from+limit, len(matches))]
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

// CancelSync asks a sync to end. One that no worker has taken up ends at once.
func (s *Syncs) CancelSync(ctx context.Context, req *syncv1.CancelSyncRequest) (*syncv1.CancelSyncResponse, error) {
	if err := s.store.RequestCancel(ctx, req.GetSyncId()); err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.CancelMarked)
	record, err := s.store.Get(ctx, req.GetSyncId())
	if err != nil {
		return nil, err
	}
	if record.GetState() != syncv1.State_STATE_PENDING {
		return &syncv1.CancelSyncResponse{Sync: record.Sync}, nil
	}
	err = s.endPending(ctx, record, req.GetRequestedBy())
	if err != nil && !errs.HasCode(err, errs.LockLost) && !errs.HasCode(err, errs.IllegalTransition) {
		return nil, err
	}
	if err == nil {
		s.intake.ledger.Settle(req.GetSyncId())
	}
	// A worker that was faster has seen the mark.
	if record, err = s.store.Get(ctx, req.GetSyncId()); err != nil {
		return nil, err
	}
	return &syncv1.CancelSyncResponse{Sync: record.Sync}, nil
}

func (s *Syncs) endPending(ctx context.Context, record *state.Versioned, requestedBy string) error {
	now := timestamppb.New(s.now())
	record.Transitions = append(record.Transitions, &syncv1.Transition{
		From: syncv1.State_STATE_PENDING, To: syncv1.State_STATE_CANCELLED, Time: now, Cause: "cancelled on request",
	})
	record.State, record.UpdatedAt, record.CompletedAt = syncv1.State_STATE_CANCELLED, now, now
	told := []*syncv1.SyncEvent{{
		Type: "sync.cancelled", SyncId: record.GetSyncId(), FabricId: record.GetFabricId(), Time: now,
		State: syncv1.State_STATE_CANCELLED, Progress: record.GetProgress(),
	}}
	// The payload is a record of our own without its lists: packing it can't fail.
	payload, _ := anypb.New(&syncv1.Sync{
		SyncId: record.GetSyncId(), FabricId: record.GetFabricId(), State: record.GetState(), Trigger: record.GetTrigger(),
		RequestedBy: record.GetRequestedBy(), Progress: record.GetProgress(),
	})
	bus := []*eventv1.Event{{
		EventId: uuid.NewString(), EventType: "sync.cancelled", Timestamp: now, FabricId: record.GetFabricId(),
		CorrelationId: record.GetSyncId(),
		Payload:       payload, Metadata: &eventv1.Metadata{
			User: orSystem(requestedBy), Source: "orchestrator", Version: 1,
			Traceparent: telemetry.Traceparent(ctx),
		},
	}}
	failpoint.Hit(failpoint.Before(record.GetState()))
	err := s.store.Write(ctx, record, 0, told, bus)
	failpoint.Hit(failpoint.After(record.GetState()))
	return err
}

// WatchSync streams the events of a sync.
func (s *Syncs) WatchSync(req *syncv1.WatchSyncRequest,
	stream grpc.ServerStreamingServer[syncv1.WatchSyncResponse],
) error {
	return s.store.Watch(stream.Context(), req.GetSyncId(), func(events []*syncv1.SyncEvent) error {
		return stream.Send(&syncv1.WatchSyncResponse{Events: events})
	})
}
