package grpcapi

import (
	"context"
	"errors"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// ListQuarantine is about files in quarantine.
func (s *Server) ListQuarantine(context.Context, *bridgev1.ListQuarantineRequest) (*bridgev1.ListQuarantineResponse, error) {
	return nil, errors.ErrUnsupported
}

// GetQuarantinedFile is about files in quarantine.
func (s *Server) GetQuarantinedFile(context.Context, *bridgev1.GetQuarantinedFileRequest) (*bridgev1.GetQuarantinedFileResponse, error) {
	return nil, errors.ErrUnsupported
}

// RetryQuarantined is about files in quarantine.
func (s *Server) RetryQuarantined(context.Context, *bridgev1.RetryQuarantinedRequest) (*bridgev1.RetryQuarantinedResponse, error) {
	return nil, errors.ErrUnsupported
}

// ReleaseQuarantined is about files in quarantine.
func (s *Server) ReleaseQuarantined(context.Context, *bridgev1.ReleaseQuarantinedRequest) (*bridgev1.ReleaseQuarantinedResponse, error) {
	return nil, errors.ErrUnsupported
}
