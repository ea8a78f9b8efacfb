package hearing

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/redisconn"
)

// tellers tell of what was kept, of each fabric by itself: whoever is told of one may take long or fail, and nobody
// hears less of the others meanwhile.
type tellers struct {
	now  func() time.Time
	work sync.WaitGroup

	mu   sync.Mutex
	busy map[int32]bool // fabrics that are told of now; true where more was kept since
	late map[int32]late // fabrics of which telling has failed
}

// late is when a fabric is told of again, and after which pause.
type late struct {
	at    time.Time
	pause time.Duration
}

func newTellers(now func() time.Time) tellers {
	return tellers{now: now, busy: map[int32]bool{}, late: map[int32]late{}}
}

// begin has a fabric told of, by a goroutine of its own; not before its pause is over, where that has failed.
func (t *tellers) begin(fabric int32, tell func() error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now().Before(t.late[fabric].at) {
		return
	}
	if _, busy := t.busy[fabric]; busy {
		t.busy[fabric] = true
		return
	}
	t.busy[fabric] = false
	t.work.Go(func() {
		for t.more(fabric, tell()) {
		}
	})
}

// more reports whether there is more to tell of a fabric now. What could not be told is told later.
func (t *tellers) more(fabric int32, err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		delete(t.late, fabric)
	} else {
		pause := min(max(2*t.late[fabric].pause, failedPause), pollPeriod)
		t.late[fabric] = late{t.now().Add(pause), pause}
	}
	more := t.busy[fabric] && err == nil
	if more {
		t.busy[fabric] = false
	} else {
		delete(t.busy, fabric)
	}
	return more
}

// waiting returns the fabrics of which telling has failed, and was not done since.
func (t *tellers) waiting() []int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.late))
}

// forget forgets what has failed: whoever begins tells of everything.
func (t *tellers) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.late)
}

// beginFabrics has everything told that was kept and not told of fabrics that are new here.
func (h *Hearing) beginFabrics(ctx context.Context, fabrics []int32) error {
	for _, fabric := range fabrics {
		if h.begun[fabric] {
			continue
		}
		if err := h.remember(ctx, fabric); err != nil {
			return err
		}
		h.begun[fabric] = true
		h.tellSome(ctx, []int32{fabric})
	}
	return nil
}

// tellSome has told what was kept of some fabrics, and does not wait for it.
func (h *Hearing) tellSome(ctx context.Context, fabrics []int32) {
	for _, fabric := range fabrics {
		h.tellers.begin(fabric, func() error {
			err := h.tell(ctx, fabric)
			if err != nil && ctx.Err() == nil {
				h.deps.Log.WarnContext(ctx, "what was heard is told later", "netbox", h.deps.URL, "fabric_id", fabric,
					"error", err.Error())
			}
			return err
		})
	}
}

// tellLater tells of fabrics again of which that has failed, until ctx ends.
func (h *Hearing) tellLater(ctx context.Context) {
	ticker := time.NewTicker(failedPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			h.tellSome(ctx, h.tellers.waiting())
		}
	}
}

// toldUpTo returns up to which entry of its stream a fabric's changes have been told.
func (h *Hearing) toldUpTo(ctx context.Context, fabric int32) (string, error) {
	after, err := redisconn.Repeat(ctx, func() (string, error) {
		return h.deps.Redis.Main.Get(ctx, toldKey(fabric)).Result()
	})
	if err == redis.Nil { //nolint:errorlint // Repeat gives it as it is
		return "0", nil
	}
	return after, err
}

// tell tells of what was kept of a fabric and not told.
func (h *Hearing) tell(ctx context.Context, fabric int32) error {
	after, err := h.toldUpTo(ctx, fabric)
	for err == nil {
		var changes []Change
		last := ""
		if changes, last, err = Read(ctx, h.deps.Redis, fabric, after, feedRows); err != nil || len(changes) == 0 {
			break
		}
		if err = h.step("tell"); err != nil {
			break
		}
		if err = h.deps.Heard(ctx, fabric, changes); err != nil {
			break
		}
		if err = h.step("told"); err != nil {
			break
		}
		after = last
		err = h.deps.Redis.Main.Set(ctx, toldKey(fabric), after, 0).Err()
	}
	if err != nil {
		return fmt.Errorf("tell what was heard about fabric %d: %w", fabric, err)
	}
	return nil
}

func sorted(fabrics map[int32]bool) []int32 { return slices.Sorted(maps.Keys(fabrics)) }
