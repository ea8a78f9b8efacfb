package workflow

import (
	"context"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/eventlog"
)

// Cancel asks a sync to end, on behalf of who asks, and returns it as it is then. One that no worker has taken up ends
// at once; one that runs ends at its next step, and one that publishes already does not.
func (r *Runner) Cancel(ctx context.Context, syncID string) (*syncv1.Sync, error) {
	if err := r.deps.Store.RequestCancel(ctx, syncID); err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.CancelMarked)
	record, err := r.deps.Store.Get(ctx, syncID)
	if err != nil {
		return nil, err
	}
	if record.GetState() != syncv1.State_STATE_PENDING {
		return record.Sync, nil
	}
	t := newTracker(r, record, nil)
	t.user = eventlog.Requester(ctx)
	// A worker that was faster has seen the mark.
	if err := r.writeEnd(ctx, t, errCancelRequested); err != nil && !errs.HasCode(err, errs.LockLost) {
		return nil, err
	}
	if record, err = r.deps.Store.Get(ctx, syncID); err != nil {
		return nil, err
	}
	return record.Sync, nil
}
