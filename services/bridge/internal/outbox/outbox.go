// Package outbox has NetBox show what Git says. What is wanted is what the last completed sync of a fabric left in
// managed/; what is known of each record is its receipt, which is written down before anything is done and after. A
// bridge that dies leaves nothing that the next one could not find out, and what happened in between comes last: of
// several contents of a resource the newest is written, once.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/lock"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/eventlog"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/hnp"
)

const (
	// period is how often it is looked what syncs have left.
	period = time.Second
	// longestLease bounds how long one bridge delivers to a NetBox before another may.
	longestLease = time.Hour
)

// ConnectFunc returns a client of a NetBox with the token that a reference leads to. Its requests go through a wrapped
// transport.
type ConnectFunc func(url, tokenRef string, wrap func(http.RoundTripper) http.RoundTripper) (*hnp.Client, error)

// Deps is what delivery works with.
type Deps struct {
	Store     *Store
	Resources fabricv1.ResourceServiceClient
	Edit      EditFunc
	DryEdit   DryEditFunc
	Events    *eventlog.Log
	Connect   ConnectFunc
	Metrics   *Metrics
	Log       *slog.Logger
	Now       func() time.Time
	Heard     *hearing.Metrics // of what is heard
	Lease     time.Duration    // of a NetBox; a bridge that dies holds others up so long
}

// Outbox delivers to all NetBoxes that fabrics are linked to.
type Outbox struct {
	deps   Deps
	locker *lock.Locker
	gates  gates

	mu       sync.Mutex
	netboxes map[place]*netbox
}

// place is a NetBox, with the token that is used there.
type place struct{ url, tokenRef string }

func placeOf(f *fabricv1.LinkedFabric) place {
	return place{f.GetNetbox().GetUrl(), f.GetNetbox().GetTokenRef()}
}

// New returns the outbox. It delivers while it runs.
func New(deps Deps) *Outbox {
	return &Outbox{
		deps: deps, locker: lock.New(deps.Store.redis, deps.Lease, longestLease), netboxes: map[place]*netbox{},
		gates: gates{byURL: map[string]*gate{}},
	}
}

// Run delivers until ctx ends.
func (o *Outbox) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	tidier := &tidier{store: o.deps.Store, now: o.deps.Now, log: o.deps.Log, missing: map[int32]time.Time{}}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		found, err := o.deps.Resources.ListLinkedFabrics(ctx, &fabricv1.ListLinkedFabricsRequest{})
		if err == nil {
			o.assign(ctx, &running, found.GetFabrics())
		} else if ctx.Err() == nil { // the health of the orchestrator says it louder
			o.deps.Log.DebugContext(ctx, "the linked fabrics can't be listed", "error", err.Error())
		}
		tidier.look(ctx, found.GetFabrics())
		timer.Reset(period)
	}
}

// assign gives each NetBox its fabrics, and lets go of those that have none any more.
func (o *Outbox) assign(ctx context.Context, running *sync.WaitGroup, fabrics []*fabricv1.LinkedFabric) {
	byPlace := map[place][]*fabricv1.LinkedFabric{}
	for _, f := range fabrics {
		p := placeOf(f)
		byPlace[p] = append(byPlace[p], f)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for p, n := range o.netboxes {
		if byPlace[p] == nil {
			n.stop()
			delete(o.netboxes, p)
		}
	}
	for p, linked := range byPlace {
		n := o.netboxes[p]
		if n == nil {
			own, stop := context.WithCancel(ctx)
			n = newNetBox(o, p, stop)
			o.netboxes[p] = n
			running.Go(func() { n.run(own) })
		}
		n.give(linked)
	}
}

// deliveries returns those that are under way here.
func (o *Outbox) deliveries() []*delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []*delivery
	for _, n := range o.netboxes {
		all = append(all, n.deliveries()...)
	}
	return all
}

// unconnected returns of how many fabrics nothing can be delivered because their NetBox can't be connected to.
func (o *Outbox) unconnected() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	stuck := 0
	for _, n := range o.netboxes {
		n.mu.Lock()
		stuck += n.stuck
		n.mu.Unlock()
	}
	return stuck
}

// Forget forgets a fabric that is not registered any more.
func (o *Outbox) Forget(ctx context.Context, fabricID int32) error {
	return o.deps.Store.forget(ctx, fabricID)
}

// summary is how a delivery is, in figures.
type summary struct {
	fabricID      int32
	count         map[netboxv1.State]int
	unprovenSince time.Time
	reasons       []string // of those that are undeliverable, sorted
	problem       string
	remedy        string
	code          string // of the problem
}

// summarize sums up what is written down of a delivery.
func summarize(d *netboxv1.Delivery, receipts iter.Seq[*netboxv1.Receipt]) summary {
	s := summary{
		fabricID: d.GetFabricId(), count: map[netboxv1.State]int{}, problem: d.GetProblem(), remedy: d.GetRemedy(),
		code: d.GetProblemCode(),
	}
	reasons := map[string]bool{}
	for r := range receipts {
		if buried(r) {
			continue
		}
		s.count[r.GetState()]++
		if r.GetState() == netboxv1.State_STATE_UNDELIVERABLE {
			reasons[reasonName(r.GetProblem().GetReason())] = true
		}
		if at := r.GetUnprovenSince(); at != nil && (s.unprovenSince.IsZero() || at.AsTime().Before(s.unprovenSince)) {
			s.unprovenSince = at.AsTime()
		}
	}
	s.reasons = slices.Sorted(maps.Keys(reasons))
	return s
}

// Status is how the delivery of a fabric is.
type Status struct {
	Delivery      *netboxv1.Delivery // never nil
	Receipts      []*netboxv1.Receipt
	Count         map[netboxv1.State]int
	UnprovenSince time.Time // zero when all records are proven
}

// Status reads how the delivery of a fabric is, whichever bridge delivers it.
func (o *Outbox) Status(ctx context.Context, fabricID int32) (Status, error) {
	d, receipts, err := o.deps.Store.read(ctx, fabricID)
	if err != nil {
		return Status{}, err
	}
	if d == nil {
		d = &netboxv1.Delivery{FabricId: fabricID}
	}
	for _, r := range receipts {
		if r.GetState() == netboxv1.State_STATE_PROVEN { // a comparison has seen it again since
			r.VerifiedAt = later(r.GetVerifiedAt(), d.GetComparedAt())
		}
	}
	s := summarize(d, slices.Values(receipts))
	return Status{d, receipts, s.count, s.unprovenSince}, nil
}

// Published returns the commit that the last completed sync of a fabric left; empty when none has completed.
func (o *Outbox) Published(ctx context.Context, fabricID int32) (string, error) {
	linked, err := o.linked(ctx, fabricID)
	return linked.GetPublished().GetCommit(), err
}

// linked returns a fabric that a NetBox shows; nil for one that none does.
func (o *Outbox) linked(ctx context.Context, fabricID int32) (*fabricv1.LinkedFabric, error) {
	found, err := o.deps.Resources.ListLinkedFabrics(ctx, &fabricv1.ListLinkedFabricsRequest{FabricId: fabricID})
	if err != nil || len(found.GetFabrics()) == 0 {
		return nil, err
	}
	return found.GetFabrics()[0], nil
}

func later(a, b *timestamppb.Timestamp) *timestamppb.Timestamp {
	if b.AsTime().After(a.AsTime()) {
		return b
	}
	return a
}

// Ask has a fabric delivered now, by whichever bridge does it. Its number and commit are those of now.
func (o *Outbox) Ask(ctx context.Context, fabricID int32, asked Asked) error {
	d, err := o.deps.Store.delivery(ctx, fabricID)
	if err != nil {
		return err
	}
	asked.Number, asked.Commit = o.deps.Now().UnixMicro(), d.GetWantedCommit()
	if err := o.deps.Store.ask(ctx, fabricID, asked); err != nil {
		return fmt.Errorf("ask for a delivery of fabric %d: %w", fabricID, err)
	}
	return nil
}

// over reports whether an error says that a lease or the process is at its end.
func over(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, context.Canceled)
}
