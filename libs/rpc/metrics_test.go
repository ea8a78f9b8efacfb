package rpc_test

import (
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	healthv1 "fgdsync.dev/proto/fgd/health/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/grpctest"
)

const syncService = "fgd.sync.v1.SyncService"

// spans remembers the names of those that ended.
type spans struct {
	trace.SpanProcessor
	first chan struct{} // closed when one has ended
	mu    sync.Mutex
	names []string
}

func (s *spans) OnEnd(span trace.ReadOnlySpan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.names) == 0 {
		close(s.first)
	}
	s.names = append(s.names, span.Name())
}

func (s *spans) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.names, " ")
}

// calls returns how many of a service were counted with a status, and -1 when there is no such series.
func calls(t *testing.T, tel *telemetry.Telemetry, service string, code codes.Code) float64 {
	t.Helper()
	families, err := tel.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == "fgd_grpc_requests_total" && m.GetLabel()[0].GetValue() == code.String() &&
				m.GetLabel()[1].GetValue() == service {
				return m.GetCounter().GetValue()
			}
		}
	}
	return -1
}

// TestCallsAreCounted: with the status that the caller gets, streams too. The series of failures are there before.
// What machines ask every few seconds about health is neither counted nor traced.
func TestCallsAreCounted(t *testing.T) {
	t.Parallel()
	tel := telemetry.Discard()
	ended := &spans{SpanProcessor: trace.NewSimpleSpanProcessor(nil), first: make(chan struct{})}
	tel.Tracers = trace.NewTracerProvider(trace.WithSpanProcessor(ended))
	asked := &service{fail: errs.New(errs.SyncNotFound, "No such sync.")}
	conn := grpctest.ServeWith(t, tel, rpc.Services, func(r grpc.ServiceRegistrar) {
		syncv1.RegisterSyncServiceServer(r, asked)
		grpc_health_v1.RegisterHealthServer(r, health.New(nil, nil))
		healthv1.RegisterComponentServiceServer(r, health.NewComponents(health.NewMonitor(grpctest.OneLog(tel), tel.Metrics)))
		rpc.Announce(tel, r.(*grpc.Server))
	})
	if calls(t, tel, syncService, codes.Internal) != 0 || calls(t, tel, syncService, codes.OK) != 0 {
		t.Error("the series are born with their first event")
	}
	failures := call(t.Context(), t, syncv1.NewSyncServiceClient(conn))
	if got := calls(t, tel, syncService, codes.NotFound); got != float64(len(failures)) {
		t.Errorf("%d calls failed, and %v are counted", len(failures), got)
	}
	<-ended.first // a call makes a span
	_, _ = grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	_, _ = healthv1.NewComponentServiceClient(conn).ListComponents(t.Context(),
		&healthv1.ListComponentsRequest{Service: "nobody"})
	if names := ended.all(); strings.Contains(names, "ealth") || calls(t, tel, "grpc.health.v1.Health", codes.OK) != -1 ||
		calls(t, tel, "fgd.health.v1.ComponentService", codes.NotFound) != -1 {
		t.Errorf("health is counted, or traced: %s", ended.all())
	}
}
