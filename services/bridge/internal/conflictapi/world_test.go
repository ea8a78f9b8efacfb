package conflictapi_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/conflictapi"
	"fgdsync.dev/services/bridge/internal/merge"
	"fgdsync.dev/services/bridge/internal/outbox"
	"fgdsync.dev/testkit/grpctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	linked   = 35
	unlinked = 36
)

// orchestrator knows two fabrics, of which a NetBox shows one.
type orchestrator struct {
	fabricv1.UnimplementedFabricServiceServer
}

func (orchestrator) GetFabric(
	_ context.Context, req *fabricv1.GetFabricRequest,
) (*fabricv1.GetFabricResponse, error) {
	fabric := &fabricv1.Fabric{FabricId: req.GetFabricId()}
	switch req.GetFabricId() {
	case linked:
		fabric.Netbox = &fabricv1.NetBoxLink{Url: "https://netbox.example.com"}
	case unlinked:
	default:
		return nil, errs.NoFabric(req.GetFabricId())
	}
	return &fabricv1.GetFabricResponse{Fabric: fabric}, nil
}

// fakeOutbox keeps receipts in memory, and settles what it is asked to at once.
type fakeOutbox struct {
	mu       sync.Mutex
	receipts []*netboxv1.Receipt
	asked    *netboxv1.Resolution // the last one
	tried    *netboxv1.Resolution // the last one that was a preview
	broken   error                // what it says to everything
	refusal  error                // what it says to resolutions
}

func (f *fakeOutbox) Status(context.Context, int32) (outbox.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return outbox.Status{}, f.broken
	}
	var all []*netboxv1.Receipt
	for _, r := range f.receipts {
		all = append(all, proto.CloneOf(r))
	}
	return outbox.Status{Delivery: &netboxv1.Delivery{}, Receipts: all}, nil
}

func (f *fakeOutbox) Resolve(_ context.Context, _ int32, asked *netboxv1.Resolution) (*netboxv1.Receipt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = proto.CloneOf(asked)
	for _, r := range f.receipts {
		if c := r.GetConflict(); c.GetConflictId() == asked.GetConflictId() && f.refusal == nil && f.broken == nil {
			c.State, c.ResolvedBy = netboxv1.ConflictState_CONFLICT_STATE_RESOLVED, asked.GetResolvedBy()
			return proto.CloneOf(r), nil
		}
	}
	if f.refusal != nil {
		return nil, f.refusal
	}
	return nil, f.broken
}

func (f *fakeOutbox) Preview(
	_ context.Context, _ int32, tried *netboxv1.Resolution,
) (outbox.Preview, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tried = proto.CloneOf(tried)
	return outbox.Preview{
		Receipt: proto.CloneOf(f.receipts[0]), Diff: "--- a\n", RecordFields: slices.Repeat([]merge.Path{"spec.a"}, 1001),
	}, f.refusal
}

func (f *fakeOutbox) set(change func(*fakeOutbox)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// world is the service behind a connection, with an outbox that can be broken.
type world struct {
	bridgev1.ConflictServiceClient
	outbox *fakeOutbox
}

func newWorld(t testing.TB, receipts ...*netboxv1.Receipt) *world {
	t.Helper()
	behind := grpctest.Serve(t, rpc.Services, func(r grpc.ServiceRegistrar) {
		fabricv1.RegisterFabricServiceServer(r, orchestrator{})
	})
	box := &fakeOutbox{receipts: receipts}
	front := grpctest.Serve(t, rpc.Callers, conflictapi.New(behind, box).Register)
	return &world{bridgev1.NewConflictServiceClient(front), box}
}

// twoPlaces is the receipt of a resource of which two fields are in conflict.
func twoPlaces() *netboxv1.Receipt {
	at := timestamppb.New(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	return &netboxv1.Receipt{
		Kind: "VPC", Namespace: "default", Name: "vpc-1", RecordId: 7, State: netboxv1.State_STATE_HELD,
		Wanted: &netboxv1.Wanted{Path: "managed/vpcs/vpc-1.yaml"},
		Conflict: &netboxv1.Conflict{
			ConflictId: "c-1", WebUrl: "https://github.com/ada/fabrics/blob/abc/managed/vpcs/vpc-1.yaml", Version: "v-1", State: netboxv1.ConflictState_CONFLICT_STATE_OPEN, OpenedAt: at,
			Paths: []*netboxv1.ConflictPath{
				{
					Path: "spec.subnets.default.vlan", Reason: "both_changed",
					Base: []byte("1001"), Git: []byte("1002"), Netbox: []byte("4294967295"),
				},
				{Path: `annotations."example.com/owner"`, Reason: "one_removed", Base: []byte(`"a"`), Netbox: []byte("null")},
			},
			GitChangedBy:    &fabricv1.FileAuthor{Commit: "abc", Name: "Ada", Email: "ada@example.com", Subject: "Renumber"},
			NetboxChangedBy: &netboxv1.Editor{User: "grace", At: at, RequestId: "r-1", ChangeId: 12},
		},
	}
}

// at is the receipt of a resource with a conflict in a state.
func at(kind, namespace, name string, state netboxv1.ConflictState) *netboxv1.Receipt {
	return &netboxv1.Receipt{
		Kind: kind, Namespace: namespace, Name: name,
		Conflict: &netboxv1.Conflict{ConflictId: kind + "-" + namespace + "-" + name, Version: "v", State: state},
	}
}

// requireError holds that a call was refused with a code, and for a field where one is named.
func requireError(t *testing.T, err error, code errs.Code, field string) {
	t.Helper()
	e := errs.From(err)
	if err == nil || e.Code.ID != code.ID || e.Meta[errs.FieldKey] != field || e.RemedyText() == "" {
		t.Fatalf("the error is %v with %v, not %s of %q", err, e.Meta, code.Name, field)
	}
}
