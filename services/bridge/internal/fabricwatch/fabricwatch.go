// Package fabricwatch tells whoever watches fabrics how they are, when something has happened to them. However many
// watch, the events are read once, and a fabric is looked at once for all of them.
// Nothing is read while nobody watches.
package fabricwatch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	"fgdsync.dev/services/bridge/internal/fabricview"
)

const (
	// pace is the shortest time between two looks: what happens meanwhile is seen by the next one.
	pace = 300 * time.Millisecond
	// block is how long a read waits for events, and batch how many it takes.
	block = time.Second
	batch = 500
	// lookTimeout bounds a look at one fabric.
	lookTimeout = 5 * time.Second
	// retryPause is after how long what could not be read is read again.
	retryPause = time.Second
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
	reading  *reading // nil while nobody watches
}

// reading is what is read for all who watch, from when the first one comes until the last one goes.
type reading struct {
	end     context.CancelFunc
	begun   sync.WaitGroup // until it is known of each stream where it begins
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

// New returns a watch on the events of a Redis.
func New(conn *redisconn.Conn, view *fabricview.View, log *slog.Logger) *Watch {
	return &Watch{redis: conn, view: view, log: log, watchers: map[*watcher]struct{}{}}
}

// Follow tells how fabrics are, then how each is when something has happened to it, until ctx ends or tell fails.
// RESOURCE_EXHAUSTED (FGD_5012) when too many watch.
func (w *Watch) Follow(ctx context.Context, ids []int32, tell func(*bridgev1.Fabric) error) error {
	one := &watcher{ids: map[int32]bool{}, wake: make(chan struct{}, 1), news: map[int32]*bridgev1.Fabric{}}
	for _, id := range ids {
		one.ids[id] = true
	}
	now, err := w.join(one)
	if err != nil {
		return err
	}
	defer w.leave(one)
	now.begun.Wait() // nothing is missed from here on
	found, err := w.view.Some(ctx, ids)
	if err != nil {
		return err
	}
	for _, fabric := range found {
		if err := tell(fabric); err != nil {
			return err
		}
	}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-one.wake:
		}
		for _, fabric := range one.take() {
			if err := tell(fabric); err != nil {
				return err
			}
		}
	}
}

func (w *Watch) join(one *watcher) (*reading, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.watchers) >= mostWatchers {
		return nil, errs.New(errs.TooManyListeners, "Too many watch fabrics.").WithRetryAfter(watchLater)
	}
	w.watchers[one] = struct{}{}
	if w.reading != nil {
		return w.reading, nil
	}
	ctx, end := context.WithCancel(context.Background()) // it belongs to no call: it is for all who come meanwhile
	w.reading = &reading{end: end, waiting: map[int32]bool{}, woken: make(chan struct{}, 1)}
	for shard := range events.Shards {
		w.reading.begun.Add(1)
		go w.read(ctx, w.reading, events.BusStream(shard))
	}
	go w.lookAround(ctx, w.reading)
	return w.reading, nil
}

func (w *Watch) leave(one *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.watchers, one)
	if len(w.watchers) == 0 {
		w.reading.end()
		w.reading = nil
	}
}

// read reads the events of a stream until ctx ends.
func (w *Watch) read(ctx context.Context, r *reading, stream string) {
	last, err := w.newest(ctx, stream)
	r.begun.Done()
	for ; ctx.Err() == nil; last, err = w.readAfter(ctx, r, stream, last) {
		if err == nil {
			continue
		}
		w.log.DebugContext(ctx, "events can't be read for those who watch fabrics", "stream", stream, "error", err.Error())
		select {
		case <-ctx.Done():
		case <-time.After(retryPause):
		}
	}
}

// newest returns the id of the last event there is; where it can't be read, an id before all.
func (w *Watch) newest(ctx context.Context, stream string) (string, error) {
	entries, err := w.redis.Main.XRevRangeN(ctx, stream, "+", "-", 1).Result()
	if err != nil || len(entries) == 0 {
		return "0", err
	}
	return entries[0].ID, nil
}

// readAfter notes what has happened after an event, and returns the id of the last event it has read.
func (w *Watch) readAfter(ctx context.Context, r *reading, stream, last string) (string, error) {
	found, err := w.redis.Watching.XRead(ctx, &redis.XReadArgs{
		Streams: []string{stream, last}, Count: batch, Block: block,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return last, nil
	}
	if err != nil {
		return last, err
	}
	for _, entry := range found[0].Messages {
		last = entry.ID
		text, _ := entry.Values[events.Field].(string)
		event := &eventv1.Event{}
		if err := proto.Unmarshal([]byte(text), event); err == nil { // others say what can't be decoded
			w.happened(r, event.GetFabricId())
		}
	}
	return last, nil
}

// happened notes that something has happened to a fabric that somebody watches.
func (w *Watch) happened(r *reading, id int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.watchers {
		if one.ids[id] {
			r.waiting[id] = true
			wake(r.woken)
			return
		}
	}
}

// look looks at a fabric. What hangs holds nobody else's rows up for long.
func (w *Watch) look(ctx context.Context, id int32) (*bridgev1.Fabric, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return w.view.One(ctx, id)
}

// lookAround looks at fabrics to which something has happened, at its pace, until ctx ends.
func (w *Watch) lookAround(ctx context.Context, r *reading) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.woken:
		}
		for _, id := range w.takeWaiting(r) {
			fabric, err := w.look(ctx, id)
			switch {
			case err == nil:
				w.spread(fabric)
			case errs.KindOf(err) != errs.NotFound && ctx.Err() == nil:
				w.happened(r, id) // it is looked at again
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (w *Watch) takeWaiting(r *reading) []int32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []int32
	for id := range r.waiting {
		ids = append(ids, id)
	}
	clear(r.waiting)
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
