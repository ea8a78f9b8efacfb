// Package telemetry builds what a process reports through: a structured logger, a tracer provider and a metrics
// registry. They are handed down, never global, so that five services in one process do not fight over them.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Config says where reports go.
type Config struct {
	Service      string    // service.name of traces and logs
	Version      string    // service.version
	LogWriter    io.Writer // where logs go
	LogLevel     string    // debug, info, warn or error
	LogFormat    string    // json or text
	OTLPEndpoint string    // OTLP over gRPC, as a URL; empty turns tracing off
	// SampleRatio is how many of the traces that begin here are kept, from 0 to 1.
	SampleRatio float64
	// ContextAttrs returns what each log line says of its context, beside the ids of the trace.
	ContextAttrs func(context.Context) []slog.Attr
}

// Telemetry is what a process reports through.
type Telemetry struct {
	Log     *slog.Logger
	Tracers trace.TracerProvider
	Metrics *prometheus.Registry
	unnamed *slog.Logger // Log, without the name of the service
	level   *slog.LevelVar
	traces  *traces
}

// Propagator returns what carries trace context between processes and through events.
func Propagator() propagation.TextMapPropagator {
	return propagation.TraceContext{}
}

// New builds the telemetry of one process.
func New(ctx context.Context, cfg Config) (*Telemetry, error) {
	level := &slog.LevelVar{}
	log, err := newLogger(cfg, level)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(cfg.Version))
	t := &Telemetry{Log: named(log, cfg.Service), Metrics: registry, unnamed: log, level: level}
	if t.traces, err = newTraces(ctx, cfg, t.Log); err != nil {
		return nil, err
	}
	t.Tracers = t.traces.of(cfg.Service)
	return t, nil
}

// Discard returns telemetry that reports nothing, for tests.
func Discard() *Telemetry {
	log := slog.New(slog.DiscardHandler)
	return &Telemetry{
		Log: log, Tracers: noop.NewTracerProvider(), Metrics: prometheus.NewRegistry(), unnamed: log,
		level: &slog.LevelVar{},
	}
}

// For returns the telemetry of one service among several of a process: its lines of the log and its spans say which
// one it is.
func (t *Telemetry) For(service string) *Telemetry {
	own := *t
	own.Log, own.Tracers = named(t.unnamed, service), t.traces.of(service)
	return &own
}

// Shutdown sends what is still waiting.
func (t *Telemetry) Shutdown(ctx context.Context) error { return t.traces.shutdown(ctx) }

// SetLevel has all loggers of the process log from another level on: debug, info, warn or error.
func (t *Telemetry) SetLevel(level string) error { return setLevel(t.level, level) }

func setLevel(of *slog.LevelVar, text string) error {
	if err := of.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("log_level %q: use debug, info, warn or error", text)
	}
	return nil
}

func newLogger(cfg Config, level *slog.LevelVar) (*slog.Logger, error) {
	if err := setLevel(level, cfg.LogLevel); err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler
	switch cfg.LogFormat {
	case "json":
		handler = slog.NewJSONHandler(cfg.LogWriter, options)
	case "text":
		handler = slog.NewTextHandler(cfg.LogWriter, options)
	default:
		return nil, fmt.Errorf("log_format %q: use json or text", cfg.LogFormat)
	}
	return slog.New(contextHandler{handler, cfg.ContextAttrs}), nil
}

func named(log *slog.Logger, service string) *slog.Logger { return log.With("service", service) }

// contextHandler adds what a context knows: the ids that lead from a log line to its trace, and more.
type contextHandler struct {
	slog.Handler
	attrs func(context.Context) []slog.Attr
}

func (h contextHandler) Handle(ctx context.Context, record slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		record.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	if h.attrs != nil {
		record.AddAttrs(h.attrs(ctx)...)
	}
	return h.Handler.Handle(ctx, record)
}

func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.Handler.WithAttrs(attrs), h.attrs}
}

func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.Handler.WithGroup(name), h.attrs}
}

// Traceparent returns the trace context of ctx as W3C text, for an event or a stream entry.
func Traceparent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	Propagator().Inject(ctx, carrier)
	return carrier["traceparent"]
}

// WithTraceparent continues a trace that came through an event or a stream entry.
func WithTraceparent(ctx context.Context, traceparent string) context.Context {
	return Propagator().Extract(ctx, propagation.MapCarrier{"traceparent": traceparent})
}
