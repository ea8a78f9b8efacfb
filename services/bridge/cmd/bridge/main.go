// Command bridge runs the bridge service on its own.
package main

import (
	"context"
	"net/http"
	"os"

	"google.golang.org/grpc/health/grpc_health_v1"

	"fgdsync.dev/libs/app"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge"
)

func main() {
	os.Exit(app.Main(app.Definition{
		Name: bridge.Name, GRPCListen: "127.0.0.1:9090", HTTPListen: "127.0.0.1:8080", Build: build,
	}, os.Args[1:], os.Environ(), os.Stderr))
}

func build(_ context.Context, p *app.Process) (app.Service, http.Handler, error) {
	cfg := bridge.DefaultConfig()
	if err := p.Source.Into(&cfg); err != nil {
		return nil, nil, err
	}
	peers, err := p.DialPeers()
	if err != nil {
		return nil, nil, err
	}
	service, err := bridge.New(cfg, bridge.Deps{
		Fabrics:      fabricv1.NewFabricServiceClient(peers.Orchestrator),
		Syncs:        syncv1.NewSyncServiceClient(peers.Orchestrator),
		Repositories: gitv1.NewRepositoryServiceClient(peers.GithubSync),
		Health: map[string]grpc_health_v1.HealthClient{
			"orchestrator": grpc_health_v1.NewHealthClient(peers.Orchestrator),
			"ingestion":    grpc_health_v1.NewHealthClient(peers.Ingestion),
			"directory":    grpc_health_v1.NewHealthClient(peers.Directory),
			"github-sync":  grpc_health_v1.NewHealthClient(peers.GithubSync),
		},
		Log: p.Telemetry.Log, Tracers: p.Telemetry.Tracers, Metrics: p.Telemetry.Metrics, Version: app.Version,
	})
	if err != nil {
		return nil, nil, err
	}
	handler, err := service.Handler(peers.Self, p.Host.Metrics())
	return service, handler, err
}
