// Package bridge is the front of the suite: the gRPC services of fgd.bridge.v1, and over a client connection to them
// the JSON API, live progress by WebSocket, server-sent events and newline-JSON, and the API's documentation. It keeps
// nothing; any replica can serve any request.
package bridge

import (
	"context"
	"fmt"
	"net/http"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/services/bridge/internal/grpcapi"
	"fgdsync.dev/services/bridge/internal/httpapi"
)

// Name is the service's name in health checks, logs and metrics.
const Name = "bridge"

// Definition returns what makes a process the bridge.
func Definition() app.Definition {
	return app.Definition{
		Name: Name, Audience: rpc.Callers, GRPCListen: "127.0.0.1:9090", HTTPListen: "127.0.0.1:8080",
		Peers: []app.Peer{
			{Name: grpcapi.Orchestrator, Address: "127.0.0.1:9091"},
			{Name: grpcapi.Ingestion, Address: "127.0.0.1:9092"},
			{Name: grpcapi.Directory, Address: "127.0.0.1:9093"},
			{Name: grpcapi.GithubSync, Address: "127.0.0.1:9094"},
		},
		Build: build,
	}
}

func build(p *app.Process) (app.Service, http.Handler, error) {
	cfg := DefaultConfig()
	if err := p.Source.Into(&cfg); err != nil {
		return nil, nil, err
	}
	service, err := New(cfg, p)
	if err != nil {
		return nil, nil, err
	}
	return service, service.Handler(), nil
}

// Service is the bridge.
type Service struct {
	api     *grpcapi.API
	handler http.Handler
}

// New builds the service. It needs connections to its peers, and one to the server that it will be registered on.
func New(cfg Config, p *app.Process) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	api, err := grpcapi.New(Name, p, Definition().Peers)
	if err != nil {
		return nil, fmt.Errorf("build the bridge: %w", err)
	}
	handler, err := httpapi.New(httpapi.Config{
		MaxRequestBytes: cfg.MaxRequestBytes, RequestTimeout: cfg.RequestTimeout,
		MaxRequestsPerClient: cfg.MaxRequestsPerClient, PublicHosts: cfg.PublicHosts, Version: app.Version,
	}, httpapi.Deps{
		Self: p.Self, MetricsPage: p.MetricsPage,
		Log: p.Telemetry.Log, Tracers: p.Telemetry.Tracers, Metrics: p.Telemetry.Metrics,
	})
	if err != nil {
		return nil, fmt.Errorf("build the HTTP handler: %w", err)
	}
	return &Service{api: api, handler: handler}, nil
}

// Register adds the service's RPCs to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) { s.api.Register(r) }

// Handler returns everything that the bridge serves over HTTP. It calls the service's own RPCs through the connection
// to itself, so that the interceptors of that server run for JSON callers too.
func (s *Service) Handler() http.Handler { return s.handler }

// Run waits for the end of ctx: the service works only while it is asked.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Ready reports whether every service behind the bridge can take work.
func (s *Service) Ready(ctx context.Context) error { return s.api.Ready(ctx) }
