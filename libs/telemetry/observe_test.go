package telemetry_test

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/sdk/trace"

	"fgdsync.dev/libs/telemetry"
)

// TestWhatIsMeasuredLeadsToItsTrace, unless that trace is not sent: then nobody would find it.
func TestWhatIsMeasuredLeadsToItsTrace(t *testing.T) {
	t.Parallel()
	sampled, span := trace.NewTracerProvider().Tracer("test").Start(t.Context(), "sync")
	defer span.End()
	dropped, other := trace.NewTracerProvider(trace.WithSampler(trace.NeverSample())).Tracer("test").
		Start(t.Context(), "sync")
	defer other.End()
	for name, c := range map[string]struct {
		ctx  context.Context
		want string
	}{
		"sampled": {sampled, span.SpanContext().TraceID().String()}, "dropped": {dropped, ""}, "none": {t.Context(), ""},
	} {
		registry := prometheus.NewRegistry()
		histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Help: "h", Buckets: []float64{1}})
		registry.MustRegister(histogram)
		telemetry.Observe(c.ctx, histogram, 0.5)
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got, bucket := "", families[0].GetMetric()[0].GetHistogram().GetBucket()[0]
		for _, label := range bucket.GetExemplar().GetLabel() {
			got = label.GetValue()
		}
		if got != c.want || bucket.GetCumulativeCount() != 1 {
			t.Errorf("%s: the exemplar is of %q, not of %q: %v", name, got, c.want, bucket)
		}
	}
}
