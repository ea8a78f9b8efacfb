package bridge_test

import (
	"errors"
	"net"
	"testing"

	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	"fgdsync.dev/testkit/certtest"
	"fgdsync.dev/testkit/grpctest"
)

// proven serves the bridge to those who prove to be a service, and returns it as one of them sees it.
func (f federated) proven(ca *certtest.CA, service string) *guarded {
	f.t.Helper()
	gate := &rpc.Gate{}
	gate.Set(f.service.Admission())
	server := rpc.NewServer(telemetry.Discard(), rpc.Callers, gate, ca.Keys("bridge").Server(),
		grpctest.OneLog(telemetry.Discard()))
	f.service.Register(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	server.Open()
	conn, err := rpc.DialNamed("bridge", listener.Addr().String(), ca.Keys(service), noop.NewTracerProvider())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			f.t.Error(err)
		}
	})
	return &guarded{folder: f.folder, bootstrap: f.bootstrap, bundle: &bundle{
		t: f.t, self: conn, backend: f.backend, clock: f.clock,
	}}
}

// TestServicesAreNoCallers: the certificate of a service, right or wrong, says nothing to what the suite offers to
// callers. Who shows it shows a token as everybody does.
func TestServicesAreNoCallers(t *testing.T) {
	t.Parallel()
	f := setupMatrix(t)
	ca, table := certtest.New(t), wants()
	for _, service := range []string{"orchestrator", "bridge", "somebody"} {
		peer := f.proven(ca, service)
		for _, rpc := range rpcs() {
			want, known := table[nameOf(rpc)]
			if !isPublic(rpc) || !known {
				continue
			}
			code := caller{code: errs.NotAuthenticated}.verdict(want, 35)
			if err := peer.callRPC(caller{}, rpc, 35); !fits(err, code, 35) {
				t.Errorf("%s by the service %s: %v, not %s", nameOf(rpc), service, err, code.Name)
			}
		}
		admin := caller{token: f.bootstrap}
		if err := peer.invokeAs(admin, "AccessService", "ListTokens", 0); err != nil {
			t.Errorf("with a token %s is told %v", service, err)
		}
	}
}
