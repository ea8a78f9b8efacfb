package audit

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

const (
	// tellPause is between two times that the head is told: so late may a commit that nobody asked for name it.
	tellPause = time.Second
	// tellPeriod is how often it is told when it has not changed: who has lost it learns it again.
	tellPeriod = 10 * time.Minute
)

// Teller tells the orchestrator the head of an audit, so that commits name it.
type Teller struct {
	audit   *Log
	service accessv1.TokenServiceClient
	log     *slog.Logger
}

// NewTeller returns what tells the head of an audit.
func NewTeller(audit *Log, service accessv1.TokenServiceClient, log *slog.Logger) *Teller {
	return &Teller{audit, service, log}
}

// Run tells the head when it has changed, until ctx ends.
func (t *Teller) Run(ctx context.Context) error {
	ctx = untraced(ctx)
	pause, period := time.NewTicker(tellPause), time.NewTicker(tellPeriod)
	defer pause.Stop()
	defer period.Stop()
	for {
		if _, err := t.Heads(ctx); err != nil {
			t.log.DebugContext(ctx, "the head of the audit is not told", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.audit.Changed():
		case <-period.C:
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
		}
	}
}

// untraced returns a context whose calls have no spans: what is told every few seconds would hide all others.
func untraced(ctx context.Context) context.Context {
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1},
	}))
}

// Heads tells the head, and returns those of all bridges, as they are written.
func (t *Teller) Heads(ctx context.Context) ([]string, error) {
	answer, err := t.service.RecordAuditHead(ctx, &accessv1.RecordAuditHeadRequest{Head: t.audit.Head().String()})
	return answer.GetHeads(), err
}
