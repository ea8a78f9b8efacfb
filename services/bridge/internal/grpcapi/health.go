package grpcapi

import (
	"context"
	"maps"
	"slices"
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

// Health asks the services behind the bridge how they are.
type Health struct {
	own, version string
	peers        map[string]grpc_health_v1.HealthClient
}

// NewHealth returns a Health over the health clients of the other services, by their names.
func NewHealth(own, version string, peers map[string]grpc_health_v1.HealthClient) *Health {
	return &Health{own: own, version: version, peers: maps.Clone(peers)}
}

// GetHealth shows the health of every component. The bridge's own is that it answers.
func (h *Health) GetHealth(ctx context.Context, _ *bridgev1.GetHealthRequest) (*bridgev1.GetHealthResponse, error) {
	out := &bridgev1.GetHealthResponse{Status: healthy, Version: h.version}
	out.Components = append(h.askAll(ctx), &bridgev1.ComponentHealth{Name: h.own, Status: healthy})
	for _, c := range out.GetComponents() {
		if c.GetStatus() != healthy {
			out.Status = unhealthy
		}
	}
	slices.SortFunc(out.GetComponents(), func(a, b *bridgev1.ComponentHealth) int {
		if a.GetName() < b.GetName() {
			return -1
		}
		return 1
	})
	return out, nil
}

// Ready reports whether every peer can take work.
func (h *Health) Ready(ctx context.Context) error {
	for _, c := range h.askAll(ctx) {
		if c.GetStatus() != healthy {
			return errs.New(errs.ServiceUnavailable, "The service %s can't take work.", c.GetName())
		}
	}
	return nil
}

// askAll asks all peers at the same time; one that is slow counts as unhealthy.
func (h *Health) askAll(ctx context.Context) []*bridgev1.ComponentHealth {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	names := slices.Sorted(maps.Keys(h.peers))
	out := make([]*bridgev1.ComponentHealth, len(names))
	var wait sync.WaitGroup
	for i, name := range names {
		wait.Go(func() { out[i] = ask(ctx, name, h.peers[name]) })
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
