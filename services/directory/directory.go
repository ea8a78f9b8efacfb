// Package directory is the directory manager: it judges and mends the structure of fabric directories, tree in, tree
// out. Between two requests it keeps only what makes the next one faster; any replica can serve any request.
package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/gittree"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/directory/internal/grpcapi"
)

// Name is the service's name in health checks, logs and metrics.
const Name = "directory"

// rememberedLeaves is of how many leaves listings are remembered.
const rememberedLeaves = 100_000

// Deps are what the service works with.
type Deps struct {
	Trees   gitv1.TreeServiceClient // where trees are read and written
	Log     *slog.Logger
	Tracers trace.TracerProvider
	Metrics prometheus.Registerer
}

// Service is the directory manager.
type Service struct{ api *grpcapi.Server }

// New builds the service.
func New(cfg Config, deps Deps) (*Service, error) {
	if deps.Trees == nil || deps.Log == nil || deps.Tracers == nil || deps.Metrics == nil {
		return nil, errors.New("directory: every field of Deps is required")
	}
	kinds, err := kindFolders(cfg)
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	trees, err := gittree.NewClient(deps.Trees, rememberedLeaves)
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	api, err := grpcapi.New(grpcapi.Deps{
		Trees: trees, Kinds: kinds,
		Log: deps.Log, Tracer: deps.Tracers.Tracer(Name), Metrics: deps.Metrics,
	})
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	return &Service{api: api}, nil
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

// Ready tells that work can be taken. Whether the trees can be reached shows with each request.
func (s *Service) Ready(context.Context) error { return nil }
