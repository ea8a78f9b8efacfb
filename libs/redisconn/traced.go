package redisconn

import (
	"context"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Trace has the commands that are given on behalf of something traced be part of its trace, without what they say. Who
// only looks whether there is anything to do begins no trace, and reads that block are in none.
func (c *Conn) Trace(tracers trace.TracerProvider) error {
	return redisotel.InstrumentTracing(c.Main, redisotel.WithTracerProvider(within{tracers}),
		redisotel.WithDBStatement(false), redisotel.WithCallerEnabled(false), redisotel.WithDialFilter(true))
}

// within makes no spans but those within others.
type within struct{ trace.TracerProvider }

// Tracer returns a tracer whose spans have a parent.
func (w within) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	return tracerWithin{w.TracerProvider.Tracer(name, options...)}
}

type tracerWithin struct{ trace.Tracer }

// Start begins a span, or none that anybody sees.
func (t tracerWithin) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context,
	trace.Span,
) {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, noop.Span{}
	}
	return t.Tracer.Start(ctx, name, options...)
}
