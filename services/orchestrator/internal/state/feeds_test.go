package state_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

// listener is one who listens to a sync; ready is closed when it has the first events.
type listener struct {
	ready chan struct{}
	got   []string
	err   error
}

// listen has many listen to a sync, and returns when each has its first events.
func (b *bench) listen(n int, syncID string, work *sync.WaitGroup) []*listener {
	b.t.Helper()
	all := make([]*listener, n)
	for i := range all {
		one := &listener{ready: make(chan struct{})}
		first := sync.OnceFunc(func() { close(one.ready) })
		all[i] = one
		work.Go(func() {
			defer first()
			one.err = b.Watch(b.ctx(), syncID, b.Get, func(events []*syncv1.SyncEvent) error {
				for _, e := range events {
					one.got = append(one.got, e.GetType())
				}
				first()
				return nil
			})
		})
	}
	for _, one := range all {
		<-one.ready
	}
	return all
}

// TestThousandsListenThroughOneRead: none misses anything, and Redis and who works notice nothing of them.
func TestThousandsListenThroughOneRead(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Start(t).Conn(t))
	b.fabric(35)
	id := b.start(35, nil).SyncID
	must(t, b.move(b.get(id), 1, initializing, "sync.started"))
	var work sync.WaitGroup
	all := b.listen(5000, id, &work)
	if n := b.conn.Watching.PoolStats().TotalConns; n > 2 {
		t.Errorf("they have %d connections", n)
	}
	if n := b.conn.Blocking.PoolStats().TotalConns; n != 0 {
		t.Errorf("they have %d connections of those who work", n)
	}
	want := []string{"sync.started"}
	for i := range 20 {
		want = append(want, fmt.Sprint("sync.", i))
		must(t, b.move(b.get(id), 1, initializing, want[len(want)-1]))
	}
	want = append(want, "sync.failed")
	must(t, b.move(b.get(id), 1, failed, "sync.failed"))
	work.Wait()
	for i, one := range all {
		if one.err != nil || !slices.Equal(one.got, want) {
			t.Fatalf("listener %d: %v, %v", i, one.got, one.err)
		}
	}
}

// TestTooManyListenersAreRefused: and there is room again when some have left.
func TestTooManyListenersAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Start(t).Conn(t), state.WithMostListeners(3))
	b.fabric(35)
	id := b.start(35, nil).SyncID
	must(t, b.move(b.get(id), 1, initializing, "sync.started"))
	var work sync.WaitGroup
	b.listen(3, id, &work)
	err := b.Watch(t.Context(), id, b.Get, nil)
	if !errs.HasCode(err, errs.TooManyListeners) || errs.KindOf(err) != errs.Limited || errs.From(err).RetryAfter == 0 {
		t.Errorf("the fourth got %v", err)
	}
	must(t, b.move(b.get(id), 1, failed, "sync.failed"))
	work.Wait()
	must(t, b.Watch(t.Context(), id, b.Get, func([]*syncv1.SyncEvent) error { return nil }))
}

// TestALateListenerHearsOfTheEnd: what was told is forgotten an hour after the end, and how it ended is not.
func TestALateListenerHearsOfTheEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		for _, to := range []syncv1.State{completed, failed} {
			id := b.start(35, nil).SyncID
			b.end(id, to)
			must(t, b.conn.Main.Del(t.Context(), state.SyncEventsKey(35, id)).Err())
			var work sync.WaitGroup
			one := b.listen(1, id, &work)[0]
			work.Wait()
			if want := "sync." + state.StateWord(to); one.err != nil || !slices.Equal(one.got, []string{want}) {
				t.Errorf("heard %v, %v; want %s", one.got, one.err, want)
			}
		}
	})
}

// TestAListenerThatLeavesTakesNobodyAlong: the others hear the rest, and one that comes after a failure begins anew.
func TestAListenerThatLeavesTakesNobodyAlong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		id := b.start(35, nil).SyncID
		must(t, b.move(b.get(id), 1, initializing, "sync.started"))
		var work sync.WaitGroup
		stays := b.listen(1, id, &work)[0]
		bored := errors.New("bored")
		if err := b.Watch(t.Context(), id, b.Get, func([]*syncv1.SyncEvent) error { return bored }); !errors.Is(err, bored) {
			t.Errorf("got %v", err)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		err := b.Watch(gone, id, b.Get, func([]*syncv1.SyncEvent) error { return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		must(t, b.move(b.get(id), 1, failed, "sync.failed"))
		work.Wait()
		if stays.err != nil || !slices.Equal(stays.got, []string{"sync.started", "sync.failed"}) {
			t.Errorf("the one who stayed heard %v, %v", stays.got, stays.err)
		}
		other := state.NewSyncID(b.now(), 36)
		for range 2 {
			if err := b.Watch(t.Context(), other, b.Get, nil); !errs.HasCode(err, errs.SyncNotFound) {
				t.Errorf("one that is not there: %v", err)
			}
		}
	})
}
