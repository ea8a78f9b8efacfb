package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service returns every call with what its switches say.
type service struct {
	syncv1.UnimplementedSyncServiceServer
	fail  error
	panic bool
}

func (s *service) GetSync(context.Context, *syncv1.GetSyncRequest) (*syncv1.GetSyncResponse, error) {
	if s.panic {
		panic("a defect with s3cret inside")
	}
	return &syncv1.GetSyncResponse{}, s.fail
}

func (s *service) WatchSync(_ *syncv1.WatchSyncRequest,
	stream grpc.ServerStreamingServer[syncv1.WatchSyncResponse],
) error {
	if err := stream.Send(&syncv1.WatchSyncResponse{Events: []*syncv1.SyncEvent{{Type: "sync.started"}}}); err != nil {
		return err
	}
	if s.panic {
		panic("a defect with s3cret inside")
	}
	return s.fail
}

// serve runs the service behind a real server on a real connection.
func serve(t *testing.T, s *service, log io.Writer) syncv1.SyncServiceClient {
	t.Helper()
	tel, err := telemetry.New(t.Context(), telemetry.Config{
		Service: "test", LogWriter: log, LogLevel: "info",
		LogFormat: "json",
	})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := rpc.NewServer(tel)
	syncv1.RegisterSyncServiceServer(server, s)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := rpc.Dial(listener.Addr().String(), noop.NewTracerProvider())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return syncv1.NewSyncServiceClient(conn)
}

// call makes a unary call and a stream, and gives both errors.
func call(t *testing.T, client syncv1.SyncServiceClient) map[string]error {
	t.Helper()
	_, unary := client.GetSync(t.Context(), &syncv1.GetSyncRequest{})
	stream, err := client.WatchSync(t.Context(), &syncv1.WatchSyncRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := stream.Recv(); err != nil || len(first.GetEvents()) != 1 {
		t.Fatalf("got %v, %v", first, err)
	}
	_, streamed := stream.Recv()
	return map[string]error{"unary": unary, "stream": streamed}
}

func TestAnErrorArrivesAsItWasRaised(t *testing.T) {
	for kind := errs.Internal; kind <= errs.Deadline; kind++ {
		code := errs.PushRejected
		code.Kind = kind
		raised := errs.New(code, "The host refused %d commits.", 2).WithRemedy("Ask %s.", "the owner").
			WithMeta("sync_id", "42").WithRetryAfter(90 * time.Second).WithCause(errors.New("remote said s3cret"))
		for name, err := range call(t, serve(t, &service{fail: fmt.Errorf("publish: %w", raised)}, io.Discard)) {
			got := errs.From(err)
			if got.Code.Kind != kind || got.Code.ID != "FGD_4010" || got.Code.Name != "PUSH_REJECTED" ||
				got.Message != "The host refused 2 commits." ||
				got.RemedyText() != "Ask the owner." || got.RetryAfter != 90*time.Second ||
				!maps.Equal(got.Meta, map[string]string{"sync_id": "42"}) {
				t.Errorf("%s: kind %d became %+v", name, kind, got)
			}
			if !errors.Is(err, raised) {
				t.Errorf("%s: errors.Is does not know it", name)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: the cause crossed the border: %v", name, err)
			}
		}
	}
}

func TestTheRemedyOfTheCodeTravels(t *testing.T) {
	for name, err := range call(t, serve(t, &service{fail: errs.New(errs.FabricNotFound, "There is no fabric 1.")},
		io.Discard)) {
		if errs.From(err).RemedyText() != errs.FabricNotFound.Remedy {
			t.Errorf("%s: got %q", name, errs.From(err).RemedyText())
		}
	}
}

func TestWhatNobodyWroteForCallersStaysInside(t *testing.T) {
	for name, s := range map[string]*service{
		"error": {fail: errors.New("open /etc/s3cret: permission denied")},
		"panic": {panic: true},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			client := serve(t, s, &log)
			for way, err := range call(t, client) {
				if !errs.HasCode(err, errs.InternalError) || errs.KindOf(err) != errs.Internal ||
					strings.Contains(err.Error(), "s3cret") {
					t.Errorf("%s: %v", way, err)
				}
			}
			s.fail, s.panic = nil, false
			for way, err := range call(t, client) { // the server lives on
				if err != nil && !errors.Is(err, io.EOF) {
					t.Errorf("%s afterwards: %v", way, err)
				}
			}
			if n := strings.Count(log.String(), `"level":"ERROR"`); n != 2 || !strings.Contains(log.String(), "s3cret") {
				t.Errorf("%d errors in the log: %s", n, log.String())
			}
		})
	}
}

func TestAnEndedContextIsNoDefect(t *testing.T) {
	var log bytes.Buffer
	for cause, code := range map[error]errs.Code{
		context.Canceled:         errs.SyncCancelled,
		context.DeadlineExceeded: errs.SyncTimeout,
	} {
		for name, err := range call(t, serve(t, &service{fail: fmt.Errorf("read: %w", cause)}, &log)) {
			if !errs.HasCode(err, code) {
				t.Errorf("%s: %v became %v", name, cause, err)
			}
		}
	}
	if log.Len() != 0 {
		t.Errorf("logged %s", log.String())
	}
}

func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	conn, err := rpc.Dial(address, noop.NewTracerProvider())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = syncv1.NewSyncServiceClient(conn).GetSync(t.Context(), &syncv1.GetSyncRequest{})
	if !errs.HasCode(err, errs.ServiceUnavailable) || errs.KindOf(err) != errs.Unavailable ||
		strings.Contains(errs.From(err).Message, address) {
		t.Errorf("got %v", err)
	}
}

func TestAMessageOfItsGreatestSizePasses(t *testing.T) {
	client := serve(t, &service{}, io.Discard)
	for size, want := range map[int]bool{rpc.MaxMessageBytes - 64: true, rpc.MaxMessageBytes + 1: false} {
		_, err := client.GetSync(t.Context(), &syncv1.GetSyncRequest{SyncId: strings.Repeat("x", size)})
		if (err == nil) != want {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestLoopback(t *testing.T) {
	loopback := rpc.NewLoopback()
	server := rpc.NewServer(telemetry.Discard())
	syncv1.RegisterSyncServiceServer(server, &service{fail: errs.New(errs.GitHubRateLimited, "Later.").
		WithRetryAfter(time.Minute)})
	served := make(chan error, 1)
	go func() { served <- server.Serve(loopback.Listener()) }()
	conn, err := loopback.Dial(noop.NewTracerProvider())
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range call(t, syncv1.NewSyncServiceClient(conn)) {
		if e := errs.From(err); e.Code.ID != errs.GitHubRateLimited.ID || e.RetryAfter != time.Minute {
			t.Errorf("%s: %v", name, err)
		}
	}
	_ = conn.Close()
	server.Stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
