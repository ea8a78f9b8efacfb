package grpcapi

import (
	"context"
	"errors"

	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
)

// ListQuarantine lists what is in quarantine.
func (s *Server) ListQuarantine(context.Context, *ingestionv1.ListQuarantineRequest) (*ingestionv1.ListQuarantineResponse, error) {
	return nil, errors.ErrUnsupported
}
