package grpcapi

import (
	"context"
	"errors"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// ListChanges says which files differ.
func (s *Fabrics) ListChanges(context.Context, *fabricv1.ListChangesRequest) (*fabricv1.ListChangesResponse, error) {
	return nil, errors.ErrUnsupported
}

// GetDirectoryHealth sums up how the directory is.
func (s *Fabrics) GetDirectoryHealth(context.Context, *fabricv1.GetDirectoryHealthRequest) (*fabricv1.GetDirectoryHealthResponse, error) {
	return nil, errors.ErrUnsupported
}
