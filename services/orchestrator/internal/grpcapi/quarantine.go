package grpcapi

import (
	"context"
	"errors"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// ListQuarantine lists what is in quarantine.
func (s *Fabrics) ListQuarantine(context.Context, *fabricv1.ListQuarantineRequest) (*fabricv1.ListQuarantineResponse, error) {
	return nil, errors.ErrUnsupported
}
