// Package directory is the directory manager: it judges and mends the structure of fabric directories, tree in, tree
// out. It keeps no state; any replica can serve any request.
package directory

import (
	"context"
	"errors"
	"log/slog"

	"google.golang.org/grpc"

	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"

	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/services/directory/internal/grpcapi"
	"fgdsync.dev/services/directory/internal/structure"
	"fgdsync.dev/services/directory/internal/treeio"
)

// Deps are what the service works with.
type Deps struct {
	Trees gitv1.TreeServiceClient // where trees are read and written
	Log   *slog.Logger
}

// Service is the directory manager.
type Service struct{ api *grpcapi.Server }

// New builds the service.
func New(_ Config, deps Deps) (*Service, error) {
	if deps.Trees == nil || deps.Log == nil {
		return nil, errors.New("directory: Deps.Trees and Deps.Log are required")
	}
	kinds := structure.Kinds{Required: hedgehog.CoreKindFolders()}
	return &Service{api: grpcapi.New(treeio.New(deps.Trees), kinds, deps.Log)}, nil
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
