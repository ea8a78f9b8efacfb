package rpc

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"fgdsync.dev/libs/telemetry"
)

// requests measures the calls to the servers of a process, by the service of the contract and not by its methods: what
// a dashboard or an alert asks for, in few series.
type requests struct {
	total   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

// failures are the statuses that are the system's fault, and what alerts count.
func failures() []codes.Code {
	return []codes.Code{codes.Internal, codes.Unavailable, codes.DeadlineExceeded, codes.Unknown}
}

// newRequests returns what measures. The servers of a process share its metrics.
func newRequests(registry *prometheus.Registry) *requests {
	return &requests{
		total: shared(registry, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fgd_grpc_requests_total", Help: "Calls that were answered, by service of the contract and status.",
		}, []string{"grpc_service", "code"})),
		seconds: shared(registry, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fgd_grpc_request_duration_seconds", Help: "Time until a call was answered; streams are left out.",
			Buckets: []float64{0.005, 0.025, 0.1, 0.5, 1, 5, 30},
		}, []string{"grpc_service"})),
	}
}

// shared returns a collector of a registry, which may have it already.
func shared[C prometheus.Collector](registry *prometheus.Registry, fresh C) C {
	err := registry.Register(fresh)
	var known prometheus.AlreadyRegisteredError
	if errors.As(err, &known) {
		return known.ExistingCollector.(C) //nolint:forcetypeassert // a defect of this package
	}
	if err != nil {
		panic(err) // another metric has the name
	}
	return fresh
}

// Announce brings the series of the services of a server into being, once all are registered: of a series that is born
// at its first failure, no rate shows that failure.
func Announce(tel *telemetry.Telemetry, server *Server) {
	r := newRequests(tel.Metrics)
	for service := range server.GetServiceInfo() {
		if operational("/" + service) {
			continue
		}
		r.seconds.WithLabelValues(service)
		for _, code := range append(failures(), codes.OK) {
			r.total.WithLabelValues(service, code.String())
		}
	}
}

func (r *requests) unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (any, error) {
	began := time.Now()
	answer, err := next(ctx, req)
	if service, measured := serviceOf(info.FullMethod); measured {
		r.total.WithLabelValues(service, counted(ctx, err).String()).Inc()
		telemetry.Observe(ctx, r.seconds.WithLabelValues(service), time.Since(began).Seconds())
	}
	return answer, err
}

func (r *requests) stream(
	srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler,
) error {
	err := next(srv, stream)
	if service, measured := serviceOf(info.FullMethod); measured {
		r.total.WithLabelValues(service, status.Code(err).String()).Inc()
	}
	return err
}

// atTheEnd is within how much of its deadline a caller that hangs up has run out of time. It goes by its own clock, and
// so hangs up a moment before the deadline comes here.
const atTheEnd = 50 * time.Millisecond

// counted returns the status that a call counts with. Who hangs up because its time is over has not changed its mind.
func counted(ctx context.Context, err error) codes.Code {
	code := status.Code(err)
	if deadline, has := ctx.Deadline(); has && code == codes.Canceled && time.Until(deadline) < atTheEnd {
		return codes.DeadlineExceeded
	}
	return code
}

// serviceOf returns the service of a method, and whether it is measured.
func serviceOf(method string) (string, bool) {
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	return service, !operational(method)
}

// operational reports whether a method is one that machines call every few seconds, about health. Nobody looks at the
// measures and the traces of those.
func operational(method string) bool {
	return strings.HasPrefix(method, ownService) || strings.HasPrefix(method, "/fgd.health.") ||
		strings.HasSuffix(method, "/GetHealth")
}

// traced reports whether a call is worth a span.
func traced(call *stats.RPCTagInfo) bool { return !operational(call.FullMethodName) }
