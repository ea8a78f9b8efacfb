// Package recovery keeps Redis and the ledger in step. What Redis has lost, all of it or its last second, comes back
// from the ledger: fabrics, and syncs that were accepted and have not ended. What other orchestrators have done to the
// register is copied into the ledger. It compares states and never follows events, so it may run at any time, any
// number of times, in any number of orchestrators.
package recovery

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/telemetry"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/orchestrator/internal/ledger"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// Deps is what recovery works with.
type Deps struct {
	Store     *state.Store
	Ledger    *ledger.Ledger
	Retention time.Duration // syncs that were accepted longer ago are forgotten
	Log       *slog.Logger
	Now       func() time.Time
}

// Recovery brings back what Redis has lost.
type Recovery struct {
	deps Deps

	mu     sync.Mutex // one comparison at a time
	judged bool       // a damaged ledger may be filled from Redis
}

// New returns a recovery.
func New(deps Deps) *Recovery { return &Recovery{deps: deps} }

// Ensure brings back what Redis has lost since the last time, if it has lost anything.
func (r *Recovery) Ensure(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	complete, err := r.deps.Store.Complete(ctx)
	if err != nil || complete {
		return err
	}
	_, err = r.recover(ctx)
	return err
}

// comparison is what one comparison of Redis and the ledger has found.
type comparison struct {
	fabrics []int32         // that are registered
	deleted map[int32]int64 // up to which generation fabrics were deleted

	fabricsRecovered, syncsRecovered, tokensRecovered int

	netboxRecovered bool
}

// compare brings back what Redis has lost, whatever it says of itself.
func (r *Recovery) compare(ctx context.Context) (*comparison, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.recover(ctx)
}

func (r *Recovery) recover(ctx context.Context) (*comparison, error) {
	c := &comparison{}
	err := r.judgeLedger(ctx)
	if err == nil {
		err = r.register(ctx, c)
	}
	if err == nil {
		err = r.tokens(ctx, c)
	}
	if err == nil {
		err = r.netbox(ctx, c)
	}
	if err == nil {
		err = r.accepted(ctx, c)
	}
	if err == nil {
		err = r.deps.Store.IndexSyncs(ctx)
	}
	if err == nil {
		err = r.deps.Store.SetComplete(ctx)
	}
	if c.fabricsRecovered+c.syncsRecovered+c.tokensRecovered > 0 || c.netboxRecovered {
		r.deps.Log.WarnContext(ctx, "state recovered", "fabrics", c.fabricsRecovered, "syncs", c.syncsRecovered,
			"tokens", c.tokensRecovered, "netbox", c.netboxRecovered)
	}
	return c, err
}

// judgeLedger makes sure that somebody has what the ledger should have: a file that somebody has taken away is made
// anew, and a damaged one is filled from Redis, if that has anything.
func (r *Recovery) judgeLedger(ctx context.Context) error {
	renewed, err := r.deps.Ledger.Renew()
	if renewed {
		r.deps.Log.WarnContext(ctx, "the ledger was gone, and was made anew")
	}
	if err != nil || r.judged || r.deps.Ledger.Damaged() == "" {
		return err
	}
	complete, err := r.deps.Store.Complete(ctx)
	if err != nil {
		return err
	}
	if !complete {
		return errs.New(errs.LedgerDamaged, "The ledger was damaged, and Redis is empty.")
	}
	r.judged = true
	return nil
}

// register brings the two registers of fabrics in step.
func (r *Recovery) register(ctx context.Context, c *comparison) error {
	kept, err := r.deps.Ledger.Register()
	if err != nil {
		return err
	}
	stored, err := r.deps.Store.Fabrics(ctx)
	if err != nil {
		return err
	}
	c.deleted, err = r.deps.Store.Deleted(ctx) // after the fabrics: one that is in neither was lost
	if err != nil {
		return err
	}
	ids, newest := map[int32]bool{}, map[int32]int64{}
	for _, f := range stored {
		id := f.GetFabricId()
		if kept.Deleted[id] >= f.GetGeneration() {
			err = errors.Join(err, r.deleteAgain(ctx, f, kept.Deleted[id]))
			continue
		}
		ids[id], newest[id] = true, f.GetGeneration()
	}
	for _, f := range kept.Fabrics {
		id := f.GetFabricId()
		switch {
		case c.deleted[id] >= f.GetGeneration():
			err = errors.Join(err, r.deps.Ledger.DeleteFabric(id, c.deleted[id]))
		case newest[id] < f.GetGeneration():
			err = errors.Join(err, r.recoverFabric(ctx, f, c))
			ids[id] = true
		}
	}
	c.fabrics = slices.Sorted(maps.Keys(ids))
	return errors.Join(err, r.copyFabrics(stored, kept))
}

func (r *Recovery) recoverFabric(ctx context.Context, f *fabricv1.Fabric, c *comparison) error {
	recovered, err := r.deps.Store.RecoverFabric(ctx, f)
	if recovered {
		c.fabricsRecovered++
	}
	return err
}

// deleteAgain deletes what another orchestrator has brought back that did not know of the deletion.
func (r *Recovery) deleteAgain(ctx context.Context, f *fabricv1.Fabric, generation int64) error {
	_, err := r.deps.Store.DeleteFabric(ctx, f.GetFabricId(), generation, nil)
	if errs.HasCode(err, errs.FabricNotFound) {
		return nil
	}
	return err
}

// copyFabrics takes over what others have changed.
func (r *Recovery) copyFabrics(stored []*fabricv1.Fabric, kept ledger.Register) error {
	known := map[int32]int64{}
	for _, f := range kept.Fabrics {
		known[f.GetFabricId()] = f.GetGeneration()
	}
	var err error
	for _, f := range stored {
		if f.GetGeneration() > max(known[f.GetFabricId()], kept.Deleted[f.GetFabricId()]) {
			err = errors.Join(err, r.deps.Ledger.PutFabric(f))
		}
	}
	return err
}

// accepted brings back syncs that were accepted here and lost, and forgets those that need nothing any more.
func (r *Recovery) accepted(ctx context.Context, c *comparison) error {
	syncs, err := r.deps.Ledger.Accepted()
	if err != nil {
		return err
	}
	var settled []string
	for _, record := range syncs {
		if r.deps.Now().Sub(record.GetAcceptedAt().AsTime()) > r.deps.Retention {
			r.deps.Log.ErrorContext(ctx, "an accepted sync is too old to be recovered", "sync_id", record.GetSyncId(),
				"fabric_id", record.GetFabricId())
			settled = append(settled, record.GetSyncId())
			continue
		}
		_, deleted := c.deleted[record.GetFabricId()]
		became, recoverErr := r.deps.Store.RecoverSync(ctx, record, telemetry.Traceparent(ctx))
		err = errors.Join(err, recoverErr)
		switch {
		case became == state.RecoveredNow:
			c.syncsRecovered++
		case became == state.RecoveredEnded, became == state.RecoveredMissing && deleted:
			settled = append(settled, record.GetSyncId())
		}
	}
	if len(settled) > 0 {
		r.deps.Ledger.Settle(settled...)
	}
	return err
}
