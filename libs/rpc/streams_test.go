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
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{
		{":method", "POST"},
		{":scheme", "http"},
		{":path", syncv1.SyncService_GetSync_FullMethodName},
		{":authority", "host"},
		{"content-type", "application/grpc"},
		{"te", "trailers"},
	} {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			c.t.Fatal(err)
		}
	}
	number := c.next
	c.next += 2
	if err := c.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: number, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: whole,
	}); err != nil {
		c.t.Fatal(err)
	}
	return number
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
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := rpc.NewServer(telemetry.Discard(), rpc.Callers, open(), nil, grpctest.OneLog(telemetry.Discard()))
	syncv1.RegisterSyncServiceServer(server, &service{})
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	greedy := newRawClient(t, listener.Addr().String())
	for range rpc.MaxCalls {
		greedy.call(false)
	}
	if !greedy.answer(greedy.call(true)) {
		t.Errorf("call %d of a connection was taken", rpc.MaxCalls+1)
	}
	other := newRawClient(t, listener.Addr().String())
	if other.answer(other.call(true)) {
		t.Error("a call of another connection was refused")
	}
	server.Stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
