package grpcapi

import (
	"errors"

	"google.golang.org/grpc"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// ListChanges says which files differ.
func (s *Trees) ListChanges(*gitv1.ListChangesRequest, grpc.ServerStreamingServer[gitv1.ListChangesResponse]) error {
	return errors.ErrUnsupported
}
