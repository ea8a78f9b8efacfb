package outbox

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

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
	tried    chan struct{}            // closed when there was a pass, however it went

	mu     sync.Mutex
	linked *fabricv1.LinkedFabric
	asked  Asked
	news   chan struct{} // has something when there is something to do
}

func newWorker(deps *Deps, s session, stop context.CancelFunc) *worker {
	return &worker{deps: deps, session: s, stop: stop, news: make(chan struct{}, 1), tried: make(chan struct{})}
}

// give says what is new of the fabric.
func (w *worker) give(linked *fabricv1.LinkedFabric, asked Asked) {
	w.mu.Lock()
	same := sameLinked(w.linked, linked) && w.asked == asked
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

// begun waits until there was a pass.
func (w *worker) begun(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-w.tried:
		return nil
	}
}

// run delivers until ctx ends. What could not be done is tried again, after longer and longer pauses.
func (w *worker) run(ctx context.Context) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = firstPause, longestPause
	retry := time.NewTimer(longestPause)
	defer retry.Stop()
	tried := sync.OnceFunc(func() { close(w.tried) })
	defer tried()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.news:
		case <-retry.C:
		}
		left, err := w.once(ctx)
		tried()
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

// once does a pass, and reports whether something is left for another one.
func (w *worker) once(ctx context.Context) (left bool, err error) {
	w.mu.Lock()
	linked, asked := w.linked, w.asked
	w.mu.Unlock()
	d := w.delivery.Load()
	if d == nil {
		if d, err = open(ctx, w.deps, w.session.client, w.session.fence, linked); err != nil {
			return true, err
		}
		w.delivery.Store(d)
	}
	if err := d.pass(ctx, linked, asked); err != nil {
		if !over(ctx, err) {
			w.deps.Log.WarnContext(ctx, "the records of a fabric are not all delivered", "fabric_id", linked.GetFabricId(),
				"error", err.Error())
		}
		if hnp.Is(err, hnp.Denied) || errs.HasCode(err, errs.LockLost) { // another token may be there; a lease is over
			w.session.end(err)
		}
		return true, err
	}
	return d.pendingLeft(), nil
}
