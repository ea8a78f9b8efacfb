// Package schedule starts the syncs that fabrics want from time to time. It keeps nothing in memory: when the last sync
// was, is read each time, so any number of replicas may look at the same fabrics, and one that was away catches up.
package schedule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/intake"
	"fgdsync.dev/services/orchestrator/internal/state"
)

const (
	// PerRun bounds the syncs that are started at one time; the next one goes on with what is left.
	PerRun = 50
	// jitterPart is the part of its interval that a fabric may wait longer, so that fabrics which began together drift
	// apart.
	jitterPart = 10
	// firstSync is when a fabric is synced whose registration did not come to it: an orchestrator died in between, or
	// Redis was lost.
	firstSync = 10 * time.Second
)

// Scheduler starts syncs whose time has come.
type Scheduler struct {
	store  *state.Store
	accept intake.AcceptFunc
	now    func() time.Time
}

// New returns a scheduler.
func New(store *state.Store, accept intake.AcceptFunc, now func() time.Time) *Scheduler {
	return &Scheduler{store: store, accept: accept, now: now}
}

// RunOnce starts the syncs that are due, the one that is longest overdue first.
func (s *Scheduler) RunOnce(ctx context.Context) error {
	due, err := s.due(ctx)
	if err != nil {
		return err
	}
	for _, d := range due[:min(len(due), PerRun)] {
		err = errors.Join(err, s.trigger(ctx, d))
	}
	return err
}

// occasion is one scheduled sync of one fabric. Every replica names it the same, and it is the same until a sync was
// accepted.
type occasion struct {
	fabricID int32
	since    time.Time // the sync before
	at       time.Time
	trigger  syncv1.Trigger
}

func (o occasion) requestID() string {
	return fmt.Sprintf("scheduled:%d:%d", o.fabricID, o.since.UnixMilli())
}

func (s *Scheduler) due(ctx context.Context) ([]occasion, error) {
	fabrics, err := s.store.Fabrics(ctx)
	if err != nil {
		return nil, err
	}
	fabrics = slices.DeleteFunc(fabrics, rests)
	ids := make([]int32, len(fabrics))
	for i, f := range fabrics {
		ids[i] = f.GetFabricId()
	}
	activities, err := s.store.Activities(ctx, ids)
	if err != nil {
		return nil, err
	}
	var due []occasion
	now := s.now()
	for i, f := range fabrics {
		if next, wanted := next(f, activities[i]); wanted && !next.at.After(now) {
			due = append(due, next)
		}
	}
	slices.SortFunc(due, func(a, b occasion) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.fabricID, b.fabricID))
	})
	return due, nil
}

// rests reports whether no sync of a fabric starts by itself.
func rests(f *fabricv1.Fabric) bool {
	return f.GetSuspension() != nil || f.GetOptions().GetMode() == fabricv1.Mode_MODE_OFF
}

func next(f *fabricv1.Fabric, activity state.Activity) (o occasion, wanted bool) {
	o = occasion{fabricID: f.GetFabricId(), since: activity.LastFull, trigger: syncv1.Trigger_TRIGGER_SCHEDULED}
	if o.since.IsZero() {
		o.since = f.GetCreatedAt().AsTime()
	}
	if !activity.Synced {
		o.at, o.trigger = o.since.Add(firstSync), syncv1.Trigger_TRIGGER_FABRIC_CREATED
		return o, !activity.Busy
	}
	interval := time.Duration(f.GetSyncIntervalSeconds()) * time.Second
	if interval <= 0 || activity.Busy {
		return o, false
	}
	o.at = o.since.Add(interval + jitter(f.GetFabricId(), interval))
	return o, true
}

// Next returns when the next sync of a fabric starts by itself; zero when none does. One that is due starts the next
// time that somebody looks.
func Next(f *fabricv1.Fabric, activity state.Activity) time.Time {
	activity.Busy = false // after the one that is active, which counts from its acceptance
	if o, wanted := next(f, activity); wanted && !rests(f) {
		return o.at
	}
	return time.Time{}
}

// jitter is the same for a fabric at all times and in all replicas.
func jitter(fabricID int32, interval time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, fabricID) // a hash takes everything
	return time.Duration(h.Sum64() % uint64(interval/jitterPart))
}

// trigger starts one. That a sync was started by somebody else in the meantime, or the fabric deleted, is no error.
func (s *Scheduler) trigger(ctx context.Context, o occasion) error {
	_, err := s.accept(ctx, &syncv1.StartSyncRequest{
		FabricId: o.fabricID, Trigger: o.trigger, RequestId: o.requestID(),
		Options: &syncv1.SyncOptions{RefuseIfRunning: true},
	})
	if errs.HasCode(err, errs.SyncAlreadyInProgress) || errs.HasCode(err, errs.FabricNotFound) ||
		state.IsHeld(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("start the scheduled sync of fabric %d: %w", o.fabricID, err)
	}
	return nil
}
