// Package fabricwatch tells whoever watches fabrics how they are, when something has happened to them. However many
// watch, a bridge hears of it once, and looks once for all of them. Nothing is read while nothing happens.
package fabricwatch

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/fabricview"
)

const (
	// pace is the shortest time between two looks: what happens meanwhile is seen by the next one.
	pace = 300 * time.Millisecond
	// lookTimeout bounds a look, and most how many fabrics are looked at in one.
	lookTimeout = 5 * time.Second
	most        = 100
	// mostWatchers bounds who watches at one time.
	mostWatchers = 10_000
	watchLater   = 10 * time.Second
)

// Watch has those who watch.
type Watch struct {
	redis *redisconn.Conn
	view  *fabricview.View
	log   *slog.Logger

	mu       sync.Mutex
	watchers map[*watcher]struct{}
	hearing  *hearing // nil while nobody watches
}

// hearing is what is heard for all who watch, from when the first one comes until the last one goes.
type hearing struct {
	end     context.CancelFunc
	begun   chan struct{}  // closed when nothing is missed any more
	waiting map[int32]bool // fabrics to which something has happened since they were looked at; guarded by the watch
	woken   chan struct{}
}

// watcher is one who watches some fabrics.
type watcher struct {
	ids  map[int32]bool
	wake chan struct{}

	mu   sync.Mutex
	news map[int32]*bridgev1.Fabric // what it has not been told yet
}

// New returns a watch on what a Redis tells.
func New(conn *redisconn.Conn, view *fabricview.View, log *slog.Logger) *Watch {
	return &Watch{redis: conn, view: view, log: log, watchers: map[*watcher]struct{}{}}
}

// Follow calls begin when it is known how fabrics are, tells it, then how each is when something has happened to it,
// until ctx ends or one of them fails. RESOURCE_EXHAUSTED (FGD_5012) when too many watch.
func (w *Watch) Follow(ctx context.Context, ids []int32, begin func() error, tell func(*bridgev1.Fabric) error) error {
	one := &watcher{ids: map[int32]bool{}, wake: make(chan struct{}, 1), news: map[int32]*bridgev1.Fabric{}}
	for _, id := range ids {
		one.ids[id] = true
	}
	now, err := w.join(one)
	if err != nil {
		return err
	}
	defer w.leave(one)
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-now.begun:
	}
	found, err := w.view.Some(ctx, ids)
	if err != nil {
		return err
	}
	if err := begin(); err != nil {
		return err
	}
	for _, fabric := range found {
		if err := tell(fabric); err != nil {
			return err
		}
	}
	return one.follow(ctx, tell)
}

// follow tells what is new until ctx ends or that fails.
func (o *watcher) follow(ctx context.Context, tell func(*bridgev1.Fabric) error) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-o.wake:
		}
		for _, fabric := range o.take() {
			if err := tell(fabric); err != nil {
				return err
			}
		}
	}
}

func (w *Watch) join(one *watcher) (*hearing, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.watchers) >= mostWatchers {
		return nil, errs.New(errs.TooManyListeners, "Too many watch fabrics.").WithRetryAfter(watchLater)
	}
	w.watchers[one] = struct{}{}
	if w.hearing != nil {
		return w.hearing, nil
	}
	ctx, end := context.WithCancel(context.Background()) // it belongs to no call: it is for all who come meanwhile
	w.hearing = &hearing{
		end: end, begun: make(chan struct{}), waiting: map[int32]bool{}, woken: make(chan struct{}, 1),
	}
	go w.hear(ctx, w.hearing)
	go w.lookAround(ctx, w.hearing)
	return w.hearing, nil
}

func (w *Watch) leave(one *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.watchers, one)
	if len(w.watchers) == 0 {
		w.hearing.end()
		w.hearing = nil
	}
}

// hear listens to the bell until ctx ends. What has happened while it was not connected is not known: then all that is
// watched is looked at. Where Redis can't be reached, those who watch are told so by their first look.
func (w *Watch) hear(ctx context.Context, h *hearing) {
	bell := w.redis.Watching.Subscribe(ctx)
	defer func() { _ = bell.Close() }()
	err := bell.Subscribe(ctx, events.Bell) // it goes on trying
	if err != nil {
		w.log.DebugContext(ctx, "what happens to fabrics can't be heard yet", "error", redisconn.Error(err).Error())
		close(h.begun)
	}
	rings := bell.ChannelWithSubscriptions()
	for missed := err != nil; ; {
		select {
		case <-ctx.Done():
			return
		case ring := <-rings:
			missed = w.heard(h, ring, missed)
		}
	}
}

// heard takes what a bell says, and returns whether something is missed when the next connection is made: all but the
// first come after one that was lost.
func (w *Watch) heard(h *hearing, ring any, missed bool) bool {
	switch ring := ring.(type) {
	case *redis.Subscription:
		if missed {
			w.happenedToAll(h)
		} else {
			close(h.begun)
		}
		return true
	case *redis.Message:
		if id, err := strconv.ParseInt(ring.Payload, 10, 32); err == nil {
			w.happened(h, int32(id))
		}
	}
	return missed
}

// happened notes that something has happened to a fabric, if somebody watches it.
func (w *Watch) happened(h *hearing, id int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.watchers {
		if one.ids[id] {
			h.waiting[id] = true
			wake(h.woken)
			return
		}
	}
}

// happenedToAll notes that something may have happened to each fabric that somebody watches.
func (w *Watch) happenedToAll(h *hearing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.watchers {
		for id := range one.ids {
			h.waiting[id] = true
		}
	}
	wake(h.woken)
}

// lookAround looks at fabrics to which something has happened, at its pace, until ctx ends.
func (w *Watch) lookAround(ctx context.Context, h *hearing) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.woken:
		}
		for ids := range slices.Chunk(w.takeWaiting(h), most) {
			w.look(ctx, h, ids)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look looks at some fabrics at once, and has told how they are; those that are gone are not. What could not be seen is
// looked at again.
func (w *Watch) look(ctx context.Context, h *hearing, ids []int32) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	found, err := w.view.Some(ctx, ids)
	if err != nil {
		for _, id := range ids {
			w.happened(h, id)
		}
		return
	}
	for _, fabric := range found {
		w.spread(fabric)
	}
}

func (w *Watch) takeWaiting(h *hearing) []int32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := slices.Collect(maps.Keys(h.waiting))
	clear(h.waiting)
	return ids
}

// spread has all who watch a fabric told how it is. Who is slow holds nobody up, and is told the last alone.
func (w *Watch) spread(fabric *bridgev1.Fabric) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.watchers {
		if one.ids[fabric.GetFabricId()] {
			one.put(fabric)
		}
	}
}

func (o *watcher) put(fabric *bridgev1.Fabric) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.news[fabric.GetFabricId()] = fabric
	wake(o.wake)
}

func (o *watcher) take() map[int32]*bridgev1.Fabric {
	o.mu.Lock()
	defer o.mu.Unlock()
	news := o.news
	o.news = map[int32]*bridgev1.Fabric{}
	return news
}

// wake wakes who waits at a channel that holds one.
func wake(channel chan struct{}) {
	select {
	case channel <- struct{}{}:
	default:
	}
}
