// Command github-sync runs github-sync on its own.
package main

import (
	"context"
	"net/http"
	"os"
	"time"

	"fgdsync.dev/libs/app"
	githubsync "fgdsync.dev/services/github-sync"
)

func main() {
	os.Exit(app.Main(app.Definition{
		Name: githubsync.Name, GRPCListen: "127.0.0.1:9094", HTTPListen: "127.0.0.1:9194", Build: build,
	}, os.Args[1:], os.Environ(), os.Stderr))
}

func build(_ context.Context, p *app.Process) (app.Service, http.Handler, error) {
	cfg := githubsync.DefaultConfig()
	if err := p.Source.Into(&cfg); err != nil {
		return nil, nil, err
	}
	service, err := githubsync.New(cfg, githubsync.Deps{
		Log: p.Telemetry.Log, Tracers: p.Telemetry.Tracers, Metrics: p.Telemetry.Metrics, LookupEnv: os.LookupEnv,
		Now: time.Now,
	})
	return service, nil, err
}
