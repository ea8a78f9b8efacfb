package health_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"fgdsync.dev/libs/health"
)

func TestHealthAsksTheServices(t *testing.T) {
	t.Parallel()
	broken := false
	server := health.New(map[string]health.Check{
		"steady": func(context.Context) error { return nil },
		"shaky": func(context.Context) error {
			if broken {
				return errors.New("Redis is away")
			}
			return nil
		},
	}, map[string]string{"fgd.shaky.v1.ShakyService": "shaky"})
	ask := func(name string) grpc_health_v1.HealthCheckResponse_ServingStatus {
		t.Helper()
		answer, err := server.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: name})
		if err != nil {
			t.Fatal(err)
		}
		return answer.GetStatus()
	}
	const serving, not = grpc_health_v1.HealthCheckResponse_SERVING, grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if ask("") != serving || ask("shaky") != serving {
		t.Error("all is well, and it says otherwise")
	}
	broken = true
	if ask("") != not || ask("shaky") != not || ask("steady") != serving || ask("fgd.shaky.v1.ShakyService") != not {
		t.Error("one is broken, and it says otherwise")
	}
	if _, err := server.Check(t.Context(),
		&grpc_health_v1.HealthCheckRequest{Service: "unknown"}); status.Code(err) != codes.NotFound {
		t.Errorf("an unknown service: %v", err)
	}
}
