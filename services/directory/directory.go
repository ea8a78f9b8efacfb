// Package directory is the directory manager: it judges and mends the structure of fabric directories, tree in, tree
// out. Between two requests it keeps only what makes the next one faster; any replica can serve any request.
package directory

import (
	"context"
	"fmt"
	"net/http"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/rpc"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	"fgdsync.dev/services/directory/internal/grpcapi"
	"fgdsync.dev/services/directory/internal/manager"
)

// Name is the service's name in health checks, logs and metrics.
const Name = "directory"

// githubSync is the service that holds the trees.
const githubSync = "github-sync"

// rememberedLeaves bounds the leaves of the listings that are remembered.
const rememberedLeaves = 100_000

// Definition returns what a process needs to know of the service.
func Definition() app.Definition {
	return app.Definition{
		Name: Name, Audience: rpc.Services, GRPCListen: "127.0.0.1:9093", HTTPListen: "127.0.0.1:9193",
		Peers:  []app.Peer{{Name: githubSync, Address: "127.0.0.1:9094"}},
		Config: func() any { cfg := DefaultConfig(); return &cfg },
		Build:  build,
	}
}

func build(p *app.Process) (app.Service, http.Handler, error) {
	cfg := DefaultConfig()
	if err := p.Source.Into(&cfg); err != nil {
		return nil, nil, err
	}
	service, err := New(cfg, p)
	return service, nil, err
}

// Service is the directory manager.
type Service struct{ api *grpcapi.Server }

// New builds the service. It fails with FGD_5007 when the definitions of kinds can't be used. In a process without a
// connection to github-sync every request fails.
func New(cfg Config, p *app.Process) (*Service, error) {
	kinds, err := kindFolders(cfg)
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	trees, err := gittree.NewClient(p.Peers[githubSync], rememberedLeaves)
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	m, err := manager.New(trees, kinds, p.Telemetry.Tracers.Tracer(Name), p.Telemetry.Metrics)
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	return &Service{api: grpcapi.New(m, p.Telemetry.Log)}, nil
}

// Register adds the service's RPCs to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	directoryv1.RegisterDirectoryServiceServer(r, s.api)
}

// Run waits for the end of ctx: the service works only while it is asked.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Ready returns nil: work can always be taken. Whether the trees can be reached shows with each request.
func (s *Service) Ready(context.Context) error { return nil }
