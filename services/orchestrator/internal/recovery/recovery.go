// Package recovery keeps Redis and the ledger in step. What Redis has lost, all of it or its last second, comes back
// from the ledger: fabrics, and syncs that were accepted and have not ended. What other orchestrators have done to the
// register is copied into the ledger. It compares states and never follows events, so it may run at any time, any
// number of times, in any number of orchestrators.
package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/state"
	"fgdsync.dev/libs/telemetry"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/ledger"
)

// Deps is what recovery works with.
type Deps struct {
	Store  *state.Store
	Ledger *ledger.Ledger
	// Expire ends a sync that is past its deadline.
	Expire    func(context.Context, *eventv1.SyncRequested) error
	Retention time.Duration // syncs that were accepted longer ago are forgotten
	// Grace is how long after its deadline a sync is expired, and Takeover how long it takes until a sync is taken up
	// again whose orchestrator died: nobody is called late who was only just taken for dead.
	Grace, Takeover time.Duration
	Log             *slog.Logger
	Now             func() time.Time
}

// Recovery compares and mends.
type Recovery struct {
	deps Deps

	mu   sync.Mutex // one look at a time
	seen map[attempt]time.Time
}

// attempt is a sync since a worker took it up.
type attempt struct {
	syncID   string
	deadline int64
}

// New returns a recovery.
func New(deps Deps) *Recovery { return &Recovery{deps: deps, seen: map[attempt]time.Time{}} }

// Report counts what a look has mended.
type Report struct {
	FabricsRestored, SyncsRestored, SyncsRevived, SyncsExpired int
}

func (r Report) any() bool { return r != Report{} }

// Run looks at every tick, until ctx ends. What goes wrong is tried again at the next one.
func (r *Recovery) Run(ctx context.Context, ticks <-chan time.Time) error {
	for {
		if _, err := r.Look(ctx); err != nil && ctx.Err() == nil {
			r.deps.Log.WarnContext(ctx, "the state was not looked through", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks:
		}
	}
}

// Ensure restores what Redis has lost since the last look.
func (r *Recovery) Ensure(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	complete, err := r.deps.Store.Complete(ctx)
	if err != nil || complete {
		return err
	}
	_, err = r.restore(ctx)
	return err
}

// Look compares everything once.
func (r *Recovery) Look(ctx context.Context) (Report, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	look, err := r.restore(ctx)
	if err == nil {
		err = r.active(ctx, look)
	}
	if look.any() {
		r.deps.Log.WarnContext(ctx, "the state was mended", "fabrics_restored", look.FabricsRestored, "syncs_restored",
			look.SyncsRestored,
			"syncs_revived", look.SyncsRevived, "syncs_expired", look.SyncsExpired)
	}
	return look.Report, err
}

// look is one comparison.
type look struct {
	Report
	fabrics []int32
	deleted map[int32]int64
}

// restore brings back what Redis has lost.
func (r *Recovery) restore(ctx context.Context) (*look, error) {
	l := &look{}
	err := r.register(ctx, l)
	if err == nil {
		err = r.accepted(ctx, l)
	}
	if err == nil {
		err = r.deps.Store.SetComplete(ctx)
	}
	return l, err
}

// register brings the two registers of fabrics in step.
func (r *Recovery) register(ctx context.Context, l *look) error {
	kept, err := r.deps.Ledger.Register()
	if err != nil {
		return err
	}
	stored, err := r.deps.Store.Fabrics(ctx)
	if err != nil {
		return err
	}
	l.deleted, err = r.deps.Store.Deleted(ctx) // after the fabrics: one that is in neither was lost
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
		case l.deleted[id] >= f.GetGeneration():
			err = errors.Join(err, r.deps.Ledger.DeleteFabric(id, l.deleted[id]))
		case newest[id] < f.GetGeneration():
			err = errors.Join(err, r.restoreFabric(ctx, f, l))
			ids[id] = true
		}
	}
	l.fabrics = slices.Sorted(maps.Keys(ids))
	return errors.Join(err, r.copyFabrics(stored, kept))
}

func (r *Recovery) restoreFabric(ctx context.Context, f *fabricv1.Fabric, l *look) error {
	restored, err := r.deps.Store.RestoreFabric(ctx, f)
	if restored {
		l.FabricsRestored++
	}
	return err
}

// deleteAgain deletes what another orchestrator has restored that did not know of the deletion.
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

// accepted restores syncs that were accepted here and lost, and forgets those that need nothing any more.
func (r *Recovery) accepted(ctx context.Context, l *look) error {
	syncs, err := r.deps.Ledger.Accepted()
	if err != nil {
		return err
	}
	var settled []string
	for _, record := range syncs {
		if r.deps.Now().Sub(record.GetAcceptedAt().AsTime()) > r.deps.Retention {
			r.deps.Log.ErrorContext(ctx, "an accepted sync has become too old to be restored", "sync_id", record.GetSyncId(),
				"fabric_id", record.GetFabricId())
			settled = append(settled, record.GetSyncId())
			continue
		}
		_, deleted := l.deleted[record.GetFabricId()]
		became, restoreErr := r.deps.Store.RestoreSync(ctx, record, telemetry.Traceparent(ctx))
		err = errors.Join(err, restoreErr)
		switch {
		case became == state.RestoredNow:
			l.SyncsRestored++
		case became == state.RestoredEnded, became == state.RestoredMissing && deleted:
			settled = append(settled, record.GetSyncId())
		}
	}
	if len(settled) > 0 {
		r.deps.Ledger.Settle(settled...)
	}
	return err
}

// active looks after the active syncs: each is in the hands of the workers, and none is long past its deadline.
func (r *Recovery) active(ctx context.Context, l *look) error {
	syncs, err := r.deps.Store.Active(ctx, l.fabrics)
	if err != nil {
		return err
	}
	seen, now := make(map[attempt]time.Time, len(syncs)), r.deps.Now()
	for _, v := range syncs {
		this := attempt{v.GetSyncId(), v.GetDeadline().AsTime().UnixNano()}
		seen[this] = now
		if first, before := r.seen[this]; before {
			seen[this] = first
		}
		err = errors.Join(err, r.lookAfter(ctx, v.Sync, now.Sub(seen[this]), l))
	}
	r.seen = seen
	return err
}

func (r *Recovery) lookAfter(ctx context.Context, record *syncv1.Sync, watched time.Duration, l *look) error {
	revived, err := r.deps.Store.Revive(ctx, record.GetFabricId(), record.GetSyncId())
	if err != nil {
		return err
	}
	if revived != state.RevivedNot {
		l.SyncsRevived++
		return nil
	}
	if record.GetDeadline() == nil || r.deps.Now().Before(record.GetDeadline().AsTime().Add(r.deps.Grace)) ||
		watched < r.deps.Takeover {
		return nil
	}
	err = r.deps.Expire(ctx, &eventv1.SyncRequested{SyncId: record.GetSyncId(), FabricId: record.GetFabricId()})
	if err != nil {
		return fmt.Errorf("expire sync %s: %w", record.GetSyncId(), err)
	}
	l.SyncsExpired++
	return nil
}
