package grpcapi

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/health"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/components"
)

// healthServer implements fgd.bridge.v1.HealthService.
type healthServer struct {
	bridgev1.UnsafeHealthServiceServer
	version  string
	overview *components.Overview
}

var _ bridgev1.HealthServiceServer = (*healthServer)(nil)

// partsOf are the parts that each service tells of.
func partsOf(service string) []string {
	switch service {
	case Orchestrator:
		return []string{health.Redis, health.Ledger, health.Queue, health.DeadLetters}
	case GithubSync:
		return []string{health.Store, health.GitHosts}
	}
	return nil
}

// GetHealth shows the health of every component. The bridge's own is that it answers. No work can be taken while a
// service can't take any; trouble of a part of one is for a look.
func (s *healthServer) GetHealth(
	ctx context.Context, _ *bridgev1.GetHealthRequest,
) (*bridgev1.GetHealthResponse, error) {
	var services, parts []*bridgev1.ComponentHealth
	worst := health.Healthy
	for _, found := range s.overview.Look(ctx) {
		services = append(services, toComponent(found.Service, ""))
		if found.Service.Status != health.Healthy {
			worst = health.Unhealthy
		}
		for _, part := range found.Parts {
			parts = append(parts, toComponent(part, found.Service.Name))
			if part.Status != health.Healthy {
				worst = max(worst, health.Degraded)
			}
		}
	}
	return &bridgev1.GetHealthResponse{
		Status: worst.String(), Version: s.version, Components: append(services, parts...),
	}, nil
}

func toComponent(s health.State, service string) *bridgev1.ComponentHealth {
	c := &bridgev1.ComponentHealth{Name: s.Name, Status: s.Status.String(), Since: timestamppb.New(s.Since)}
	if service != "" {
		c.Service = proto.String(service)
	}
	if s.Status != health.Healthy {
		c.Reason, c.Remedy = proto.String(s.Reason), proto.String(s.Remedy)
	}
	return c
}
