package rpc_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/rpc"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// watchful is a gate that everybody passes, and a service behind it, which count who came how far.
type watchful struct {
	rpc.Peers
	syncv1.UnimplementedSyncServiceServer
	passed, reached atomic.Int32
}

func (w *watchful) Unary(
	ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (any, error) {
	w.passed.Add(1)
	return next(ctx, req)
}

func (w *watchful) GetSync(context.Context, *syncv1.GetSyncRequest) (*syncv1.GetSyncResponse, error) {
	w.reached.Add(1)
	return &syncv1.GetSyncResponse{}, nil
}

func (w *watchful) gate() *rpc.Gate {
	gate := &rpc.Gate{}
	gate.Set(w)
	return gate
}

// ask makes a call with an empty request, and returns the status that it is answered with.
func (c *rawClient) ask(path string) string {
	c.t.Helper()
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	number := c.begin(path, false)
	if err := c.framer.WriteData(number, true, make([]byte, 5)); err != nil {
		c.t.Fatal(err)
	}
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			c.t.Fatal(err)
		}
		headers, is := frame.(*http2.MetaHeadersFrame)
		if !is || headers.StreamID != number {
			continue
		}
		for _, field := range headers.Fields {
			if field.Name == "grpc-status" {
				return field.Value
			}
		}
	}
}

// TestAPathWithoutItsSlash is X10 of the fault matrix: what is not written as a method is none. A rule for the method
// would not be found for it.
func TestAPathWithoutItsSlash(t *testing.T) {
	t.Parallel()
	w := &watchful{}
	address := serveCallers(t, w.gate(), w)
	right := syncv1.SyncService_GetSync_FullMethodName
	bare := strings.TrimPrefix(right, "/")
	for _, path := range []string{bare, "/" + right, "x" + right, "/x" + right, bare[:strings.Index(bare, "/")]} {
		if status := newRawClient(t, address).ask(path); status != "12" {
			t.Errorf("%s: status %s", path, status)
		}
	}
	if passed := w.passed.Load(); passed > 0 || w.reached.Load() > 0 {
		t.Errorf("%d passed the gate, and %d were served", passed, w.reached.Load())
	}
	if status := newRawClient(t, address).ask(right); status != "0" || w.reached.Load() != 1 {
		t.Errorf("%s: status %s", right, status)
	}
}

// TestTenThousandStreams of one connection take no more than a thousand, and nothing from others: X11 of the fault
// matrix.
func TestTenThousandStreams(t *testing.T) {
	t.Parallel()
	const many = 10_000
	address := serveCallers(t, open(), &service{})
	greedy := newRawClient(t, address)
	refused := make(chan int, 1)
	go func() {
		count := 0
		defer func() { refused <- count }()
		for count < many-rpc.MaxCalls {
			frame, err := greedy.framer.ReadFrame()
			if err != nil {
				return
			}
			if reset, is := frame.(*http2.RSTStreamFrame); is && reset.ErrCode == http2.ErrCodeRefusedStream {
				count++
			}
		}
	}()
	for range many {
		greedy.call(false)
	}
	if got := <-refused; got != many-rpc.MaxCalls {
		t.Errorf("%d of %d streams were refused", got, many)
	}
	requireServed(t, address)
}

// TestAPingFlood ends its connection, and no other: X11 of the fault matrix.
func TestAPingFlood(t *testing.T) {
	t.Parallel()
	address := serveCallers(t, open(), &service{})
	noisy := newRawClient(t, address)
	const many = 10
	for range many {
		if err := noisy.framer.WritePing(false, [8]byte{}); err != nil {
			break // it is cut off already
		}
	}
	for answered := 0; ; {
		frame, err := noisy.framer.ReadFrame()
		if err != nil {
			break // what it was told can be lost with the connection
		}
		if away, is := frame.(*http2.GoAwayFrame); is && away.ErrCode != http2.ErrCodeEnhanceYourCalm {
			t.Errorf("sent away for %v", away.ErrCode)
		}
		if ping, is := frame.(*http2.PingFrame); is && ping.IsAck() {
			if answered++; answered == many {
				t.Fatal("all of them were answered")
			}
		}
	}
	requireServed(t, address)
}

// TestHeadersOfACallAreBounded, for they are kept as long as it waits for its request: X16 of the fault matrix.
func TestHeadersOfACallAreBounded(t *testing.T) {
	t.Parallel()
	w := &watchful{}
	address := serveCallers(t, w.gate(), w)
	large := newRawClient(t, address)
	number, err := large.try(syncv1.SyncService_GetSync_FullMethodName, false,
		[2]string{"baggage", strings.Repeat("a=bcdefg,", 1<<20/9)})
	if err == nil { // else it is cut off already
		_ = large.framer.WriteData(number, true, make([]byte, 5))
	}
	for {
		frame, err := large.framer.ReadFrame()
		if err != nil {
			break // nor does the connection go on
		}
		if _, is := frame.(*http2.RSTStreamFrame); is && frame.Header().StreamID == number {
			break
		}
		if frame.Header().StreamID == number {
			t.Fatalf("answered with %v", frame)
		}
	}
	if passed := w.passed.Load(); passed > 0 {
		t.Error("it passed the gate")
	}
	requireServed(t, address)
}
