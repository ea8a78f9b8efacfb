package bridge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	"fgdsync.dev/services/bridge"
	"fgdsync.dev/testkit/grpctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bundle is a bridge with everything behind and before it, real but for the backend.
type bundle struct {
	t       *testing.T
	backend *backend
	service *bridge.Service
	server  *httptest.Server
	self    grpc.ClientConnInterface
	log     *lockedBuffer
	metrics *prometheus.Registry
	audit   string        // the file
	clock   *atomic.Int64 // how far the bridge is ahead of the time
	end     func()        // tells it to end
	await   func()        // waits until it has ended
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// setup starts a bridge for the time of a test.
func setup(t *testing.T, change ...func(*bridge.Config)) *bundle {
	t.Helper()
	return setupWith(t, noop.NewTracerProvider(), change...)
}

// setupWith is setup with somebody who looks at the traces.
func setupWith(t *testing.T, tracers trace.TracerProvider, change ...func(*bridge.Config)) *bundle {
	t.Helper()
	b := &bundle{t: t, backend: newBackend(), log: &lockedBuffer{}, clock: &atomic.Int64{}}
	b.audit = filepath.Join(t.TempDir(), "audit.jsonl")
	cfg := bridge.DefaultConfig()
	cfg.WebhookKeyFile = filepath.Join(t.TempDir(), "webhook.keys")
	cfg.Unauthenticated = true // most is the same whoever asks
	cfg.TokenPepperFile = filepath.Join(t.TempDir(), "peppers")
	cfg.AuditFile, cfg.AuditKeyFile = b.audit, b.audit+".key"
	for _, c := range change {
		c(&cfg)
	}
	tel, err := telemetry.New(t.Context(), telemetry.Config{
		Service: "fgd-bridge", LogWriter: b.log, LogLevel: "info", LogFormat: "json", ContextAttrs: rpc.LogAttrs,
	})
	if err != nil {
		t.Fatal(err)
	}
	tel.Tracers = tracers
	b.metrics = tel.Metrics
	peers := grpctest.ServeWith(t, tel, rpc.Services, b.backend.register)
	host := app.NewHost(tel, app.Security{})
	b.self = host.Inside(rpc.Callers)
	process := &app.Process{
		Telemetry: tel, Self: b.self, MetricsPage: http.HandlerFunc(metrics),
		Now: func() time.Time { return time.Now().Add(time.Duration(b.clock.Load())) },
		Peers: map[string]grpc.ClientConnInterface{
			"orchestrator": peers, "github-sync": peers, "ingestion": peers, "directory": peers,
		},
	}
	t.Cleanup(func() {
		if err := process.Close(); err != nil {
			t.Error(err)
		}
	})
	if b.service, err = bridge.New(cfg, process); err != nil {
		t.Fatal(err)
	}
	host.Add(bridge.Name, b.service, rpc.Callers)
	b.run(host)
	b.server = httptest.NewServer(b.service.Handler())
	t.Cleanup(b.server.Close)
	return b
}

func metrics(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics") }

// run runs a host for the time of the test.
func (b *bundle) run(host *app.Host) {
	ctx, stop := context.WithCancel(b.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- host.Run(ctx) }()
	b.end, b.await = stop, sync.OnceFunc(func() {
		if err := <-ended; err != nil {
			b.t.Errorf("run: %v", err)
		}
	})
	b.t.Cleanup(func() { b.end(); b.await() })
}

// stopping is a bundle whose server gives its requests a context that a test can end.
type stopping struct {
	*bundle
	stop context.CancelFunc
}

func setupStopping(t *testing.T) stopping {
	t.Helper()
	b := setup(t)
	requests, stop := context.WithCancel(t.Context())
	server := httptest.NewUnstartedServer(b.server.Config.Handler)
	server.Config.BaseContext = func(net.Listener) context.Context { return requests }
	server.Start()
	t.Cleanup(server.Close)
	b.server = server
	return stopping{bundle: b, stop: stop}
}

// answer is what came back over HTTP.
type answer struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

type header struct{ name, value string }

// call sends a request and reads the answer.
func (b *bundle) call(method, path, body string, headers ...header) answer {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, h := range headers {
		if request.Header.Set(h.name, h.value); h.name == "Host" {
			request.Host = h.value
		}
	}
	client := b.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(request)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return read(b.t, response)
}

// read reads an answer to its end.
func read(t *testing.T, response *http.Response) answer {
	t.Helper()
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := answer{status: response.StatusCode, header: response.Header, raw: string(raw)}
	_ = json.Unmarshal(raw, &out.body) // pages have none
	return out
}

// ok is call for requests that succeed.
func (b *bundle) ok(method, path, body string, headers ...header) map[string]any {
	b.t.Helper()
	a := b.call(method, path, body, headers...)
	if a.status != http.StatusOK || a.body == nil {
		b.t.Fatalf("%s %s: %d %s", method, path, a.status, a.raw)
	}
	return a.body
}

// problem is call for requests that fail; it checks the form of the error.
func (b *bundle) problem(method, path, body string, status int, code string, headers ...header) map[string]any {
	b.t.Helper()
	a := b.call(method, path, body, headers...)
	return b.checkProblem(method+" "+path, a, status, code)
}

func (b *bundle) checkProblem(what string, a answer, status int, code string) map[string]any {
	b.t.Helper()
	problem, _ := a.body["error"].(map[string]any)
	if a.status != status || problem["code"] != code {
		b.t.Fatalf("%s: %d %s; want %d %s", what, a.status, a.raw, status, code)
	}
	if contentType := a.header.Get("Content-Type"); contentType != "application/json" {
		b.t.Errorf("%s: content type %q", what, contentType)
	}
	for _, key := range []string{"name", "message", "remedy", "correlation_id"} {
		if text, _ := problem[key].(string); text == "" {
			b.t.Errorf("%s: the error has no %s: %s", what, key, a.raw)
		}
	}
	if _, ok := problem["details"].(map[string]any); !ok {
		b.t.Errorf("%s: details is no object: %s", what, a.raw)
	}
	if text, _ := problem["timestamp"].(string); text == "" {
		b.t.Errorf("%s: the error has no timestamp", what)
	} else if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
		b.t.Errorf("%s: %v", what, err)
	}
	if problem["correlation_id"] != a.header.Get("X-Correlation-Id") {
		b.t.Errorf("%s: the correlation id of the error is not that of the header", what)
	}
	return problem
}

// fabric registers fabric 35 and returns the id of its first sync.
func (b *bundle) fabric() string {
	b.t.Helper()
	created := b.ok("POST", "/api/v1/fabrics",
		`{"fabric_id":35,"name":"fabric-1","repository_url":"https://git.example/r.git","gitops_directory":"gitops/f1"}`)
	return created["sync_id"].(string)
}
