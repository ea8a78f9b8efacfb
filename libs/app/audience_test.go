package app_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

type (
	internalSyncs struct {
		syncv1.UnimplementedSyncServiceServer
	}
	publicSyncs struct {
		bridgev1.UnimplementedSyncServiceServer
	}
)

func (internalSyncs) GetSync(ctx context.Context, _ *syncv1.GetSyncRequest) (*syncv1.GetSyncResponse, error) {
	return &syncv1.GetSyncResponse{Sync: &syncv1.Sync{RequestedBy: rpc.CallOf(ctx).Principal}}, nil
}

func (publicSyncs) GetSyncStatus(ctx context.Context, _ *bridgev1.GetSyncStatusRequest,
) (*bridgev1.GetSyncStatusResponse, error) {
	return &bridgev1.GetSyncStatusResponse{
		Status: &bridgev1.SyncStatus{RequestedBy: rpc.CallOf(ctx).Principal},
	}, nil
}

func internalWorker() *worker {
	w := newWorker()
	w.register = func(r grpc.ServiceRegistrar) { syncv1.RegisterSyncServiceServer(r, internalSyncs{}) }
	return w
}

func publicWorker() *worker {
	w := newWorker()
	w.register = func(r grpc.ServiceRegistrar) { bridgev1.RegisterSyncServiceServer(r, publicSyncs{}) }
	return w
}

// believing is a service that admits everybody.
type believing struct{ *worker }

func (believing) Admission() rpc.Admission { return rpc.Believing{} }

// ask calls an internal and a public RPC, and returns who asked as each saw it, and how each failed.
func ask(ctx context.Context, conn *grpc.ClientConn) (who [2]string, failed [2]codes.Code) {
	internal, err := syncv1.NewSyncServiceClient(conn).GetSync(ctx, &syncv1.GetSyncRequest{})
	who[0], failed[0] = internal.GetSync().GetRequestedBy(), status.Code(err)
	public, err := bridgev1.NewSyncServiceClient(conn).GetSyncStatus(ctx, &bridgev1.GetSyncStatusRequest{SyncId: "1"})
	who[1], failed[1] = public.GetStatus().GetRequestedBy(), status.Code(err)
	return who, failed
}

// reflected returns the services of the suite that a server tells of.
func reflected(t *testing.T, conn *grpc.ClientConn) []string {
	t.Helper()
	stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list := &grpc_reflection_v1.ServerReflectionRequest_ListServices{}
	if err := stream.Send(&grpc_reflection_v1.ServerReflectionRequest{MessageRequest: list}); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, service := range answer.GetListServicesResponse().GetService() {
		if strings.HasPrefix(service.GetName(), "fgd.") {
			names = append(names, service.GetName())
		}
	}
	return names
}

// TestEachAudienceHasItsOwn: what is internal is not there for callers, nor what is public for services, be it to call,
// by reflection or in health checks; on a listener as on a loopback.
func TestEachAudienceHasItsOwn(t *testing.T) {
	t.Parallel()
	host := newHost()
	inside, outside := internalWorker(), publicWorker()
	host.Add("inside", inside, rpc.Services)
	host.Add("outside", believing{outside}, rpc.Callers)
	listeners := map[rpc.Audience]net.Listener{rpc.Services: listen(t), rpc.Callers: listen(t)}
	conns := map[rpc.Audience][]*grpc.ClientConn{}
	for audience, dial := range map[rpc.Audience]func(string) (*grpc.ClientConn, error){
		rpc.Services: func(a string) (*grpc.ClientConn, error) { return rpc.Dial(a, noop.NewTracerProvider()) },
		rpc.Callers: func(a string) (*grpc.ClientConn, error) {
			return rpc.DialPublic(a, secret.String{}, noop.NewTracerProvider())
		},
	} {
		host.ServeGRPC(listeners[audience], audience)
		loopback, err := host.Loopback(audience)
		if err != nil {
			t.Fatal(err)
		}
		network, err := dial(listeners[audience].Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conns[audience] = []*grpc.ClientConn{loopback, network}
	}
	end := running(t, host, inside, outside)
	ctx := rpc.WithPrincipal(t.Context(), "alice")
	for audience, want := range map[rpc.Audience]struct {
		who       [2]string
		failed    [2]codes.Code
		reflected []string
		health    map[string]codes.Code
	}{
		rpc.Services: {
			[2]string{"alice", ""},
			[2]codes.Code{codes.OK, codes.Unimplemented},
			[]string{"fgd.health.v1.ComponentService", "fgd.sync.v1.SyncService"},
			map[string]codes.Code{
				"": codes.OK, "inside": codes.OK, "outside": codes.NotFound,
				"fgd.sync.v1.SyncService": codes.OK, "fgd.bridge.v1.SyncService": codes.NotFound,
			},
		},
		rpc.Callers: {
			[2]string{"", "alice"},
			[2]codes.Code{codes.Unimplemented, codes.OK},
			[]string{"fgd.bridge.v1.SyncService"},
			map[string]codes.Code{
				"": codes.OK, "inside": codes.NotFound, "outside": codes.OK,
				"fgd.sync.v1.SyncService": codes.NotFound, "fgd.bridge.v1.SyncService": codes.OK,
			},
		},
	} {
		for i, conn := range conns[audience] {
			if who, failed := ask(ctx, conn); who != want.who || failed != want.failed {
				t.Errorf("%s, connection %d: asked as %q, failed with %v", audience, i, who, failed)
			}
			if got := reflected(t, conn); !slices.Equal(got, want.reflected) {
				t.Errorf("%s, connection %d: reflection tells of %v", audience, i, got)
			}
			for name, code := range want.health {
				_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: name})
				if status.Code(err) != code {
					t.Errorf("%s, connection %d: health of %q: %v", audience, i, name, err)
				}
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := end(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

// TestNothingIsServedToTheWrongAudience: a service that is added for the wrong one is not served at all.
func TestNothingIsServedToTheWrongAudience(t *testing.T) {
	t.Parallel()
	for audience, w := range map[rpc.Audience]*worker{rpc.Callers: internalWorker(), rpc.Services: publicWorker()} {
		host := newHost()
		host.Add("misplaced", w, audience)
		listener := listen(t)
		host.ServeGRPC(listener, audience)
		ctx, stop := context.WithTimeout(t.Context(), time.Minute) // one that is not refused would go on
		if err := host.Run(ctx); err == nil || !strings.Contains(err.Error(), "SyncService") {
			t.Errorf("%s: %v", audience, err)
		}
		stop()
		if again, err := app.Listen(listener.Addr().String(), "test"); err != nil {
			t.Errorf("%s: the listener was left open: %v", audience, err)
		} else if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNobodyIsAdmittedByItself: a server on which nothing says who may call it tells whether it is well, and no more.
func TestNobodyIsAdmittedByItself(t *testing.T) {
	t.Parallel()
	host := newHost()
	inside, outside := internalWorker(), publicWorker()
	host.Add("inside", inside, rpc.Services)
	host.Add("outside", outside, rpc.Callers)
	conn, err := host.Loopback(rpc.Callers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	running(t, host, inside, outside)
	_, err = bridgev1.NewSyncServiceClient(conn).GetSyncStatus(t.Context(), &bridgev1.GetSyncStatusRequest{SyncId: "1"})
	if !errs.HasCode(err, errs.NotAllowed) {
		t.Errorf("a call: %v", err)
	}
	events, err := bridgev1.NewSyncServiceClient(conn).
		StreamSyncEvents(t.Context(), &bridgev1.StreamSyncEventsRequest{SyncId: "1"})
	if err == nil {
		_, err = events.Recv()
	}
	if !errs.HasCode(err, errs.NotAllowed) {
		t.Errorf("a stream: %v", err)
	}
	stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err == nil {
		_, err = stream.Recv()
	}
	if !errs.HasCode(err, errs.NotAllowed) {
		t.Errorf("reflection: %v", err)
	}
	_, err = grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Errorf("health: %v", err)
	}
}
