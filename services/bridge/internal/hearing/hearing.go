// Package hearing hears of what happens in a NetBox to the records of linked fabrics, and keeps each change once. There
// are four levels, of which each finds what the ones after it miss: a full compare, NetBox's change log, the feed of
// the plugin netbox-fgd-sync, and webhooks, which only make the others look earlier.
package hearing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// Change is what somebody did to a record.
type Change = hnp.Change

// Deps are what hearing about a NetBox works with.
type Deps struct {
	// URL is the address of NetBox, which what is kept in Redis goes by.
	URL    string
	Client *hnp.Client
	// Fabrics returns which fabric of ours shows in which record of a fabric in this NetBox.
	Fabrics func(ctx context.Context) (map[int64]int32, error)
	// Echo says how it is known that a change is what we wrote ourselves. Such a change is not kept. SameContent does not
	// count where somebody else has changed the record since we wrote it: that the content is ours again has to be heard.
	// Nothing is heard while it waits.
	Echo func(ctx context.Context, fabricID int32, c Change) (Echo, error)
	// Heard is told of changes after they are kept, in their order. It may be told twice. It may take its time: what is
	// told of one fabric holds up no other, and nothing that is heard.
	Heard func(ctx context.Context, fabricID int32, changes []Change) error
	// Compare has everything compared with NetBox. It is called at the start, when nothing may be known of a time, and
	// every 15 minutes. Nothing is heard while it waits: a fabric that can't be compared now is compared later.
	Compare func(ctx context.Context) error
	Redis   *redisconn.Conn
	Now     func() time.Time
	Log     *slog.Logger
	Metrics *Metrics
}

const (
	// pollPeriod is how often the change log is read.
	pollPeriod = 30 * time.Second
	// feedWait is how long the feed is asked to wait for a change, and feedRows how many are read at once.
	feedWait = 25 * time.Second
	feedRows = 500
	// logRows is how many entries of the change log are read at once: each has a record twice.
	logRows = 100
	// comparePeriod is how often everything is compared, and a source looked for that was missing.
	comparePeriod = 15 * time.Minute
	// failedPause is the first rest after something has failed; it doubles up to pollPeriod.
	failedPause = time.Second
	// wakePause is the least time between two looks that a webhook asks for, and wakeCompare that between two compares
	// which it asks for where nothing else hears.
	wakePause   = time.Second
	wakeCompare = time.Minute
)

// Errors of who may not listen any more, and of who has to look again.
var (
	// ErrFenced says that another bridge listens to this NetBox now.
	ErrFenced = errors.New("another bridge listens to this NetBox")
	errMoved  = errors.New("the place in what is told has changed meanwhile")
)

// Hearing hears about one NetBox.
type Hearing struct {
	deps    Deps
	netbox  string // what NetBox is called in Redis
	wake    chan struct{}
	tellers tellers

	// What follows is Run's alone.
	fence    int64
	compared time.Time         // when everything was compared, as was begun
	begun    map[int32]bool    // fabrics of which what was kept before is remembered and told
	theirs   map[recordOf]bool // records that somebody else has changed last, as was heard
	marked   time.Time         // when the change log was marked beside the feed
	// candidate is until when the feed has told all, if it has nothing more when it is asked again.
	candidate moment
	woken     bool
	again     time.Duration // before a source is looked for that is missing
	step      func(name string) error

	mu     sync.Mutex
	status Status
}

// New returns what hears about a NetBox while Run runs.
func New(deps Deps) *Hearing {
	sum := sha256.Sum256([]byte(deps.URL))
	return &Hearing{
		deps: deps, netbox: hex.EncodeToString(sum[:8]), wake: make(chan struct{}, 1),
		again: comparePeriod, step: func(string) error { return nil },
		tellers: newTellers(deps.Now), theirs: map[recordOf]bool{}, begun: map[int32]bool{},
		status: Status{Feed: Source{State: Unknown}, Log: Source{State: Unknown}},
	}
}

// Wake has it looked at once, without waiting for the result.
func (h *Hearing) Wake() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Run hears until ctx ends, and returns nil then. The fencing number is that of the lock on this NetBox: the error is
// ErrFenced when somebody with a larger one hears.
func (h *Hearing) Run(ctx context.Context, fence int64) error {
	h.begin(fence)
	var listening sync.WaitGroup
	ctx, end := context.WithCancel(ctx)
	defer func() {
		end()
		listening.Wait()
		h.tellers.work.Wait()
	}()
	listening.Go(func() { h.listen(ctx) })
	listening.Go(func() { h.tellLater(ctx) })
	pause := failedPause
	for ctx.Err() == nil {
		rest, err := h.turn(ctx, feedWait)
		switch {
		case errors.Is(err, ErrFenced):
			return err
		case err != nil && ctx.Err() == nil:
			h.deps.Log.WarnContext(ctx, "hearing about NetBox failed", "netbox", h.deps.URL, "error", err.Error())
			rest, pause = pause, min(2*pause, pollPeriod)
		case err == nil:
			pause = failedPause
		}
		h.rest(ctx, rest)
	}
	return nil
}

// begin forgets what may have changed while others were hearing.
func (h *Hearing) begin(fence int64) {
	h.fence, h.compared, h.marked, h.candidate = fence, time.Time{}, time.Time{}, moment{}
	clear(h.begun)
	h.tellers.forget()
}

// rest waits for a time, or until a webhook comes.
func (h *Hearing) rest(ctx context.Context, rest time.Duration) {
	if rest <= 0 {
		return
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	least := time.NewTimer(min(rest, wakePause))
	defer least.Stop()
	select {
	case <-ctx.Done():
		return
	case <-least.C:
	}
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-h.wake:
		h.woken = true
	}
}

// turn looks once: at everything when that is due, and at the best source that there is. It returns for how long to
// rest.
func (h *Hearing) turn(ctx context.Context, wait time.Duration) (rest time.Duration, err error) {
	fabrics, err := h.fabrics(ctx)
	if err != nil {
		return 0, err
	}
	places, err := h.load(ctx, fabrics.shards())
	if err != nil {
		return 0, err
	}
	if err := h.beginFabrics(ctx, fabrics.ours()); err != nil {
		return 0, err
	}
	if len(places) == 0 {
		return pollPeriod, nil
	}
	r := &round{Hearing: h, places: places, wait: wait}
	fresh := !slices.ContainsFunc(places, func(p *place) bool { return p.version > 0 })
	due, last := h.compareIsDue(), h.compared
	var failed error // which is no reason not to hear
	if due && !fresh {
		r.wait = 0
		failed = h.compare(ctx, "due")
	}
	rest, err = r.hear(ctx) // which compares where it begins
	if due && fresh && h.compared.Equal(last) && err == nil {
		err = h.compare(ctx, "due")
	}
	h.tellSome(ctx, sorted(r.kept))
	return rest, errors.Join(failed, err)
}

func (h *Hearing) compareIsDue() bool {
	now, last := h.deps.Now(), h.compared
	woken := h.woken
	h.woken = false
	if woken && !h.hears() && now.Sub(last) >= wakeCompare {
		return true
	}
	return last.IsZero() || now.Sub(last) >= comparePeriod
}

// compare compares everything. What is heard afterwards is what happens after its beginning.
func (h *Hearing) compare(ctx context.Context, why string) error {
	began := h.deps.Now()
	if err := h.step("compare"); err != nil {
		return err
	}
	err := h.deps.Compare(ctx)
	h.deps.Metrics.compared(why, err)
	if err != nil {
		return fmt.Errorf("compare with NetBox: %w", err)
	}
	h.compared = began
	h.note(func(s *Status) { s.Compared = began })
	return nil
}
