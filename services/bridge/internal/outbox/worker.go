package outbox

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

const (
	firstPause   = time.Second
	longestPause = time.Minute
)

// worker delivers one fabric.
type worker struct {
	deps     *Deps
	session  session
	stop     context.CancelFunc
	delivery atomic.Pointer[delivery] // nil until it is known what there is
	opened   chan struct{}            // closed when it was looked what there is, however that went
	tried    chan struct{}            // closed when there was a pass, however it went
	compared atomic.Int64             // which comparison was the last
	said     string                   // what was said to stand in the way; empty for nothing

	mu     sync.Mutex
	linked *fabricv1.LinkedFabric
	asked  Asked
	news   chan struct{} // has something when there is something to do
}

func newWorker(deps *Deps, s session, stop context.CancelFunc) *worker {
	return &worker{
		deps: deps, session: s, stop: stop, news: make(chan struct{}, 1), opened: make(chan struct{}),
		tried: make(chan struct{}),
	}
}

// give says what is new of the fabric.
func (w *worker) give(linked *fabricv1.LinkedFabric, asked Asked) {
	w.mu.Lock()
	same := sameLinked(w.linked, linked) && w.asked.same(asked)
	w.linked, w.asked = linked, asked
	w.mu.Unlock()
	if !same {
		w.again()
	}
}

// again has it look again.
func (w *worker) again() {
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// waitFor waits until something is so.
func waitFor(ctx context.Context, so <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-so:
		return nil
	}
}

// run delivers until ctx ends. What could not be done is tried again, after longer and longer pauses.
func (w *worker) run(ctx context.Context) {
	pause := newPause()
	retry := time.NewTimer(longestPause)
	defer retry.Stop()
	opened, tried := sync.OnceFunc(func() { close(w.opened) }), sync.OnceFunc(func() { close(w.tried) })
	defer tried()
	defer opened()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.news:
		case <-retry.C:
		}
		d, err := w.begin(ctx)
		opened()
		left := true
		if err == nil {
			left, err = w.once(ctx, d)
		}
		w.warn(ctx, err)
		tried()
		// Another token may be there, a lease is over, or another bridge can keep what becomes of the records, or may
		// connect to where NetBox is.
		if hnp.Is(err, hnp.Denied) || errs.HasCode(err, errs.LockLost) || errors.Is(err, errLedger) ||
			errs.HasCode(err, errs.RemoteRefused) {
			w.session.end(err)
		}
		switch {
		case over(ctx, err):
			return
		case err != nil || left:
			retry.Reset(max(pause.NextBackOff(), waitOf(err)))
		default:
			pause.Reset()
			retry.Stop()
		}
	}
}

// waitOf returns how long NetBox wants to be left alone.
func waitOf(err error) time.Duration {
	var said *hnp.Error
	if errors.As(err, &said) {
		return said.After
	}
	return 0
}

// begin reads what is known of the fabric, unless it was read already.
func (w *worker) begin(ctx context.Context) (*delivery, error) {
	if d := w.delivery.Load(); d != nil {
		return d, nil
	}
	linked, _ := w.given()
	d, err := open(ctx, w.deps, w.session.client, w.session.fence, linked)
	if err == nil {
		w.delivery.Store(d)
	}
	return d, err
}

func (w *worker) given() (*fabricv1.LinkedFabric, Asked) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.linked, w.asked
}

// once does a pass, and reports whether something is left for another one.
func (w *worker) once(ctx context.Context, d *delivery) (left bool, err error) {
	linked, asked := w.given()
	err = d.pass(ctx, linked, asked)
	left = err != nil || d.pendingLeft()
	if d.begun() && w.compared.Load() < w.session.compares.asked.Load() { // it was not to be had meanwhile
		left = true
		w.session.compares.again()
	}
	return left, err
}

// ready reports whether the fabric can be compared now, and has not been as often as that was asked for.
func (w *worker) ready(asked int64) bool {
	d := w.delivery.Load()
	if d == nil || w.compared.Load() >= asked || !d.mu.TryLock() {
		return false
	}
	defer d.mu.Unlock()
	return d.hasBegun()
}

// compare compares the fabric's records with what NetBox has, unless a pass is under way.
func (w *worker) compare(ctx context.Context, asked int64, all listing) error {
	d := w.delivery.Load()
	if !d.mu.TryLock() {
		return nil
	}
	defer d.mu.Unlock()
	if err := d.compare(ctx, all); err != nil {
		return err
	}
	w.compared.Store(asked)
	w.again()
	return nil
}

// warn says what stands in the way, once for each cause.
func (w *worker) warn(ctx context.Context, err error) {
	switch {
	case err == nil:
		w.said = ""
	case over(ctx, err) || w.said == err.Error():
	default:
		w.said = err.Error()
		linked, _ := w.given()
		w.deps.Log.WarnContext(ctx, "the records of a fabric are not all delivered", "fabric_id", linked.GetFabricId(),
			"error", w.said)
	}
}
