// Package httpapi is what the bridge serves over HTTP: the JSON API as a grpc-gateway over a client connection to the
// bridge's own server, live progress of syncs, health, and the API's documentation. Nothing that a client sends becomes
// gRPC metadata but the two headers named in gateway.go, and every error has the one form of the contract.
package httpapi

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/hosts"
	"fgdsync.dev/libs/memory"
	"fgdsync.dev/libs/telemetry"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/proto/openapi"
	"fgdsync.dev/services/bridge/internal/console"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/webhook"
)

// Config is what can be set of the handler.
type Config struct {
	MaxRequestBytes      int64
	RequestTimeout       time.Duration
	MaxRequestsPerClient int
	PublicHosts          []string // beside the names of loopback
	OpenMetrics          bool     // metrics are for everybody
	Version              string
}

// Deps are what the handler works with.
type Deps struct {
	Self        grpc.ClientConnInterface // to the server that serves fgd.bridge.v1
	MetricsPage http.Handler             // served at /metrics; nil for none
	Auth        Authenticator
	Denied      DeniedFunc // nil: nobody wants to know
	Health      HealthFunc
	Webhooks    *webhook.Receiver
	NetBox      *hearing.Receiver
	Console     *console.Console
	Log         *slog.Logger
	Tracers     trace.TracerProvider
	Metrics     prometheus.Registerer
}

// New builds the handler.
func New(cfg Config, deps Deps) (http.Handler, error) {
	problems := problems{log: deps.Log}
	// Most of the processes that have the handler, which are those of fgd sync, never serve a request.
	described := sync.OnceValues(func() (*description, error) { return describe(openapi.Document(), cfg.Version) })
	gateway, err := newGateway(deps.Self, problems, described)
	if err != nil {
		return nil, fmt.Errorf("build the gateway: %w", err)
	}
	live, err := newLive(bridgev1.NewSyncServiceClient(deps.Self), problems, deps.Metrics)
	if err != nil {
		return nil, err
	}
	bounded := bounds{
		maxBytes: cfg.MaxRequestBytes, timeout: cfg.RequestTimeout, clients: newClients(cfg.MaxRequestsPerClient),
		memory: &memory.Returner{}, problems: problems,
	}
	compressed, err := newCompression()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", bounded.wrap(compressed(gateway)))
	mux.Handle(exportPath, getOnly(problems, atRoute(exportPath, newExport(deps.Self, problems))))
	mux.Handle(watchPath, getOnly(problems, atRoute(watchPath, newWatch(deps.Self, problems))))
	for path, stream := range live.byPath() {
		mux.Handle(path, getOnly(problems, atRoute(path, stream)))
	}
	for path, page := range newPages(described, deps.Health, problems).byPath() {
		mux.Handle(path, bounded.wrap(compressed(getOnly(problems, atRoute(path, page)))))
	}
	for path, hook := range (webhooks{deps.Webhooks, deps.NetBox, problems}).byPath(bounded) {
		mux.Handle(path, hook)
	}
	if deps.MetricsPage != nil {
		mux.Handle("/metrics", bounded.wrap(getOnly(problems, deps.MetricsPage)))
	}
	front := withConsole(deps.Console, bounded, compressed, mux)
	identify := func(next http.Handler) http.Handler {
		return identified(deps.Auth, deps.Denied, cfg.OpenMetrics, problems, next)
	}
	return measured(deps.Metrics, outer(front, identify, hosts.New(cfg.PublicHosts), problems, deps.Tracers))
}

// withConsole serves the pages of the console, and hands on what is for none of them.
func withConsole(
	pages *console.Console, bounded bounds, compressed func(http.Handler) http.HandlerFunc, next http.Handler,
) http.Handler {
	inTime := bounded.wrap(compressed(pages))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case console.IsLive(r.URL.Path):
			pages.ServeHTTP(w, r)
		case console.Serves(r.URL.Path):
			inTime.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// outer is what every request passes before it is routed, the first wrapper last.
func outer(
	mux http.Handler, identify func(http.Handler) http.Handler, public hosts.Public, problems problems,
	tracers trace.TracerProvider,
) http.Handler {
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(problems.crossOrigin))
	handler := problems.onPanic(mux)
	handler = cleanPath(problems, handler)
	handler = textOnly(problems, handler)
	handler = sameOrigin.Handler(handler)
	handler = identify(handler)
	handler = dropHeaders(handler)
	handler = publicOnly(public, problems, handler)
	handler = securityHeaders(handler)
	handler = correlated(handler)
	handler = timed(handler)
	handler = tracedWithoutTokens(handler)
	return otelhttp.NewHandler(handler, "http",
		otelhttp.WithTracerProvider(tracers), otelhttp.WithPropagators(telemetry.Propagator()),
		otelhttp.WithMeterProvider(metricnoop.NewMeterProvider()),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method }),
		otelhttp.WithFilter(func(r *http.Request) bool { return !operational(r.URL.Path) }),
	)
}

// operational reports whether a path is asked by machines every few seconds; such requests make no traces.
func operational(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/metrics"
}
