package recovery

import (
	"context"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// Reader is the store for all who must not take for missing what Redis has lost: before it says that a fabric or a sync
// does not exist, what was lost comes back.
type Reader struct {
	*state.Store
	recovery *Recovery
}

// NewReader returns a reader of the store that a recovery keeps whole.
func NewReader(r *Recovery) *Reader { return &Reader{r.deps.Store, r} }

// EnsureComplete makes sure that nothing is missing because Redis has lost it.
func (r *Reader) EnsureComplete(ctx context.Context) error { return r.recovery.Ensure(ctx) }

// Fabric reads a definition.
func (r *Reader) Fabric(ctx context.Context, id int32) (*fabricv1.Fabric, error) {
	return retryAfterRecovery(ctx, r, func() (*fabricv1.Fabric, error) { return r.Store.Fabric(ctx, id) })
}

// Sight reads a definition with what is remembered of the syncs.
func (r *Reader) Sight(ctx context.Context, id int32) (state.Sight, error) {
	return retryAfterRecovery(ctx, r, func() (state.Sight, error) { return r.Store.Sight(ctx, id) })
}

// Get reads a sync.
func (r *Reader) Get(ctx context.Context, syncID string) (*state.Record, error) {
	return retryAfterRecovery(ctx, r, func() (*state.Record, error) { return r.Store.Get(ctx, syncID) })
}

// Start accepts a sync.
func (r *Reader) Start(
	ctx context.Context, record *syncv1.Sync, requestID, traceparent string,
) (state.Admission, error) {
	return retryAfterRecovery(ctx, r, func() (state.Admission, error) {
		return r.Store.Start(ctx, record, requestID, traceparent)
	})
}

// Watch reads the events of a sync from the first and calls for each batch, until the sync has ended, the call returns
// an error, or ctx ends.
func (r *Reader) Watch(ctx context.Context, syncID string, call func([]*syncv1.SyncEvent) error) error {
	return r.Store.Watch(ctx, syncID, r.Get, call)
}

// retryAfterRecovery looks again for what is missing, for that may be because Redis has lost it.
func retryAfterRecovery[T any](ctx context.Context, r *Reader, look func() (T, error)) (T, error) {
	found, err := look()
	if !errs.HasCode(err, errs.FabricNotFound) && !errs.HasCode(err, errs.SyncNotFound) {
		return found, err
	}
	if err := r.recovery.Ensure(ctx); err != nil {
		return found, err
	}
	return look() // also when it had been brought back already: that may have been after the first look
}
