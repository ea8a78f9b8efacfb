package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// sent tells of answers that were handed over, and of connections that have ended.
type sent struct{ answers, ends chan *takenConn }

func (sent) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (sent) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (s sent) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if _, is := event.(*stats.OutPayload); is {
		conn, _ := takenConnOf(ctx)
		s.answers <- conn
	}
}

func (s sent) HandleConn(ctx context.Context, event stats.ConnStats) {
	if _, is := event.(*stats.ConnEnd); is {
		conn, _ := takenConnOf(ctx)
		s.ends <- conn
	}
}

// heavy is a service whose answers no buffer on the way to a client holds.
func heavy() *grpc.ServiceDesc {
	answer := func(any, context.Context, func(any) error, grpc.UnaryServerInterceptor) (any, error) {
		return wrapperspb.Bytes(bytes.Repeat([]byte("x"), 8<<20)), nil
	}
	return &grpc.ServiceDesc{ServiceName: "heavy", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: "Get", Handler: answer,
	}}}
}

// TestACallerThatTakesNothing is let go when the time of the next part is over; one that takes its answer stays.
func TestACallerThatTakesNothing(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	seen := sent{make(chan *takenConn, 2), make(chan *takenConn, 2)}
	var log bytes.Buffer
	server := grpc.NewServer(grpc.Creds(takenCredentials{insecure.NewCredentials()}),
		grpc.StatsHandler(&taken{log: slog.New(slog.NewTextHandler(&log, nil))}), grpc.StatsHandler(seen))
	server.RegisterService(heavy(), nil)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessageBytes)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ask := func() grpc.ClientStream {
		stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, "/heavy/Get")
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.SendMsg(&wrapperspb.BytesValue{}); err != nil {
			t.Fatal(err)
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		return stream
	}
	stream := ask()
	if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(&wrapperspb.BytesValue{}); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if taker := <-seen.answers; taker.look() || taker.wasCut() {
		t.Error("one that has taken its answer is let go, or looked after further")
	}
	ask()
	lazy := <-seen.answers
	for lazy.look() { // what the first window lets through is progress, once
	}
	if !lazy.wasCut() {
		t.Error("one that takes nothing is kept")
	}
	if ended := <-seen.ends; ended != lazy || !bytes.Contains(log.Bytes(), []byte("answer was not taken")) {
		t.Errorf("it is not said that an answer was not taken: %s", &log)
	}
}

// TestPartsAreTakenInTime: a slow client has the time of a part for each, and the rest may be smaller than a part.
func TestPartsAreTakenInTime(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	conn := &takenConn{Conn: near}
	conn.written.Store(1000) // of answers before
	if !conn.expect(1000, takenPart+10) || conn.expect(1000, 20) {
		t.Fatal("nobody looks, or more than one")
	}
	for _, c := range []struct {
		taken     int64
		more, cut bool
	}{{takenPart, true, false}, {30, false, false}} {
		conn.written.Add(c.taken)
		if more := conn.look(); more != c.more || conn.wasCut() != c.cut {
			t.Errorf("after %d bytes: more %v, cut %v", c.taken, more, conn.wasCut())
		}
	}
	if !conn.expect(conn.written.Load(), 2*takenPart) {
		t.Fatal("nobody looks again")
	}
	conn.written.Add(takenPart - 1)
	if conn.look() || !conn.wasCut() {
		t.Error("a part was not taken in time, and the client is kept")
	}
}
