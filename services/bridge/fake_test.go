package bridge_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// backend is the services behind the bridge, in memory: it keeps fabrics and syncs as the orchestrator's contract
// says, and a test plays the worker.
type backend struct {
	fabricv1.UnimplementedFabricServiceServer
	syncv1.UnimplementedSyncServiceServer
	gitv1.UnimplementedRepositoryServiceServer
	grpc_health_v1.UnimplementedHealthServer

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at every change
	fabrics  map[int32]*fabricv1.Fabric
	syncs    map[string]*syncv1.Sync
	requests map[string]string // the names of the requests that started syncs
	events   map[string][]*syncv1.SyncEvent
	active   map[int32]string
	keyLost  bool // that sealed what is stored
	sealed   []*gitv1.PlainCredentials
	checked  []*gitv1.Location
	metadata metadata.MD // of the last call
	failure  error
	sick     map[string]bool
	watchers int
	files    *fabricv1.ListFilesResponse
	check    *fabricv1.CheckDirectoryResponse
	kept     *fabricv1.ListQuarantineResponse
	changes  *fabricv1.ListChangesResponse
	commits  *fabricv1.ListCommitsResponse
	diff     *fabricv1.DiffCommitsResponse
	asked    proto.Message // for files, commits or a difference
	health   *fabricv1.GetDirectoryHealthResponse
	// onDirectory is what the worker does with a sync of a directory.
	onDirectory func(id string)
}

func newBackend() *backend {
	return &backend{
		changed: make(chan struct{}), fabrics: map[int32]*fabricv1.Fabric{}, syncs: map[string]*syncv1.Sync{},
		requests: map[string]string{},
		events:   map[string][]*syncv1.SyncEvent{}, active: map[int32]string{}, sick: map[string]bool{},
	}
}

func (b *backend) register(r grpc.ServiceRegistrar) {
	fabricv1.RegisterFabricServiceServer(r, b)
	syncv1.RegisterSyncServiceServer(r, b)
	gitv1.RegisterRepositoryServiceServer(r, b)
	grpc_health_v1.RegisterHealthServer(r, b)
}

// enter is the start of every call: the switch, and what came along.
func (b *backend) enter(ctx context.Context) (leave func(), err error) {
	b.mu.Lock()
	b.metadata, _ = metadata.FromIncomingContext(ctx)
	return b.mu.Unlock, b.failure
}

func (b *backend) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failure = err
}

func (b *backend) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *backend) SealCredentials(ctx context.Context,
	req *gitv1.SealCredentialsRequest,
) (*gitv1.SealCredentialsResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	b.sealed = append(b.sealed, req.GetCredentials())
	return &gitv1.SealCredentialsResponse{Credentials: &gitv1.Credentials{Source: &gitv1.Credentials_Sealed{Sealed: []byte("sealed")}}}, nil
}

func (b *backend) ResealCredentials(ctx context.Context,
	req *gitv1.ResealCredentialsRequest,
) (*gitv1.ResealCredentialsResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	switch {
	case err != nil:
		return nil, err
	case b.keyLost:
		return nil, errs.New(errs.CredentialsUnreadable, "The stored credentials were sealed with another key.")
	}
	again := append(req.GetCredentials().GetSealed(), " again"...)
	return &gitv1.ResealCredentialsResponse{Credentials: &gitv1.Credentials{Source: &gitv1.Credentials_Sealed{Sealed: again}}}, nil
}

func (b *backend) CreateFabric(ctx context.Context, req *fabricv1.CreateFabricRequest) (*fabricv1.CreateFabricResponse,
	error,
) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	fabric := proto.CloneOf(req.GetFabric())
	if fabric.GetFabricId() == 0 {
		fabric.FabricId = int32(len(b.fabrics) + 1)
	}
	if b.fabrics[fabric.GetFabricId()] != nil {
		return nil, errs.New(errs.FabricExists, "Fabric %d is registered.", fabric.GetFabricId())
	}
	fabric.CreatedAt = timestamppb.Now()
	fabric.UpdatedAt = fabric.GetCreatedAt()
	b.fabrics[fabric.GetFabricId()] = fabric
	id := b.start(&syncv1.StartSyncRequest{
		FabricId: fabric.GetFabricId(), Trigger: syncv1.Trigger_TRIGGER_FABRIC_CREATED, RequestedBy: req.GetRequestedBy(),
	})
	return &fabricv1.CreateFabricResponse{Fabric: fabric, SyncId: id}, nil
}

func (b *backend) fabric(id int32) (*fabricv1.Fabric, error) {
	if f := b.fabrics[id]; f != nil {
		return f, nil
	}
	return nil, errs.New(errs.FabricNotFound, "There is no fabric %d.", id)
}

func (b *backend) GetFabric(ctx context.Context, req *fabricv1.GetFabricRequest) (*fabricv1.GetFabricResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	f, err := b.fabric(req.GetFabricId())
	return &fabricv1.GetFabricResponse{Fabric: f}, err
}

func (b *backend) ListFabrics(ctx context.Context, _ *fabricv1.ListFabricsRequest) (*fabricv1.ListFabricsResponse,
	error,
) {
	leave, err := b.enter(ctx)
	defer leave()
	out := &fabricv1.ListFabricsResponse{}
	for _, f := range b.fabrics {
		out.Fabrics = append(out.Fabrics, f)
	}
	slices.SortFunc(out.GetFabrics(), func(x, y *fabricv1.Fabric) int { return int(x.GetFabricId() - y.GetFabricId()) })
	return out, err
}

func (b *backend) UpdateFabric(ctx context.Context, req *fabricv1.UpdateFabricRequest) (*fabricv1.UpdateFabricResponse,
	error,
) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	if _, err := b.fabric(req.GetFabric().GetFabricId()); err != nil {
		return nil, err
	}
	b.fabrics[req.GetFabric().GetFabricId()] = req.GetFabric()
	return &fabricv1.UpdateFabricResponse{Fabric: req.GetFabric()}, nil
}

func (b *backend) SuspendFabric(ctx context.Context,
	req *fabricv1.SuspendFabricRequest,
) (*fabricv1.SuspendFabricResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	fabric, err := b.fabric(req.GetFabricId())
	if err != nil {
		return nil, err
	}
	fabric.Suspension = &fabricv1.Suspension{
		Reason: req.GetReason(), SuspendedBy: req.GetRequestedBy(),
		SuspendedAt: fabric.GetCreatedAt(),
	}
	return &fabricv1.SuspendFabricResponse{Fabric: fabric}, nil
}

func (b *backend) ResumeFabric(ctx context.Context, req *fabricv1.ResumeFabricRequest) (*fabricv1.ResumeFabricResponse,
	error,
) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	fabric, err := b.fabric(req.GetFabricId())
	if err != nil {
		return nil, err
	}
	fabric.Suspension = nil
	return &fabricv1.ResumeFabricResponse{Fabric: fabric, SyncId: "the sync of " + req.GetRequestedBy()}, nil
}

func (b *backend) DeleteFabric(ctx context.Context, req *fabricv1.DeleteFabricRequest) (*fabricv1.DeleteFabricResponse,
	error,
) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	if _, err := b.fabric(req.GetFabricId()); err != nil {
		return nil, err
	}
	delete(b.fabrics, req.GetFabricId())
	return &fabricv1.DeleteFabricResponse{}, nil
}

func (b *backend) CheckDirectory(ctx context.Context,
	req *fabricv1.CheckDirectoryRequest,
) (*fabricv1.CheckDirectoryResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	_, err = b.fabric(req.GetFabricId())
	return b.check, err
}

func (b *backend) ListFiles(ctx context.Context, req *fabricv1.ListFilesRequest) (*fabricv1.ListFilesResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	b.asked = req
	_, err = b.fabric(req.GetFabricId())
	return b.files, err
}

func (b *backend) ListCommits(ctx context.Context, req *fabricv1.ListCommitsRequest) (*fabricv1.ListCommitsResponse,
	error,
) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	b.asked = req
	_, err = b.fabric(req.GetFabricId())
	return b.commits, err
}

func (b *backend) DiffCommits(ctx context.Context, req *fabricv1.DiffCommitsRequest) (*fabricv1.DiffCommitsResponse,
	error,
) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	b.asked = req
	_, err = b.fabric(req.GetFabricId())
	return b.diff, err
}

func (b *backend) ListQuarantine(ctx context.Context,
	req *fabricv1.ListQuarantineRequest,
) (*fabricv1.ListQuarantineResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	_, err = b.fabric(req.GetFabricId())
	return b.kept, err
}

func (b *backend) ListChanges(ctx context.Context, req *fabricv1.ListChangesRequest) (*fabricv1.ListChangesResponse,
	error,
) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	_, err = b.fabric(req.GetFabricId())
	return b.changes, err
}

func (b *backend) GetDirectoryHealth(ctx context.Context,
	req *fabricv1.GetDirectoryHealthRequest,
) (*fabricv1.GetDirectoryHealthResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	_, err = b.fabric(req.GetFabricId())
	return b.health, err
}

func (b *backend) start(req *syncv1.StartSyncRequest) string {
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", len(b.syncs)+1)
	b.syncs[id] = &syncv1.Sync{
		SyncId: id, FabricId: req.GetFabricId(), State: syncv1.State_STATE_PENDING, Trigger: req.GetTrigger(),
		Options:     req.GetOptions(),
		RequestedBy: req.GetRequestedBy(), Progress: &syncv1.Progress{}, AcceptedAt: timestamppb.Now(),
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
	id := b.start(req)
	if req.GetOptions().GetScope() == syncv1.Scope_SCOPE_DIRECTORY && b.onDirectory != nil {
		go b.onDirectory(id)
	}
	return &syncv1.StartSyncResponse{SyncId: id, Queued: queued}, nil
}

func (b *backend) sync(id string) (*syncv1.Sync, error) {
	if s := b.syncs[id]; s != nil {
		return s, nil
	}
	return nil, errs.New(errs.SyncNotFound, "There is no sync %s.", id)
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

func (b *backend) ListSyncs(ctx context.Context, req *syncv1.ListSyncsRequest) (*syncv1.ListSyncsResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
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

func (b *backend) Check(_ context.Context, req *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse,
	error,
) {
	b.mu.Lock()
	defer b.mu.Unlock()
	state := grpc_health_v1.HealthCheckResponse_SERVING
	if b.sick[req.GetService()] {
		state = grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	return &grpc_health_v1.HealthCheckResponse{Status: state}, nil
}
