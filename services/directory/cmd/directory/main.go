// Command directory runs the directory service on its own.
package main

import (
	"context"
	"net/http"
	"os"

	"fgdsync.dev/libs/app"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/directory"
)

func main() {
	os.Exit(app.Main(app.Definition{
		Name: directory.Name, GRPCListen: "127.0.0.1:9093", HTTPListen: "127.0.0.1:9193", Build: build,
	}, os.Args[1:], os.Environ(), os.Stderr))
}

func build(_ context.Context, p *app.Process) (app.Service, http.Handler, error) {
	cfg := directory.DefaultConfig()
	if err := p.Source.Into(&cfg); err != nil {
		return nil, nil, err
	}
	peers, err := p.DialPeers()
	if err != nil {
		return nil, nil, err
	}
	service, err := directory.New(cfg, directory.Deps{
		Trees: gitv1.NewTreeServiceClient(peers.GithubSync), Log: p.Telemetry.Log, Tracers: p.Telemetry.Tracers,
		Metrics: p.Telemetry.Metrics,
	})
	return service, nil, err
}
