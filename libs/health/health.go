// Package health answers gRPC health checks by asking the services themselves, so that "serving" means that work can
// be taken at this moment and not that a flag was set once.
package health

import (
	"cmp"
	"context"
	"maps"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// Check reports whether a service can take work, and why not.
type Check func(context.Context) error

// Server implements grpc.health.v1.Health over checks by service name. Watching is not offered: clients that ask for
// it are told so by the protocol's own UNIMPLEMENTED and poll instead.
type Server struct {
	grpc_health_v1.UnimplementedHealthServer
	checks  map[string]Check
	aliases map[string]string
}

var _ grpc_health_v1.HealthServer = (*Server)(nil)

// New returns a server over the checks of the named services. Aliases are other names for them: probes know services by
// the names that they have in gRPC.
func New(checks map[string]Check, aliases map[string]string) *Server {
	return &Server{checks: maps.Clone(checks), aliases: maps.Clone(aliases)}
}

// Check answers for one service, or for all when none is named. An unknown one is NOT_FOUND.
func (s *Server) Check(ctx context.Context,
	req *grpc_health_v1.HealthCheckRequest,
) (*grpc_health_v1.HealthCheckResponse, error) {
	if req.GetService() == "" {
		return answer(s.all(ctx)), nil
	}
	check, known := s.checks[cmp.Or(s.aliases[req.GetService()], req.GetService())]
	if !known {
		return nil, status.Errorf(codes.NotFound, "no service %q here", req.GetService())
	}
	return answer(check(ctx)), nil
}

func (s *Server) all(ctx context.Context) error {
	for _, check := range s.checks {
		if err := check(ctx); err != nil {
			return err
		}
	}
	return nil
}

func answer(err error) *grpc_health_v1.HealthCheckResponse {
	state := grpc_health_v1.HealthCheckResponse_SERVING
	if err != nil {
		state = grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	return &grpc_health_v1.HealthCheckResponse{Status: state}
}
