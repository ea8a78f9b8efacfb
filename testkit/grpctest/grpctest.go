// Package grpctest serves gRPC services for the time of a test, over a network.
package grpctest

import (
	"errors"
	"log/slog"
	"net"
	"testing"

	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/libs/telemetry"
)

// Serve serves what is registered to an audience, with the interceptors that every server of the suite has, and returns
// a connection to it.
func Serve(t testing.TB, audience rpc.Audience, register func(grpc.ServiceRegistrar)) *grpc.ClientConn {
	t.Helper()
	return ServeWith(t, telemetry.Discard(), audience, register)
}

// ServeWith is Serve with telemetry that can be looked at.
func ServeWith(
	t testing.TB, tel *telemetry.Telemetry, audience rpc.Audience, register func(grpc.ServiceRegistrar),
) *grpc.ClientConn {
	t.Helper()
	gate := &rpc.Gate{}
	gate.Set(&rpc.Peers{})
	if audience == rpc.Callers {
		gate.Set(rpc.Believing{})
	}
	server := rpc.NewServer(tel, audience, gate, nil, OneLog(tel))
	register(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := dial(audience, listener.Addr().String())
	if err != nil {
		t.Fatalf("dial the server: %v", err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) { // stopped before it began
			t.Errorf("serve: %v", err)
		}
	})
	return conn
}

func dial(audience rpc.Audience, address string) (*grpc.ClientConn, error) {
	if audience == rpc.Callers {
		return rpc.DialPublic(address, secret.String{}, noop.NewTracerProvider())
	}
	return rpc.Dial(address, noop.NewTracerProvider())
}

// OneLog returns that of a process, whatever service is asked about.
func OneLog(tel *telemetry.Telemetry) func(string) *slog.Logger {
	return func(string) *slog.Logger { return tel.Log }
}
