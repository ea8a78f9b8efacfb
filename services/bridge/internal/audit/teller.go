package audit

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

const (
	// tellPause is between two times that the head is told: so late may a commit that nobody asked for name it.
	tellPause = time.Second
	// tellPeriod is how often it is told when it has not changed: who has lost it, or was away, learns it again.
	tellPeriod = 15 * time.Second
	// firstTimeout bounds the wait of a call for the orchestrator to hear of the audit that it is in.
	firstTimeout = time.Second
)

// Teller tells the orchestrator the head of an audit, so that commits name it.
type Teller struct {
	audit   *Log
	service accessv1.TokenServiceClient
	log     *slog.Logger
	told    atomic.Bool
}

// NewTeller returns what tells the head of an audit.
func NewTeller(audit *Log, service accessv1.TokenServiceClient, log *slog.Logger) *Teller {
	return &Teller{audit: audit, service: service, log: log}
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
	head := t.audit.Head().String()
	answer, err := t.service.RecordAuditHead(ctx, &accessv1.RecordAuditHeadRequest{Head: head})
	if err == nil && head != "" {
		t.told.Store(true)
	}
	return answer.GetHeads(), err
}

// first sees to it that the orchestrator has heard of this audit before a commit can name it: of one that names a log
// which nobody knows it is said that the log was taken away.
func (t *Teller) first(ctx context.Context) {
	if t.told.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(untraced(ctx), firstTimeout)
	defer cancel()
	if _, err := t.Heads(ctx); err != nil {
		t.log.DebugContext(ctx, "the head of the audit is not told", "error", err.Error())
	}
}
