package grpcapi

import (
	"context"
	"errors"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// ListDirectoryChanges says which files differ.
func (s *Server) ListDirectoryChanges(context.Context, *bridgev1.ListDirectoryChangesRequest) (*bridgev1.ListDirectoryChangesResponse, error) {
	return nil, errors.ErrUnsupported
}

// GetDirectoryHealth sums up how the directory is.
func (s *Server) GetDirectoryHealth(context.Context, *bridgev1.GetDirectoryHealthRequest) (*bridgev1.GetDirectoryHealthResponse, error) {
	return nil, errors.ErrUnsupported
}
