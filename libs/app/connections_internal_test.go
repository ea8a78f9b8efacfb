package app

import (
	"io"
	"log/slog"
	"net"
	"testing"
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
