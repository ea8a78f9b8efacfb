// Command orchestrator runs the orchestrator on its own.
package main

import (
	"context"
	"net/http"
	"os"
	"time"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/redisconn"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	"fgdsync.dev/services/orchestrator"
)

func main() {
	os.Exit(app.Main(app.Definition{
		Name: orchestrator.Name, GRPCListen: "127.0.0.1:9091", HTTPListen: "127.0.0.1:9191", Build: build,
	}, os.Args[1:], os.Environ(), os.Stderr))
}

func build(_ context.Context, p *app.Process) (app.Service, http.Handler, error) {
	cfg := orchestrator.DefaultConfig()
	redisCfg := redisconn.DefaultConfig()
	for _, target := range []any{&cfg, &redisCfg} {
		if err := p.Source.Into(target); err != nil {
			return nil, nil, err
		}
	}
	redis, err := redisconn.Open(redisCfg.RedisURL)
	if err != nil {
		return nil, nil, err
	}
	p.OnClose(redis.Close)
	peers, err := p.DialPeers()
	if err != nil {
		return nil, nil, err
	}
	service, err := orchestrator.New(cfg, orchestrator.Deps{
		Redis:        redis,
		Repositories: gitv1.NewRepositoryServiceClient(peers.GithubSync),
		Trees:        gitv1.NewTreeServiceClient(peers.GithubSync),
		History:      gitv1.NewHistoryServiceClient(peers.GithubSync),
		Ingestion:    ingestionv1.NewIngestionServiceClient(peers.Ingestion),
		Directory:    directoryv1.NewDirectoryServiceClient(peers.Directory),
		Log:          p.Telemetry.Log, Tracers: p.Telemetry.Tracers, Metrics: p.Telemetry.Metrics,
		Now: time.Now, Instance: p.Instance(),
	})
	return service, nil, err
}
