package bridge_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	healthv1 "fgdsync.dev/proto/fgd/health/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// backend is the services behind the bridge, in memory: it keeps fabrics and syncs as the orchestrator's contract
// says, and a test plays the worker.
type backend struct {
	fabricv1.UnimplementedFabricServiceServer
	fabricv1.UnimplementedDirectoryViewServiceServer
	syncv1.UnimplementedSyncServiceServer
	adminv1.UnimplementedMaintenanceServiceServer
	gitv1.UnimplementedRepositoryServiceServer
	healthv1.UnimplementedComponentServiceServer

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
	resealed int
	onSeal   error // what github-sync says to credentials that are given
	// what it says when it is asked whether it can read some
	onReadable error
	lastCheck  *gitv1.CheckConnectionRequest
	onWatch    error       // what the orchestrator says to a listener
	metadata   metadata.MD // of the last call
	deadline   time.Time   // of the last call
	failure    error

	updateFailure error                      // of changes of fabrics alone
	sick          map[string]healthv1.Status // services and parts that are not healthy
	watchers      int
	looks         int // how often a fabric was asked for
	files         *fabricv1.ListFilesResponse
	check         *fabricv1.CheckDirectoryResponse
	kept          *fabricv1.ListQuarantineResponse
	changes       *fabricv1.ListChangesResponse
	commits       *fabricv1.ListCommitsResponse
	diff          *fabricv1.DiffCommitsResponse
	letters       *adminv1.ListDeadLettersResponse
	rebuilt       *adminv1.RebuildStateResponse
	asked         proto.Message // the last request for a list or a difference
	health        *fabricv1.GetDirectoryHealthResponse
	// onDirectory is what the worker does with a sync of a directory.
	onDirectory func(id string)
	tokens      *fakeTokens
	resources   *fakeResources
	// suspendReason is that of the last registration.
	suspendReason string
	listed        *fabricv1.ListFabricsRequest // the last one
}

func newBackend() *backend {
	b := &backend{
		changed: make(chan struct{}), fabrics: map[int32]*fabricv1.Fabric{}, syncs: map[string]*syncv1.Sync{},
		requests: map[string]string{},
		events:   map[string][]*syncv1.SyncEvent{}, active: map[int32]string{}, sick: map[string]healthv1.Status{},
	}
	b.tokens = &fakeTokens{b: b, stored: map[string]*accessv1.Token{}}
	b.resources = &fakeResources{b: b}
	return b
}

func (b *backend) register(r grpc.ServiceRegistrar) {
	fabricv1.RegisterFabricServiceServer(r, b)
	fabricv1.RegisterDirectoryViewServiceServer(r, b)
	adminv1.RegisterMaintenanceServiceServer(r, b)
	syncv1.RegisterSyncServiceServer(r, b)
	gitv1.RegisterRepositoryServiceServer(r, b)
	healthv1.RegisterComponentServiceServer(r, b)
	accessv1.RegisterTokenServiceServer(r, b.tokens)
	fabricv1.RegisterResourceServiceServer(r, b.resources)
}

// enter is the start of every call: the switch, and what came along.
func (b *backend) enter(ctx context.Context) (leave func(), err error) {
	b.mu.Lock()
	b.metadata, _ = metadata.FromIncomingContext(ctx)
	b.deadline, _ = ctx.Deadline()
	return b.mu.Unlock, b.failure
}

// enterUnasked is enter for what the bridge calls by itself, at any time: what came along is not that of a test's call.
func (b *backend) enterUnasked() (leave func(), err error) {
	b.mu.Lock()
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

func (b *backend) CreateFabric(ctx context.Context, req *fabricv1.CreateFabricRequest) (*fabricv1.CreateFabricResponse,
	error,
) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	fabric := proto.CloneOf(req.GetFabric())
	b.suspendReason = req.GetSuspendReason()
	if fabric.GetFabricId() == 0 {
		fabric.FabricId = int32(len(b.fabrics) + 1)
	}
	if b.fabrics[fabric.GetFabricId()] != nil {
		return nil, errs.New(errs.FabricExists, "Fabric %d is registered.", fabric.GetFabricId())
	}
	fabric.Location.FabricId = fabric.GetFabricId()
	if err := b.bind(fabric.GetLocation()); err != nil {
		return nil, err
	}
	fabric.RepositoryKey, _ = keyOf(fabric.GetLocation().GetRepositoryUrl()) // what is none has none
	fabric.Location.FabricId = 0                                             // who uses a location says for which fabric
	fabric.CreatedAt = timestamppb.Now()
	fabric.UpdatedAt = fabric.GetCreatedAt()
	b.fabrics[fabric.GetFabricId()] = fabric
	id := b.start(ctx, &syncv1.StartSyncRequest{
		FabricId: fabric.GetFabricId(), Trigger: syncv1.Trigger_TRIGGER_FABRIC_CREATED,
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

func (b *backend) ListFabrics(ctx context.Context, req *fabricv1.ListFabricsRequest) (*fabricv1.ListFabricsResponse,
	error,
) {
	leave, err := b.enter(ctx)
	defer leave()
	b.asked, b.listed = req, req
	b.looks++
	out := &fabricv1.ListFabricsResponse{Total: int32(len(b.fabrics)), NextPageToken: "next"}
	for _, f := range b.fabrics {
		if req.GetOnlySome() && !slices.Contains(req.GetFabricIds(), f.GetFabricId()) {
			continue
		}
		out.Fabrics = append(out.Fabrics, f)
		if f.GetStatus().GetState() == fabricv1.FabricState_FABRIC_STATE_DEGRADED {
			out.Counts = &fabricv1.FabricCounts{Degraded: out.GetCounts().GetDegraded() + 1}
		}
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
	if b.updateFailure != nil {
		return nil, b.updateFailure
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
		Reason: req.GetReason(), SuspendedBy: rpc.CallOf(ctx).Principal,
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
	return &fabricv1.ResumeFabricResponse{Fabric: fabric, SyncId: "the sync of " + rpc.CallOf(ctx).Principal}, nil
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

// ListComponents answers as every service does: of itself first, then of its parts.
func (b *backend) ListComponents(
	_ context.Context, req *healthv1.ListComponentsRequest,
) (*healthv1.ListComponentsResponse, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	parts := map[string][]string{
		"orchestrator": {"redis", "clock", "ledger", "queue", "events", "dead-letters"},
		"github-sync":  {"store", "git-hosts"},
	}
	out := &healthv1.ListComponentsResponse{}
	for _, name := range append([]string{req.GetService()}, parts[req.GetService()]...) {
		c := &healthv1.Component{Name: name, Status: healthv1.Status_STATUS_HEALTHY, Since: timestamppb.Now()}
		if status, sick := b.sick[name]; sick {
			c.Status, c.Reason, c.Remedy, c.Code = status, name+" is sick.", "Heal "+name+".", "FGD_5000"
			c.Details = map[string]string{"of": name + " sickness"}
		}
		out.Components = append(out.Components, c)
	}
	return out, nil
}
