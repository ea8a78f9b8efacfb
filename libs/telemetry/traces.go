package telemetry

import (
	"context"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// traces is the way out that the spans of all services of a process share.
type traces struct {
	out     sdktrace.SpanProcessor
	sampler sdktrace.Sampler
	version string
}

// newTraces returns nil where nobody takes traces.
func newTraces(ctx context.Context, cfg Config, log *slog.Logger) (*traces, error) {
	if cfg.OTLPEndpoint == "" {
		return nil, nil
	}
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(cfg.OTLPEndpoint))
	if err != nil {
		return nil, fmt.Errorf("open the trace exporter: %w", err)
	}
	return &traces{
		out: sdktrace.NewBatchSpanProcessor(&loggedExporter{
			SpanExporter: exporter, log: log, endpoint: cfg.OTLPEndpoint,
		}),
		// What begins elsewhere is kept when it is kept there.
		sampler: sdktrace.ParentBased(sdktrace.TraceIDRatioBased(cfg.SampleRatio)), version: cfg.Version,
	}, nil
}

// of returns what makes the spans of a service.
func (t *traces) of(service string) trace.TracerProvider {
	if t == nil {
		return noop.NewTracerProvider()
	}
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(t.out), sdktrace.WithSampler(t.sampler),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", service), attribute.String("service.version", t.version))))
}

func (t *traces) shutdown(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.out.Shutdown(ctx)
}
