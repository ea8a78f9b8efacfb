package app_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hosts"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// worker is a service whose work can be broken.
type worker struct {
	register func(grpc.ServiceRegistrar)
	ready    atomic.Pointer[error]
	began    chan struct{}
	broken   chan error
	ended    atomic.Bool
}

func newWorker() *worker { return &worker{began: make(chan struct{}), broken: make(chan error, 1)} }

func (w *worker) Register(r grpc.ServiceRegistrar) {
	if w.register != nil {
		w.register(r)
	}
}

func (w *worker) Ready(context.Context) error {
	if err := w.ready.Load(); err != nil {
		return *err
	}
	return nil
}

func (w *worker) Run(ctx context.Context) error {
	close(w.began)
	defer w.ended.Store(true)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-w.broken:
		return err
	}
}

func newHost() *app.Host { return app.NewHost(telemetry.Discard(), app.Security{}) }

// running runs a host until the test ends, or until end is called, which returns how it ended.
func running(t *testing.T, host *app.Host, workers ...*worker) (end func() error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- host.Run(ctx) }()
	for _, w := range workers {
		<-w.began
	}
	end = sync.OnceValue(func() error { stop(); return <-done })
	t.Cleanup(func() { _ = end() })
	return end
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := app.Listen("127.0.0.1:0", "test")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestAHostServesUntilItIsToldToEnd(t *testing.T) {
	t.Parallel()
	host := newHost()
	a, b := newWorker(), newWorker()
	host.Add("a", a, rpc.Services)
	host.Add("b", b, rpc.Services)
	grpcListener, httpListener := listen(t), listen(t)
	host.ServeGRPC(grpcListener, rpc.Services)
	host.ServeHTTP(httpListener, host.Operations(hosts.New(nil)))
	ctx, end := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- host.Run(ctx) }()
	<-a.began
	<-b.began

	base := "http://" + httpListener.Addr().String()
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/other": 404} {
		if got, body := get(t, base+path); got != want {
			t.Errorf("%s: %d %s", path, got, body)
		}
	}
	away := errors.New("Redis at s3cret is away")
	b.ready.Store(&away)
	if got, body := get(t, base+"/readyz"); got != http.StatusServiceUnavailable ||
		!strings.Contains(body, "b is not ready") || strings.Contains(body, "s3cret") {
		t.Errorf("not ready: %d %s", got, body)
	}
	var known error = errs.New(errs.RedisConnectionFailed, "Redis at s3cret is away.").WithRemedy("Look at s3cret.")
	b.ready.Store(&known)
	if _, body := get(t, base+"/readyz"); body != "b is not ready (FGD_5003); its log says why\n" {
		t.Errorf("to everybody it says: %s", body)
	}
	if got, _ := get(t, base+"/healthz"); got != 200 {
		t.Errorf("not ready is not dead: %d", got)
	}
	conn, err := rpc.Dial(grpcListener.Addr().String(), noop.NewTracerProvider())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	health := grpc_health_v1.NewHealthClient(conn)
	for name, want := range map[string]grpc_health_v1.HealthCheckResponse_ServingStatus{
		"a": grpc_health_v1.HealthCheckResponse_SERVING, "b": grpc_health_v1.HealthCheckResponse_NOT_SERVING,
		"": grpc_health_v1.HealthCheckResponse_NOT_SERVING,
	} {
		if got, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: name}); err != nil ||
			got.GetStatus() != want {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	end()
	if err := <-done; err != nil {
		t.Errorf("ended with %v", err)
	}
	if !a.ended.Load() || !b.ended.Load() {
		t.Error("a service was left running")
	}
}

func TestTheFirstFailureEndsAll(t *testing.T) {
	t.Parallel()
	host := newHost()
	a, b := newWorker(), newWorker()
	host.Add("a", a, rpc.Services)
	host.Add("b", b, rpc.Services)
	done := make(chan error, 1)
	go func() { done <- host.Run(t.Context()) }()
	<-b.began
	broken := errors.New("no more")
	a.broken <- broken
	if err := <-done; !errors.Is(err, broken) || !strings.Contains(err.Error(), "run a") {
		t.Errorf("ended with %v", err)
	}
	if !b.ended.Load() {
		t.Error("the other one was left running")
	}
}

func TestALostListenerEndsAll(t *testing.T) {
	t.Parallel()
	host := newHost()
	a := newWorker()
	host.Add("a", a, rpc.Services)
	listener := listen(t)
	host.ServeHTTP(listener, host.Operations(hosts.New(nil)))
	done := make(chan error, 1)
	go func() { done <- host.Run(t.Context()) }()
	<-a.began
	_ = listener.Close()
	if err := <-done; err == nil {
		t.Error("nobody can reach it, and it says that all is well")
	}
}

// TestAStreamThatABrowserHoldsOpenEnds: the host does not wait for it.
func TestAStreamThatABrowserHoldsOpenEnds(t *testing.T) {
	t.Parallel()
	host := newHost()
	a := newWorker()
	host.Add("a", a, rpc.Services)
	listener := listen(t)
	holding := make(chan struct{})
	host.ServeHTTP(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		close(holding)
		<-r.Context().Done()
	}))
	ctx, end := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- host.Run(ctx) }()
	got := make(chan struct{})
	go func() { defer close(got); get(t, "http://"+listener.Addr().String()+"/stream") }()
	<-holding
	end()
	if err := <-done; err != nil {
		t.Errorf("ended with %v", err)
	}
	<-got
}

func TestATakenPortIsNamed(t *testing.T) {
	t.Parallel()
	taken := listen(t)
	defer func() { _ = taken.Close() }()
	_, err := app.Listen(taken.Addr().String(), "http_listen")
	e := errs.From(err)
	if !errs.HasCode(err, errs.ListenFailed) || !strings.Contains(e.Message, "http_listen") ||
		!strings.Contains(e.Message, taken.Addr().String()) || e.RemedyText() == "" {
		t.Errorf("got %v (%s)", err, e.RemedyText())
	}
	if _, err := app.Listen("nonsense", "grpc_listen"); !errs.HasCode(err, errs.ListenFailed) ||
		!strings.Contains(err.Error(), "grpc_listen") {
		t.Errorf("got %v", err)
	}
}

// TestGuardCallers: where nobody is asked who they are callers reach the process from this machine alone, and that is
// said loudly; where tokens are shown they may come from anywhere, and what travels in clear is said.
func TestGuardCallers(t *testing.T) {
	t.Parallel()
	local := app.Place{Key: "grpc_listen", Address: "127.0.0.1:9090"}
	for address, isLocal := range map[string]bool{
		"127.0.0.1:8080": true, "127.8.9.1:0": true, "localhost:8080": true, "[::1]:8080": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "192.0.2.1:8080": false, "example.com:8080": false,
		"127.0.0.1.example.com:80": false, "[::ffff:192.0.2.1]:80": false,
	} {
		for _, unauthenticated := range []bool{false, true} {
			var log bytes.Buffer
			err := app.GuardCallers(t.Context(), unauthenticated, false, slog.New(slog.NewTextHandler(&log, nil)), local,
				app.Place{Key: "some_listen", Address: address})
			warned := strings.Contains(log.String(), "level=WARN")
			switch {
			case unauthenticated && !isLocal:
				if !errs.HasCode(err, errs.ConfigurationInvalid) || !strings.Contains(err.Error(), "some_listen") ||
					!strings.Contains(errs.From(err).RemedyText(), "HEDGEHOG_FGD_ALLOW_UNAUTHENTICATED") || warned {
					t.Errorf("%s, where nobody is asked: %v, logged %s", address, err, &log)
				}
			case err != nil, warned != (unauthenticated || !isLocal):
				t.Errorf("%s, nobody is asked %t: %v, logged %q", address, unauthenticated, err, &log)
			case unauthenticated && (strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "NOBODY")):
				t.Errorf("%s: that nobody is asked is said as %q", address, &log)
			}
		}
	}
	err := app.GuardCallers(t.Context(), false, false, slog.New(slog.DiscardHandler), local,
		app.Place{Address: "nonsense"})
	if !errs.HasCode(err, errs.ConfigurationInvalid) {
		t.Errorf("got %v", err)
	}
}

// TestHeadersOfARequestAreBounded, for they are read before anybody knows who makes it: X16 of the fault matrix.
func TestHeadersOfARequestAreBounded(t *testing.T) {
	t.Parallel()
	host, worker, listener := newHost(), newWorker(), listen(t)
	host.Add("one", worker, rpc.Services)
	host.ServeHTTP(listener, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	running(t, host, worker)
	for size, want := range map[int]int{32 << 10: http.StatusOK, 1 << 20: http.StatusRequestHeaderFieldsTooLarge} {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		go func() { // what is read no more may not be taken as a whole
			baggage := strings.Repeat("a=b,", size/4)
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nBaggage: "+baggage+"\r\n\r\n")
		}()
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if response.StatusCode != want {
			t.Errorf("%d bytes: %s", size, response.Status)
		}
		_ = response.Body.Close()
		_ = conn.Close()
	}
}
