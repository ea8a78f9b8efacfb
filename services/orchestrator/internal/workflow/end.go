package workflow

import (
	"context"
	"log/slog"

	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// writeEnd is the one end of every sync: it writes the end, and then the ledger, the metrics and the log have it too.
func (r *Runner) writeEnd(ctx context.Context, t *tracker, outcome error) error {
	err := t.end(ctx, outcome)
	if errs.HasCode(err, errs.IllegalTransition) || errs.HasCode(err, errs.SyncNotFound) {
		return nil // it has its end
	}
	if err != nil {
		return err
	}
	r.deps.Ledger.Settle(t.syncID())
	r.metrics.ended(ctx, t.record.Sync, outcome)
	r.logEnd(ctx, t.record.Sync, outcome)
	return nil
}

func (r *Runner) logEnd(ctx context.Context, s *syncv1.Sync, outcome error) {
	level := slog.LevelInfo
	attrs := []any{
		"sync_id", s.GetSyncId(), "fabric_id", s.GetFabricId(), "state", state.StateWord(s.GetState()),
		"commit", s.GetResult().GetCommitSha(), "attempt", s.GetAttempt(),
	}
	if id := s.GetCorrelationId(); id != "" {
		attrs = append(attrs, "request_correlation_id", id)
	}
	if s.GetState() == syncv1.State_STATE_FAILED {
		level = slog.LevelWarn
		attrs = append(attrs, "code", errs.From(outcome).Code.ID, "error", outcome.Error())
	}
	r.deps.Log.Log(ctx, level, "sync ended", attrs...)
}
