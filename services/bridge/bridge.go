// Package bridge is the front of the suite: the gRPC BridgeService, and over a client connection to it the JSON API,
// live progress by WebSocket, server-sent events and newline-JSON, and the API's documentation. It keeps nothing; any
// replica can serve any request.
package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/grpcapi"
	"fgdsync.dev/services/bridge/internal/httpapi"
)

// Name is the service's name in health checks, logs and metrics.
const Name = "bridge"

// Deps are what the service works with.
type Deps struct {
	Fabrics      fabricv1.FabricServiceClient
	Syncs        syncv1.SyncServiceClient
	Repositories gitv1.RepositoryServiceClient
	Health       map[string]grpc_health_v1.HealthClient // of the other services, by their names
	Log          *slog.Logger
	Tracers      trace.TracerProvider
	Metrics      prometheus.Registerer
	Version      string // of the running program
}

// Service is the bridge.
type Service struct {
	cfg  Config
	deps Deps
	api  *grpcapi.Server
}

// New builds the service.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Fabrics == nil || deps.Syncs == nil || deps.Repositories == nil || deps.Log == nil || deps.Tracers == nil ||
		deps.Metrics == nil {
		return nil, errors.New("bridge: Fabrics, Syncs, Repositories, Log, Tracers and Metrics of Deps are required")
	}
	api := grpcapi.New(grpcapi.Deps{
		Fabrics: deps.Fabrics, Syncs: deps.Syncs, Repositories: deps.Repositories,
		Health: grpcapi.NewHealth(Name, deps.Version, deps.Health),
	})
	return &Service{cfg: cfg, deps: deps, api: api}, nil
}

// Register adds the service's RPCs to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) { bridgev1.RegisterBridgeServiceServer(r, s.api) }

// Handler is everything the bridge serves over HTTP. It calls the service's own RPCs through a connection to the server
// they are registered on, so that the interceptors of that server run for JSON callers too.
func (s *Service) Handler(self grpc.ClientConnInterface, metrics http.Handler) (http.Handler, error) {
	handler, err := httpapi.New(httpapi.Config{
		MaxRequestBytes: s.cfg.MaxRequestBytes, RequestTimeout: s.cfg.RequestTimeout, Version: s.deps.Version,
	}, httpapi.Deps{
		Self: self, MetricsPage: metrics, Log: s.deps.Log, Tracers: s.deps.Tracers, Metrics: s.deps.Metrics,
	})
	if err != nil {
		return nil, fmt.Errorf("build the HTTP handler: %w", err)
	}
	return handler, nil
}

// Run waits for the end of ctx: the service works only while it is asked.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Ready reports whether every service behind the bridge can take work.
func (s *Service) Ready(ctx context.Context) error { return s.api.Ready(ctx) }
