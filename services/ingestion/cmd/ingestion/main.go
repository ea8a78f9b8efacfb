// Command ingestion runs the ingestion service on its own.
package main

import (
	"context"
	"net/http"
	"os"

	"fgdsync.dev/libs/app"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/ingestion"
)

func main() {
	os.Exit(app.Main(app.Definition{
		Name: ingestion.Name, GRPCListen: "127.0.0.1:9092", HTTPListen: "127.0.0.1:9192", Build: build,
	}, os.Args[1:], os.Environ(), os.Stderr))
}

func build(_ context.Context, p *app.Process) (app.Service, http.Handler, error) {
	cfg := ingestion.DefaultConfig()
	if err := p.Source.Into(&cfg); err != nil {
		return nil, nil, err
	}
	peers, err := p.DialPeers()
	if err != nil {
		return nil, nil, err
	}
	service, err := ingestion.New(cfg, ingestion.Deps{
		Trees: gitv1.NewTreeServiceClient(peers.GithubSync), Log: p.Telemetry.Log, Tracers: p.Telemetry.Tracers,
		Metrics: p.Telemetry.Metrics,
	})
	return service, nil, err
}
