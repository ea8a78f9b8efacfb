// Package grpcapi serves fgd.bridge.v1.BridgeService. It translates between the words of the JSON contract and the
// contracts of the services behind it, and decides nothing about syncs itself.
package grpcapi

import (
	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Deps are what the server works with.
type Deps struct {
	Fabrics      fabricv1.FabricServiceClient
	Syncs        syncv1.SyncServiceClient
	Repositories gitv1.RepositoryServiceClient
	Health       *Health
}

// Server implements the service.
type Server struct {
	bridgev1.UnsafeBridgeServiceServer
	*Health
	fabrics      fabricv1.FabricServiceClient
	syncs        syncv1.SyncServiceClient
	repositories gitv1.RepositoryServiceClient
}

var _ bridgev1.BridgeServiceServer = (*Server)(nil)

// New returns a server.
func New(deps Deps) *Server {
	return &Server{Health: deps.Health, fabrics: deps.Fabrics, syncs: deps.Syncs, repositories: deps.Repositories}
}

// invalid is the error of a field that the caller has to correct.
func invalid(field, format string, args ...any) error {
	return errs.New(errs.InvalidRequest, format, args...).WithMeta("field", field)
}
