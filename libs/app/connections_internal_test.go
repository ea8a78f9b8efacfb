package app

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
)

// TestAClientHasSoManyConnections: one more is closed, until one of them has ended.
func TestAClientHasSoManyConnections(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := newFairListener(inner, 2, slog.New(slog.DiscardHandler))
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	ours := []net.Conn{dial(), dial()}
	theirs := []net.Conn{<-accepted, <-accepted}
	refused := dial()
	if n, err := refused.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("the third is served: %d bytes, %v", n, err)
	}
	_ = theirs[0].Close()
	_ = theirs[0].Close() // which counts once
	ours = append(ours, refused, dial())
	theirs = append(theirs, <-accepted)
	if _, err := io.WriteString(theirs[2], "x"); err != nil {
		t.Error(err)
	}
	for _, conn := range append(ours, theirs...) {
		_ = conn.Close()
	}
	_ = listener.Close()
	for range accepted { // until the listener has ended
	}
	if len(listener.open) > 0 {
		t.Errorf("counted after the end: %v", listener.open)
	}
}

// TestEveryListenerIsFair, that of gRPC as that of HTTP.
func TestEveryListenerIsFair(t *testing.T) {
	t.Parallel()
	host := NewHost(telemetry.Discard(), Security{})
	t.Cleanup(func() { _ = host.Close() })
	for range 2 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if len(host.grpc) == 0 {
			host.ServeGRPC(listener, rpc.Callers)
		} else {
			host.ServeHTTP(listener, http.NotFoundHandler())
		}
	}
	for of, served := range map[int]net.Listener{
		maxGRPCPerClient: host.grpc[0].Listener, maxHTTPPerClient: host.http[0].listener,
	} {
		if fair, is := served.(*fairListener); !is || fair.most != of {
			t.Errorf("a client may have more than %d connections to %T", of, served)
		}
	}
}
