package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// loggedExporter says in the log that traces can't be sent, once, and that they are sent again. The library would write
// each failure to standard error, in the midst of the log.
type loggedExporter struct {
	sdktrace.SpanExporter
	log      *slog.Logger
	endpoint string
	lost     atomic.Int64 // spans, since the first failure in a row
}

// ExportSpans sends spans. Those that can't be sent are lost, which is no failure of whoever ends a span.
func (e *loggedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, scrubbed(spans))
	switch {
	case err == nil:
		if lost := e.lost.Swap(0); lost > 0 {
			e.log.InfoContext(ctx, "traces are sent again", "endpoint", e.endpoint, "spans_lost", lost)
		}
	case e.lost.Add(int64(len(spans))) == int64(len(spans)):
		e.log.WarnContext(ctx, "traces can't be sent and are lost", "endpoint", e.endpoint, "error", err.Error())
	}
	return nil
}
