package outbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/lock"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// netbox is one NetBox. Of all bridges one delivers to it at a time.
type netbox struct {
	deps   *Deps
	locker *lock.Locker
	gates  *gates
	place  place
	stop   context.CancelFunc

	compares compares

	mu      sync.Mutex
	linked  map[int32]*fabricv1.LinkedFabric
	given   chan struct{} // has something when there may be news
	workers map[int32]*worker
	stuck   int   // fabrics of which nothing can be delivered, because NetBox can't be connected to
	refused error // why nothing can be delivered here; nil when that is not known
}

func newNetBox(o *Outbox, p place, stop context.CancelFunc) *netbox {
	return &netbox{
		deps: &o.deps, locker: o.locker, gates: &o.gates, place: p, stop: stop, given: make(chan struct{}, 1),
		workers: map[int32]*worker{}, compares: compares{news: make(chan struct{}, 1)},
	}
}

// compares are comparisons of all records of a NetBox that were asked for.
type compares struct {
	asked atomic.Int64
	news  chan struct{} // has something when a fabric may be ready to be compared that was not
}

func (c *compares) again() {
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// key is what the lock is called. Two tokens of one NetBox are two places: their fabrics have nothing to do with each
// other but the number of requests.
func (n *netbox) key() string {
	sum := sha256.Sum256([]byte(n.place.url + "\n" + n.place.tokenRef))
	return "fgd:bridge:{netbox-" + hex.EncodeToString(sum[:8]) + "}:lock"
}

// give says which fabrics there are, and what syncs have left of them.
func (n *netbox) give(fabrics []*fabricv1.LinkedFabric) {
	linked := make(map[int32]*fabricv1.LinkedFabric, len(fabrics))
	for _, f := range fabrics {
		linked[f.GetFabricId()] = f
	}
	n.mu.Lock()
	n.linked = linked
	n.mu.Unlock()
	select {
	case n.given <- struct{}{}:
	default:
	}
}

func (n *netbox) deliveries() []*delivery {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []*delivery
	for _, w := range n.workers {
		if d := w.delivery.Load(); d != nil {
			all = append(all, d)
		}
	}
	return all
}

// run delivers whenever no other bridge does, until ctx ends.
func (n *netbox) run(ctx context.Context) {
	pause := newPause()
	for ctx.Err() == nil {
		begun := n.deps.Now()
		err := n.lead(ctx)
		if err != nil && ctx.Err() == nil {
			n.deps.Log.WarnContext(ctx, "delivery to a NetBox stops", "netbox", n.place.url, "error", err.Error())
		}
		timer := time.NewTimer(restAfterLease(pause, n.deps.Now().Sub(begun), err))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// lead waits for the lease, and delivers as long as it lasts. A bridge that can't keep receipts leaves it to others.
func (n *netbox) lead(ctx context.Context) error {
	if err := n.deps.Store.check(ctx); err != nil {
		n.setRefused(err)
		return err
	}
	n.setRefused(nil)
	lease, err := n.locker.Acquire(ctx, n.key())
	if err != nil {
		return err
	}
	err = n.serve(lease.Context(), lease.Fence())
	return errors.Join(err, lease.Release(context.WithoutCancel(ctx)))
}

func newPause() *backoff.ExponentialBackOff {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = firstPause, longestPause
	return pause
}

// restAfterLease returns for how long to rest after a lease has ended with an error: longer and longer, unless it had
// lasted, or was lost, which a busy machine is enough for.
func restAfterLease(pause *backoff.ExponentialBackOff, lasted time.Duration, err error) time.Duration {
	if errs.HasCode(err, errs.LockLost) || errors.Is(err, hearing.ErrFenced) || lasted > longestPause {
		pause.Reset()
	}
	return pause.NextBackOff()
}

// serve delivers under a lease.
func (n *netbox) serve(ctx context.Context, fence int64) error {
	client, err := connect(n.deps, n.gates, n.place)
	if err != nil {
		return n.refuse(ctx, fence, err)
	}
	var running sync.WaitGroup
	ctx, stop := context.WithCancelCause(ctx)
	defer func() {
		stop(nil)
		running.Wait()
		n.mu.Lock()
		defer n.mu.Unlock()
		clear(n.workers)
	}()
	listener := n.listener(client)
	for first := true; ; first = false {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-n.given:
		}
		n.wake(ctx, &running, session{client, fence, stop, &n.compares})
		if first {
			running.Go(func() { n.catchUp(ctx, client) })
			running.Go(func() {
				if err := listener.Run(ctx, fence); err != nil {
					stop(err)
				}
			})
		}
	}
}

// connect returns a client of a NetBox, whose requests have the one way there.
func connect(deps *Deps, all *gates, p place) (*hnp.Client, error) {
	return deps.Connect(p.url, p.tokenRef, func(next http.RoundTripper) http.RoundTripper {
		return all.of(p.url, next, deps.Now)
	})
}

// setRefused notes why nothing can be delivered here, or that nothing stands in the way.
func (n *netbox) setRefused(cause error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refused, n.stuck = cause, 0
	if cause != nil {
		n.stuck = len(n.linked)
	}
}

// refuse notes at each fabric why nothing can be delivered, and waits a while.
func (n *netbox) refuse(ctx context.Context, fence int64, cause error) error {
	n.mu.Lock()
	linked := n.linked
	n.mu.Unlock()
	n.setRefused(cause)
	for _, f := range linked {
		d, err := open(ctx, n.deps, nil, fence, f)
		if err != nil {
			return errors.Join(cause, err)
		}
		if err := d.explain(ctx, cause); err != nil {
			return errors.Join(cause, err)
		}
	}
	return cause
}

// session is a client for as long as a lease lasts and the token is taken.
type session struct {
	client *hnp.Client
	fence  int64
	end    context.CancelCauseFunc // begins another one: there may be another token

	compares *compares
}

// wake tells those who deliver a fabric what is new, and begins and ends them.
func (n *netbox) wake(ctx context.Context, running *sync.WaitGroup, s session) {
	n.mu.Lock()
	ids := slices.Collect(maps.Keys(n.linked))
	n.mu.Unlock()
	asked, err := n.deps.Store.asked(ctx, ids)
	if err != nil && ctx.Err() == nil {
		n.deps.Log.DebugContext(ctx, "what is asked of deliveries can't be read", "error", err.Error())
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, w := range n.workers {
		if n.linked[id] == nil {
			w.stop()
			delete(n.workers, id)
		}
	}
	for id, linked := range n.linked {
		w := n.workers[id]
		if w == nil {
			own, stop := context.WithCancel(ctx)
			w = newWorker(n.deps, s, stop)
			n.workers[id] = w
			running.Go(func() { w.run(own) })
		}
		w.give(linked, asked[id])
	}
}

// compare compares all records of the NetBox with what they should be. A fabric of which a pass is under way, or of
// which it is not known yet what is wanted, is compared afterwards: nothing waits for it.
func (n *netbox) compare(ctx context.Context, client *hnp.Client) error {
	n.compares.asked.Add(1)
	err := n.compareReady(ctx, client)
	for _, w := range n.all() {
		w.again()
	}
	return err
}

// catchUp compares what was not ready when all was to be compared, until ctx ends.
func (n *netbox) catchUp(ctx context.Context, client *hnp.Client) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.compares.news:
		}
		if err := n.compareReady(ctx, client); err != nil && ctx.Err() == nil { // whoever is not compared asks again
			n.deps.Log.WarnContext(ctx, "the records of a NetBox are not all compared", "netbox", n.place.url,
				"error", err.Error())
		}
	}
}

// compareReady compares the fabrics that are ready for it and have not been since it was asked for.
func (n *netbox) compareReady(ctx context.Context, client *hnp.Client) error {
	asked := n.compares.asked.Load()
	ready := slices.DeleteFunc(n.all(), func(w *worker) bool { return !w.ready(asked) })
	if len(ready) == 0 {
		return nil
	}
	all, err := list(ctx, client)
	if err != nil {
		return err
	}
	n.deps.Metrics.compare.Inc()
	for _, w := range ready { // what is wrong with one fabric is no reason not to compare others
		err = errors.Join(err, w.compare(ctx, asked, all))
	}
	return err
}

func (n *netbox) all() []*worker {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]*worker, 0, len(n.workers))
	for _, w := range n.workers {
		all = append(all, w)
	}
	return all
}

// begun reports whether it is known what is wanted.
func (d *delivery) begun() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hasBegun()
}

// isNew reports whether nothing was ever wanted.
func (d *delivery) isNew() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state.GetWantedCommit() == ""
}

// hasBegun is begun for whoever holds mu.
func (d *delivery) hasBegun() bool { return d.state.GetWantedCommit() != "" && !d.unsure }

// pendingLeft reports whether a record waits for another pass.
func (d *delivery) pendingLeft() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.receipts {
		if r.GetState() == netboxv1.State_STATE_PENDING || merging(r) && len(r.GetHeard()) > 0 {
			return true
		}
	}
	return false
}

// sameLinked reports whether nothing is new of a fabric.
func sameLinked(a, b *fabricv1.LinkedFabric) bool { return proto.Equal(a, b) }
