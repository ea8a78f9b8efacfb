package rpc_test

import (
	"bytes"
	"net"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/grpctest"
)

// maxFrame is how many bytes a frame of HTTP/2 has at most, unless it is agreed otherwise.
const maxFrame = 16 << 10

// A rawClient speaks HTTP/2 without keeping to what the server says that it takes.
type rawClient struct {
	t      *testing.T
	framer *http2.Framer
	next   uint32
}

func newRawClient(t *testing.T, address string) *rawClient {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	c := &rawClient{t, http2.NewFramer(conn, conn), 1}
	if err := c.framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return c
}

// call begins a call, whose request is to come unless it is whole, and returns its number.
func (c *rawClient) call(whole bool) uint32 {
	c.t.Helper()
	return c.begin(syncv1.SyncService_GetSync_FullMethodName, whole)
}

// begin is call for a path of any form, with more headers.
func (c *rawClient) begin(path string, whole bool, headers ...[2]string) uint32 {
	c.t.Helper()
	number, err := c.try(path, whole, headers...)
	if err != nil {
		c.t.Fatal(err)
	}
	return number
}

// try is begin where the other side may have gone away.
func (c *rawClient) try(path string, whole bool, headers ...[2]string) (uint32, error) {
	c.t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range append([][2]string{
		{":method", "POST"},
		{":scheme", "http"},
		{":path", path},
		{":authority", "host"},
		{"content-type", "application/grpc"},
		{"te", "trailers"},
	}, headers...) {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			c.t.Fatal(err)
		}
	}
	number := c.next
	c.next += 2
	fragment := block.Next(maxFrame)
	err := c.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: number, BlockFragment: fragment, EndHeaders: block.Len() == 0, EndStream: whole,
	})
	for err == nil && block.Len() > 0 {
		fragment = block.Next(maxFrame)
		err = c.framer.WriteContinuation(number, block.Len() == 0, fragment)
	}
	return number, err
}

// answer reads up to the first answer to a call, and reports whether it was refused.
func (c *rawClient) answer(number uint32) (refused bool) {
	c.t.Helper()
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			c.t.Fatal(err)
		}
		if frame.Header().StreamID != number {
			continue
		}
		reset, is := frame.(*http2.RSTStreamFrame)
		return is && reset.ErrCode == http2.ErrCodeRefusedStream
	}
}

// TestAConnectionHasSoManyCalls: one more of a caller that does not wait is refused, on that connection alone.
func TestAConnectionHasSoManyCalls(t *testing.T) {
	t.Parallel()
	address := serveCallers(t, open(), &service{})
	greedy := newRawClient(t, address)
	for range rpc.MaxCalls {
		greedy.call(false)
	}
	if !greedy.answer(greedy.call(true)) {
		t.Errorf("call %d of a connection was taken", rpc.MaxCalls+1)
	}
	requireServed(t, address)
}

// serveCallers serves to callers over a network for the time of a test, and returns the address.
func serveCallers(t *testing.T, gate *rpc.Gate, service syncv1.SyncServiceServer) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := rpc.NewServer(telemetry.Discard(), rpc.Callers, gate, nil, grpctest.OneLog(telemetry.Discard()))
	syncv1.RegisterSyncServiceServer(server, service)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// requireServed makes a call over a connection of its own.
func requireServed(t *testing.T, address string) {
	t.Helper()
	other := newRawClient(t, address)
	if other.answer(other.call(true)) {
		t.Error("a call of another connection was refused")
	}
}
