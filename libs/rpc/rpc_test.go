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
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/grpctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logged is a log that is written to and read at the same time.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// telemetryTo returns telemetry that logs as every process does.
func telemetryTo(t testing.TB, log io.Writer) *telemetry.Telemetry {
	t.Helper()
	tel, err := telemetry.New(t.Context(), telemetry.Config{
		Service: "test", LogWriter: log, LogLevel: "debug", LogFormat: "json", ContextAttrs: rpc.LogAttrs,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

// service answers every call with what its switches say.
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

// serve runs the service for other services, and returns a client of it.
func serve(t *testing.T, s *service, log io.Writer) syncv1.SyncServiceClient {
	t.Helper()
	return syncv1.NewSyncServiceClient(grpctest.ServeWith(t, telemetryTo(t, log), rpc.Services,
		func(r grpc.ServiceRegistrar) { syncv1.RegisterSyncServiceServer(r, s) }))
}

// call makes a unary call and a stream, and returns both errors.
func call(ctx context.Context, t *testing.T, client syncv1.SyncServiceClient) map[string]error {
	t.Helper()
	_, unary := client.GetSync(ctx, &syncv1.GetSyncRequest{})
	stream, err := client.WatchSync(ctx, &syncv1.WatchSyncRequest{})
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
	t.Parallel()
	for kind := errs.Internal; kind <= errs.Deadline; kind++ {
		code := errs.PushRejected
		code.Kind = kind
		raised := errs.New(code, "The host refused %d commits.", 2).WithRemedy("Ask %s.", "the owner").
			WithMeta("sync_id", "42").WithRetryAfter(90 * time.Second).WithCause(errors.New("remote said s3cret"))
		client := serve(t, &service{fail: fmt.Errorf("publish: %w", raised)}, io.Discard)
		for name, err := range call(t.Context(), t, client) {
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
	t.Parallel()
	client := serve(t, &service{fail: errs.New(errs.FabricNotFound, "There is no fabric 1.")}, io.Discard)
	for name, err := range call(t.Context(), t, client) {
		if errs.From(err).RemedyText() != errs.FabricNotFound.Remedy {
			t.Errorf("%s: got %q", name, errs.From(err).RemedyText())
		}
	}
}

func TestWhatNobodyWroteForCallersStaysInside(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*service{
		"error": {fail: errors.New("open /etc/s3cret: permission denied")},
		"panic": {panic: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log logged
			client := serve(t, s, &log)
			for way, err := range call(t.Context(), t, client) {
				if !errs.HasCode(err, errs.InternalError) || errs.KindOf(err) != errs.Internal ||
					strings.Contains(err.Error(), "s3cret") {
					t.Errorf("%s: %v", way, err)
				}
			}
			s.fail, s.panic = nil, false
			for way, err := range call(t.Context(), t, client) { // the server lives on
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

// TestTheCauseThatIsLostIsLogged: once, by the service that had it, with the id that the caller knows, and as loudly as
// its kind deserves.
func TestTheCauseThatIsLostIsLogged(t *testing.T) {
	t.Parallel()
	const cause = "NOAUTH Authentication required."
	for name, c := range map[string]struct {
		fail  error
		level string // of the line; none when empty
	}{
		"internal":       {errs.New(errs.SyncFailed, "It failed.").WithCause(errors.New(cause)), "ERROR"},
		"no Error":       {errors.New(cause), "ERROR"},
		"unavailable":    {errs.New(errs.RedisConnectionFailed, "Redis is away.").WithCause(errors.New(cause)), "WARN"},
		"limited":        {errs.New(errs.GitHubRateLimited, "Later.").WithCause(errors.New(cause)), "WARN"},
		"a step's time":  {errs.New(errs.GitHubConnectionFailed, "No.").WithCause(context.DeadlineExceeded), "WARN"},
		"invalid":        {errs.New(errs.InvalidRequest, "No.").WithCause(errors.New(cause)), "INFO"},
		"nothing lost":   {errs.New(errs.RedisConnectionFailed, "Redis is away."), ""},
		"a refusal":      {errs.New(errs.FabricNotFound, "There is no fabric 1."), ""},
		"the caller":     {fmt.Errorf("read: %w", context.Canceled), ""},
		"caller's cause": {errs.New(errs.RedisConnectionFailed, "Redis is away.").WithCause(context.Canceled), ""},
		"the call's end": {fmt.Errorf("read: %w", context.DeadlineExceeded), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log logged
			inner := serve(t, &service{fail: c.fail}, &log)
			// What passes an error on has nothing to add.
			outer := syncv1.NewSyncServiceClient(grpctest.ServeWith(t, telemetryTo(t, &log), rpc.Services,
				func(r grpc.ServiceRegistrar) { syncv1.RegisterSyncServiceServer(r, &relay{next: inner}) }))
			_, err := outer.GetSync(rpc.WithCorrelationID(t.Context(), "my-id-1"), &syncv1.GetSyncRequest{})
			if err == nil {
				t.Fatal("it did not fail")
			}
			lines := strings.Count(log.String(), "\n")
			if c.level == "" && lines != 0 || c.level != "" && (lines != 1 ||
				!strings.Contains(log.String(), `"level":"`+c.level+`"`) ||
				!strings.Contains(log.String(), `"correlation_id":"my-id-1"`) ||
				!strings.Contains(log.String(), `"method":"/fgd.sync.v1.SyncService/GetSync"`)) {
				t.Errorf("want one line of level %q, got %s", c.level, log.String())
			}
		})
	}
}

func TestAnEndedContextIsNoDefect(t *testing.T) {
	t.Parallel()
	var log logged
	for cause, code := range map[error]errs.Code{
		context.Canceled:         errs.SyncCancelled,
		context.DeadlineExceeded: errs.SyncTimeout,
	} {
		for name, err := range call(t.Context(), t, serve(t, &service{fail: fmt.Errorf("read: %w", cause)}, &log)) {
			if !errs.HasCode(err, code) {
				t.Errorf("%s: %v became %v", name, cause, err)
			}
		}
	}
	if log.String() != "" {
		t.Errorf("logged %s", log.String())
	}
}

// TestHealthKeepsItsProtocol: a status of gRPC's own services is theirs to choose, and no defect.
func TestHealthKeepsItsProtocol(t *testing.T) {
	t.Parallel()
	var log logged
	conn := grpctest.ServeWith(t, telemetryTo(t, &log), rpc.Callers,
		func(r grpc.ServiceRegistrar) { grpc_health_v1.RegisterHealthServer(r, health.New(nil, nil)) })
	_, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "x"})
	if status.Code(errors.Unwrap(err)) != codes.NotFound || log.String() != "" {
		t.Errorf("got %v, logged %s", err, log.String())
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	conn, err := rpc.DialNamed("orchestrator", address, nil, noop.NewTracerProvider())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	client := syncv1.NewSyncServiceClient(conn)
	_, unary := client.GetSync(t.Context(), &syncv1.GetSyncRequest{})
	stream, streamed := client.WatchSync(t.Context(), &syncv1.WatchSyncRequest{})
	if streamed == nil {
		_, streamed = stream.Recv()
	}
	for name, err := range map[string]error{"unary": unary, "stream": streamed} {
		requireAway(t, name, err, "The service orchestrator at "+address+" can't be reached.",
			map[string]string{"service": "orchestrator", "address": address})
		// As the next one hears it.
		requireAway(t, name, errs.FromStatus(errs.ToStatus(err)), "The service orchestrator at "+address+" can't be reached.",
			map[string]string{"service": "orchestrator", "address": address})
	}
	_, err = syncv1.NewSyncServiceClient(dial(t, address)).GetSync(t.Context(), &syncv1.GetSyncRequest{})
	requireAway(t, "without a name", err, "The service at "+address+" can't be reached.",
		map[string]string{"address": address})
}

func requireAway(t *testing.T, name string, err error, message string, meta map[string]string) {
	t.Helper()
	e := errs.From(err)
	if e.Code.ID != errs.ServiceUnavailable.ID || e.Code.Kind != errs.Unavailable || e.Message != message ||
		!maps.Equal(e.Meta, meta) {
		t.Errorf("%s: got %v, %v", name, e, e.Meta)
	}
}

func TestAMessageOfItsGreatestSizePasses(t *testing.T) {
	t.Parallel()
	for audience, most := range map[rpc.Audience]int{
		rpc.Services: rpc.MaxMessageBytes, rpc.Callers: rpc.MaxRequestBytes,
	} {
		client := syncv1.NewSyncServiceClient(grpctest.Serve(t, audience, func(r grpc.ServiceRegistrar) {
			syncv1.RegisterSyncServiceServer(r, &service{})
		}))
		for size, want := range map[int]bool{most - 64: true, most + 1: false} {
			_, err := client.GetSync(t.Context(), &syncv1.GetSyncRequest{SyncId: strings.Repeat("x", size)})
			if (err == nil) != want || !want && !errs.HasCode(err, errs.MessageTooLarge) {
				t.Errorf("%d bytes from %s: %v", size, audience, err)
			}
		}
	}
}

// TestOverTheNetwork: what the other tests see over a loopback holds over TCP.
func TestOverTheNetwork(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := rpc.NewServer(telemetry.Discard(), rpc.Services, open(), nil, grpctest.OneLog(telemetry.Discard()))
	syncv1.RegisterSyncServiceServer(server, &service{fail: errs.New(errs.GitHubRateLimited, "Later.").
		WithRetryAfter(time.Minute)})
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := rpc.Dial(listener.Addr().String(), noop.NewTracerProvider())
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range call(t.Context(), t, syncv1.NewSyncServiceClient(conn)) {
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

// open is a gate that everybody passes.
func open() *rpc.Gate {
	gate := &rpc.Gate{}
	gate.Set(&rpc.Peers{})
	return gate
}
