package bridge_test

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

func (b *backend) start(ctx context.Context, req *syncv1.StartSyncRequest) string {
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", len(b.syncs)+1)
	b.syncs[id] = &syncv1.Sync{
		SyncId: id, FabricId: req.GetFabricId(), State: syncv1.State_STATE_PENDING, Trigger: req.GetTrigger(),
		Options: req.GetOptions(), EditSet: req.GetEditSet(),
		RequestedBy: rpc.CallOf(ctx).Principal, Progress: &syncv1.Progress{}, AcceptedAt: timestamppb.Now(),
		UpdatedAt: timestamppb.Now(),
	}
	b.requests[id] = req.GetRequestId()
	if b.active[req.GetFabricId()] == "" {
		b.active[req.GetFabricId()] = id
	}
	return id
}

func (b *backend) StartSync(ctx context.Context, req *syncv1.StartSyncRequest) (*syncv1.StartSyncResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	if _, err := b.fabric(req.GetFabricId()); err != nil {
		return nil, err
	}
	queued := b.active[req.GetFabricId()] != ""
	if queued && req.GetOptions().GetRefuseIfRunning() {
		return nil, errs.New(errs.SyncAlreadyInProgress, "Fabric %d has an active sync.", req.GetFabricId()).
			WithMeta("sync_id", b.active[req.GetFabricId()])
	}
	id := b.start(ctx, req)
	waits := req.GetOptions().GetScope() == syncv1.Scope_SCOPE_DIRECTORY || req.GetEditSet() != nil
	if waits && b.onDirectory != nil {
		go b.onDirectory(id)
	}
	return &syncv1.StartSyncResponse{SyncId: id, Queued: queued}, nil
}

func (b *backend) sync(id string) (*syncv1.Sync, error) {
	if s := b.syncs[id]; s != nil {
		return s, nil
	}
	return nil, errs.NoSync(id)
}

func (b *backend) GetSync(ctx context.Context, req *syncv1.GetSyncRequest) (*syncv1.GetSyncResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	s, err := b.sync(req.GetSyncId())
	if err != nil {
		return nil, err
	}
	return &syncv1.GetSyncResponse{Sync: proto.CloneOf(s)}, nil
}

func (b *backend) GetSyncPlan(
	ctx context.Context, req *syncv1.GetSyncPlanRequest,
) (*syncv1.GetSyncPlanResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	b.asked = req
	s, err := b.sync(req.GetSyncId())
	if err != nil {
		return nil, err
	}
	return &syncv1.GetSyncPlanResponse{Plan: s.GetResult().GetPlan(), Total: 7, NextPageToken: "next"}, nil
}

func (b *backend) GetSyncDiff(
	ctx context.Context, req *syncv1.GetSyncDiffRequest,
) (*syncv1.GetSyncDiffResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	b.asked = req
	s, err := b.sync(req.GetSyncId())
	if err != nil {
		return nil, err
	}
	return &syncv1.GetSyncDiffResponse{
		Diff: s.GetResult().GetDiff(), SameMeaning: s.GetResult().GetSameMeaning(), Total: 9, NextPageToken: "next",
	}, nil
}

func (b *backend) ListAllSyncs(
	ctx context.Context, req *syncv1.ListAllSyncsRequest,
) (*syncv1.ListAllSyncsResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	b.asked = req
	out := &syncv1.ListAllSyncsResponse{NextPageToken: "next", FabricNames: map[int32]string{}}
	for _, s := range b.syncs {
		out.Syncs = append(out.Syncs, proto.CloneOf(s))
		out.FabricNames[s.GetFabricId()] = b.fabrics[s.GetFabricId()].GetName()
	}
	if req.GetActive() {
		out.Total = proto.Int32(int32(len(out.GetSyncs())))
	}
	return out, nil
}

func (b *backend) ListSyncs(ctx context.Context, req *syncv1.ListSyncsRequest) (*syncv1.ListSyncsResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	b.asked = req
	out := &syncv1.ListSyncsResponse{}
	for _, s := range b.syncs {
		fits := s.GetFabricId() == req.GetFabricId() &&
			(req.GetState() == 0 || req.GetState() == s.GetState()) &&
			(req.GetTrigger() == 0 || req.GetTrigger() == s.GetTrigger()) &&
			(req.GetStartDate() == nil || !s.GetAcceptedAt().AsTime().Before(req.GetStartDate().AsTime()))
		if fits {
			out.Syncs = append(out.Syncs, proto.CloneOf(s))
		}
	}
	slices.SortFunc(out.GetSyncs(), func(x, y *syncv1.Sync) int {
		return slices.Compare([]byte(y.GetSyncId()),
			[]byte(x.GetSyncId()))
	})
	out.Total = int32(len(out.GetSyncs()))
	from := min(int(req.GetOffset()), len(out.GetSyncs()))
	out.Syncs = out.GetSyncs()[from:]
	if limit := int(req.GetLimit()); limit > 0 {
		out.Syncs = out.GetSyncs()[:min(limit, len(out.GetSyncs()))]
	}
	return out, nil
}

func (b *backend) CancelSync(ctx context.Context, req *syncv1.CancelSyncRequest) (*syncv1.CancelSyncResponse, error) {
	leave, err := b.enter(ctx)
	if err != nil {
		leave()
		return nil, err
	}
	_, err = b.sync(req.GetSyncId())
	leave()
	if err != nil {
		return nil, err
	}
	b.end(req.GetSyncId(), syncv1.State_STATE_CANCELLED, "sync.cancelled", nil)
	b.mu.Lock()
	defer b.mu.Unlock()
	return &syncv1.CancelSyncResponse{Sync: proto.CloneOf(b.syncs[req.GetSyncId()])}, nil
}

// tell appends an event to a sync.
func (b *backend) tell(id string, event *syncv1.SyncEvent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	event.SyncId, event.Time = id, timestamppb.Now()
	b.events[id] = append(b.events[id], event)
	b.wake()
}

// end ends a sync and tells it.
func (b *backend) end(id string, state syncv1.State, eventType string, change func(*syncv1.Sync)) {
	b.mu.Lock()
	s := b.syncs[id]
	s.State, s.CompletedAt = state, timestamppb.Now()
	if change != nil {
		change(s)
	}
	delete(b.active, s.GetFabricId())
	result := s.GetResult()
	b.mu.Unlock()
	b.tell(id, &syncv1.SyncEvent{Type: eventType, State: state, Result: result})
}

func (b *backend) WatchSync(req *syncv1.WatchSyncRequest,
	stream grpc.ServerStreamingServer[syncv1.WatchSyncResponse],
) error {
	leave, err := b.enter(stream.Context())
	if err == nil {
		_, err = b.sync(req.GetSyncId())
	}
	if err == nil {
		err = b.onWatch
	}
	b.watchers++
	leave()
	defer func() {
		b.mu.Lock()
		b.watchers--
		b.wake()
		b.mu.Unlock()
	}()
	if err != nil {
		return err
	}
	for sent := 0; ; {
		b.mu.Lock()
		events, changed, failure := b.events[req.GetSyncId()][sent:], b.changed, b.failure
		b.mu.Unlock()
		if failure != nil {
			return failure
		}
		if len(events) > 0 {
			if err := stream.Send(&syncv1.WatchSyncResponse{Events: events}); err != nil {
				return err
			}
			sent += len(events)
			switch events[len(events)-1].GetType() {
			case "sync.completed", "sync.failed", "sync.cancelled":
				return nil
			}
			continue
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

// awaitNoWatchers returns when nobody watches any sync any more.
func (b *backend) awaitNoWatchers(ctx context.Context) error {
	for {
		b.mu.Lock()
		n, changed := b.watchers, b.changed
		b.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d still watch: %w", n, ctx.Err())
		}
	}
}
