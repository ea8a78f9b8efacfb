package state

import (
	"context"
	"sync"
	"time"

	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const (
	// mostListeners bounds who listens at one time, and mostFeeds to how many syncs: each takes a connection to Redis.
	mostListeners = 10_000
	mostFeeds     = 400
	// listenLater is when to ask again after a refusal.
	listenLater = 10 * time.Second
)

// feeds are the syncs that somebody listens to. However many listen to one, it is read once.
type feeds struct {
	most      int // who listen
	mu        sync.Mutex
	open      map[string]*feed
	listeners int
}

func newFeeds() *feeds { return &feeds{most: mostListeners, open: map[string]*feed{}} }

// feed is what a sync has told so far, as long as somebody listens.
type feed struct {
	syncID    string
	listeners int // guarded by the feeds
	end       context.CancelFunc

	mu   sync.Mutex
	told [][]*syncv1.SyncEvent
	over bool
	err  error
	news chan struct{} // closed when there is more
}

// join returns the feed of a sync. The first who listens has it followed, until the last one has left.
func (f *feeds) join(ctx context.Context, syncID string, follow func(context.Context, *feed)) (*feed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.open[syncID]
	if f.listeners >= f.most || (one == nil && len(f.open) >= mostFeeds) {
		return nil, errs.New(errs.TooManyListeners, "Too many listen to the progress of syncs.").WithRetryAfter(listenLater)
	}
	if one == nil {
		followed, end := context.WithCancel(context.WithoutCancel(ctx))
		one = &feed{syncID: syncID, end: end, news: make(chan struct{})}
		f.open[syncID] = one
		go follow(followed, one)
	}
	f.listeners++
	one.listeners++
	return one, nil
}

func (f *feeds) leave(one *feed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listeners--
	if one.listeners--; one.listeners > 0 {
		return
	}
	one.end()
	f.forget(one)
}

// failed lets who comes next begin anew. Those who listen hear of the error.
func (f *feeds) failed(one *feed, err error) {
	f.mu.Lock()
	f.forget(one)
	f.mu.Unlock()
	one.close(err)
}

func (f *feeds) forget(one *feed) {
	if f.open[one.syncID] == one {
		delete(f.open, one.syncID)
	}
}

func (f *feed) tell(events []*syncv1.SyncEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, events)
	close(f.news)
	f.news = make(chan struct{})
}

func (f *feed) close(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over, f.err = true, err
	close(f.news)
	f.news = make(chan struct{})
}

// after returns what was told after so many parts, whether that is all there will be, and what closes when there is
// more.
func (f *feed) after(n int) (told [][]*syncv1.SyncEvent, over bool, news <-chan struct{}, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told[n:], f.over, f.news, f.err
}

// pass hands everything to a listener, from the first part on, until all is told or ctx ends. A listener that is slow
// holds nobody up, and loses nothing.
func (f *feed) pass(ctx context.Context, call func([]*syncv1.SyncEvent) error) error {
	for n := 0; ; {
		told, over, news, err := f.after(n)
		for _, events := range told {
			if err := call(events); err != nil {
				return err
			}
		}
		n += len(told)
		if over {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-news:
		}
	}
}
