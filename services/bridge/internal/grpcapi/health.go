package grpcapi

import (
	"context"

	"fgdsync.dev/libs/health"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/access"
	"fgdsync.dev/services/bridge/internal/apiv1"
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
		return []string{health.Redis, health.Clock, health.Ledger, health.Queue, health.Events, health.DeadLetters}
	case GithubSync:
		return []string{health.Store, health.GitHosts}
	}
	return nil
}

// GetHealth shows the health of every component, at length to who may see all fabrics.
func (s *healthServer) GetHealth(
	ctx context.Context, _ *bridgev1.GetHealthRequest,
) (*bridgev1.GetHealthResponse, error) {
	show := apiv1.BareComponentToAPI
	if access.PrincipalOf(ctx).SeesAll() {
		show = apiv1.ComponentToAPI
	}
	answer := s.look(ctx, show)
	answer.Version = s.version
	return answer, nil
}

// open shows the health of every component to whoever reaches the bridge.
func (s *healthServer) open(ctx context.Context) *bridgev1.GetHealthResponse {
	return s.look(ctx, apiv1.BareComponentToAPI)
}

// look finds out how every component is. No work can be taken while a service can't take any; trouble of a part of one
// is for a look.
func (s *healthServer) look(
	ctx context.Context, show func(c health.State, service string) *bridgev1.ComponentHealth,
) *bridgev1.GetHealthResponse {
	var services, parts []*bridgev1.ComponentHealth
	worst := health.Healthy
	for _, found := range s.overview.Look(ctx) {
		services = append(services, show(found.Service, ""))
		if found.Service.Status != health.Healthy {
			worst = health.Unhealthy
		}
		for _, part := range found.Parts {
			parts = append(parts, show(part, found.Service.Name))
			if part.Status != health.Healthy {
				worst = max(worst, health.Degraded)
			}
		}
	}
	return &bridgev1.GetHealthResponse{Status: worst.String(), Components: append(services, parts...)}
}
