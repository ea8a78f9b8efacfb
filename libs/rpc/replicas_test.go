package rpc_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/grpctest"
)

// replica answers with its name, or with what the next service answers.
type replica struct {
	syncv1.UnimplementedSyncServiceServer
	name string
	next syncv1.SyncServiceClient
}

func (r *replica) GetSync(ctx context.Context, req *syncv1.GetSyncRequest) (*syncv1.GetSyncResponse, error) {
	if r.next != nil {
		return r.next.GetSync(ctx, req)
	}
	return &syncv1.GetSyncResponse{Sync: &syncv1.Sync{SyncId: r.name}}, nil
}

// start serves until it is stopped, or the test ends.
func start(t *testing.T, r *replica) (address string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := rpc.NewServer(telemetry.Discard(), rpc.Services, open(), nil, grpctest.OneLog(telemetry.Discard()))
	syncv1.RegisterSyncServiceServer(server, r)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener); close(served) }()
	stop = func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return listener.Addr().String(), stop
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := rpc.Dial(address, noop.NewTracerProvider())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestCallsAboutARepositoryGoToOneReplica(t *testing.T) {
	t.Parallel()
	var addresses []string
	stops := map[string]func(){}
	for _, name := range []string{"a", "b", "c"} {
		address, stop := start(t, &replica{name: name})
		addresses, stops[name] = append(addresses, address), stop
	}
	direct := syncv1.NewSyncServiceClient(dial(t, strings.Join(addresses, ", ")))
	middle, _ := start(t, &replica{next: direct})
	over := syncv1.NewSyncServiceClient(dial(t, middle))
	answering := func(ctx context.Context, client syncv1.SyncServiceClient) string {
		t.Helper()
		response, err := client.GetSync(ctx, &syncv1.GetSyncRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return response.GetSync().GetSyncId()
	}
	homes, all := map[string]bool{}, map[string]bool{}
	for i := range 50 {
		ctx := rpc.WithRoutingKey(t.Context(), fmt.Sprintf("https://git.example.com/fabrics-%d.git", i))
		home := answering(ctx, direct)
		if again, via := answering(ctx, direct), answering(ctx, over); again != home || via != home {
			t.Fatalf("repository %d went to %s, %s and %s", i, home, again, via)
		}
		homes[home], all[answering(t.Context(), direct)] = true, true
	}
	if len(homes) != 3 || len(all) != 3 {
		t.Errorf("repositories went to %v, others to %v", homes, all)
	}
	ctx := rpc.WithRoutingKey(t.Context(), "https://git.example.com/fabrics.git")
	home := answering(ctx, direct)
	stops[home]()
	for { // a call that was on its way fails, and is repeated by who made it
		response, err := direct.GetSync(ctx, &syncv1.GetSyncRequest{})
		if err == nil && response.GetSync().GetSyncId() != home {
			return
		}
		if err == nil || !errs.HasCode(err, errs.ServiceUnavailable) {
			t.Fatalf("%s has stopped; got %v, %v", home, response, err)
		}
	}
}
