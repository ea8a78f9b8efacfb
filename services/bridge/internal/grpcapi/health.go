package grpcapi

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

const (
	healthTimeout = time.Second
	healthy       = "healthy"
	unhealthy     = "unhealthy"
)

// healthServer implements fgd.bridge.v1.HealthService. It asks the services behind the bridge how they are.
type healthServer struct {
	bridgev1.UnsafeHealthServiceServer
	own, version string
	peers        map[string]grpc_health_v1.HealthClient // by their names
}

var _ bridgev1.HealthServiceServer = (*healthServer)(nil)

// GetHealth shows the health of every component. The bridge's own is that it answers.
func (s *healthServer) GetHealth(
	ctx context.Context, _ *bridgev1.GetHealthRequest,
) (*bridgev1.GetHealthResponse, error) {
	out := &bridgev1.GetHealthResponse{Status: healthy, Version: s.version}
	out.Components = append(s.askAll(ctx), &bridgev1.ComponentHealth{Name: s.own, Status: healthy})
	for _, c := range out.GetComponents() {
		if c.GetStatus() != healthy {
			out.Status = unhealthy
		}
	}
	slices.SortFunc(out.GetComponents(), func(a, b *bridgev1.ComponentHealth) int {
		return strings.Compare(a.GetName(), b.GetName())
	})
	return out, nil
}

// Ready reports whether every peer can take work.
func (s *healthServer) Ready(ctx context.Context) error {
	for _, c := range s.askAll(ctx) {
		if c.GetStatus() != healthy {
			return errs.New(errs.ServiceUnavailable, "The service %s can't take work.", c.GetName())
		}
	}
	return nil
}

// askAll asks all peers at the same time; one that is slow counts as unhealthy.
func (s *healthServer) askAll(ctx context.Context) []*bridgev1.ComponentHealth {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	names := slices.Sorted(maps.Keys(s.peers))
	out := make([]*bridgev1.ComponentHealth, len(names))
	var wait sync.WaitGroup
	for i, name := range names {
		wait.Go(func() { out[i] = ask(ctx, name, s.peers[name]) })
	}
	wait.Wait()
	return out
}

func ask(ctx context.Context, name string, client grpc_health_v1.HealthClient) *bridgev1.ComponentHealth {
	answer, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: name})
	switch {
	case err != nil:
		return &bridgev1.ComponentHealth{Name: name, Status: unhealthy, Message: "It does not answer."}
	case answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING:
		return &bridgev1.ComponentHealth{Name: name, Status: unhealthy, Message: "It answers that it can't take work."}
	default:
		return &bridgev1.ComponentHealth{Name: name, Status: healthy}
	}
}
