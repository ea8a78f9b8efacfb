// Package suite puts the five services into one process. They speak the same gRPC to each other as in five processes,
// over a loopback inside the process, and use the same Redis Streams; which mode it is, is known here and nowhere else.
package suite

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge"
	"fgdsync.dev/services/directory"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/services/ingestion"
	"fgdsync.dev/services/orchestrator"
)

// Config is the configuration of all five services.
type Config struct {
	Orchestrator orchestrator.Config
	Ingestion    ingestion.Config
	Directory    directory.Config
	GithubSync   githubsync.Config
	Bridge       bridge.Config
}

// Load reads the configuration of all five.
func Load(source *config.Source) (Config, error) {
	cfg := Config{
		Orchestrator: orchestrator.DefaultConfig(), Ingestion: ingestion.DefaultConfig(),
		Directory:  directory.DefaultConfig(),
		GithubSync: githubsync.DefaultConfig(), Bridge: bridge.DefaultConfig(),
	}
	for _, target := range []any{&cfg.Orchestrator, &cfg.Ingestion, &cfg.Directory, &cfg.GithubSync, &cfg.Bridge} {
		if err := source.Into(target); err != nil {
			return Config{}, err
		}
	}
	return cfg, nil
}

// Suite is the five services in one process.
type Suite struct {
	host    *app.Host
	conn    *grpc.ClientConn
	handler http.Handler
}

// New builds the services around one Redis.
func New(cfg Config, redis *redisconn.Conn, instance string, tel *telemetry.Telemetry) (*Suite, error) {
	loopback := rpc.NewLoopback()
	conn, err := loopback.Dial(tel.Tracers)
	if err != nil {
		return nil, err
	}
	s := &Suite{host: app.NewHost(tel), conn: conn}
	if err := s.build(cfg, redis, instance, tel); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	s.host.ServeGRPC(loopback.Listener())
	return s, nil
}

func (s *Suite) build(cfg Config, redis *redisconn.Conn, instance string, tel *telemetry.Telemetry) error {
	trees := gitv1.NewTreeServiceClient(s.conn)
	repositories := gitv1.NewRepositoryServiceClient(s.conn)
	git, err := githubsync.New(cfg.GithubSync, githubsync.Deps{
		Log: tel.Log, Tracers: tel.Tracers, Metrics: tel.Metrics, LookupEnv: os.LookupEnv, Now: time.Now,
	})
	if err != nil {
		return err
	}
	ingest, err := ingestion.New(cfg.Ingestion, ingestion.Deps{
		Trees: trees, Log: tel.Log, Tracers: tel.Tracers,
		Metrics: tel.Metrics,
	})
	if err != nil {
		return err
	}
	dir, err := directory.New(cfg.Directory, directory.Deps{
		Trees: trees, Log: tel.Log, Tracers: tel.Tracers,
		Metrics: tel.Metrics,
	})
	if err != nil {
		return err
	}
	orchestrate, err := orchestrator.New(cfg.Orchestrator, orchestrator.Deps{
		Redis: redis, Repositories: repositories, Trees: trees, History: gitv1.NewHistoryServiceClient(s.conn),
		Ingestion: ingestionv1.NewIngestionServiceClient(s.conn), Directory: directoryv1.NewDirectoryServiceClient(s.conn),
		Log: tel.Log, Tracers: tel.Tracers, Metrics: tel.Metrics, Now: time.Now, Instance: instance,
	})
	if err != nil {
		return err
	}
	front, err := bridge.New(cfg.Bridge, bridge.Deps{
		Fabrics: fabricv1.NewFabricServiceClient(s.conn), Syncs: syncv1.NewSyncServiceClient(s.conn),
		Repositories: repositories,
		Health:       s.peers(), Log: tel.Log, Tracers: tel.Tracers, Metrics: tel.Metrics, Version: app.Version,
	})
	if err != nil {
		return err
	}
	for name, service := range map[string]app.Service{
		githubsync.Name: git, ingestion.Name: ingest, directory.Name: dir, orchestrator.Name: orchestrate, bridge.Name: front,
	} {
		s.host.Add(name, service)
	}
	s.handler, err = front.Handler(s.conn, s.host.Metrics())
	return err
}

func (s *Suite) peers() map[string]grpc_health_v1.HealthClient {
	client := grpc_health_v1.NewHealthClient(s.conn)
	return map[string]grpc_health_v1.HealthClient{
		orchestrator.Name: client, ingestion.Name: client, directory.Name: client, githubsync.Name: client,
	}
}

// Conn is a client connection to the services.
func (s *Suite) Conn() *grpc.ClientConn { return s.conn }

// Handler is the JSON API, with live progress, health and metrics beside it.
func (s *Suite) Handler() http.Handler { return s.handler }

// Host is where more listeners can be added before Run.
func (s *Suite) Host() *app.Host { return s.host }

// Run serves until ctx ends.
func (s *Suite) Run(ctx context.Context) error {
	return errors.Join(s.host.Run(ctx), s.conn.Close())
}
