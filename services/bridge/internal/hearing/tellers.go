package hearing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/redisconn"
)

// tellers tell of what was kept, of each fabric by itself: whoever is told of one may take long, and nobody hears less
// of the others meanwhile.
type tellers struct {
	work sync.WaitGroup

	mu     sync.Mutex
	busy   map[int32]bool // fabrics that are told of now; true where more was kept since
	failed error
}

// begin has a fabric told of, by a goroutine of its own.
func (t *tellers) begin(fabric int32, tell func() error) {
	t.mu.Lock()
	defer t.mu.Unlock()
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

// more reports whether there is more to tell of a fabric.
func (t *tellers) more(fabric int32, err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = errors.Join(t.failed, err)
	more := t.busy[fabric] && err == nil
	if more {
		t.busy[fabric] = false
	} else {
		delete(t.busy, fabric)
	}
	return more
}

// failure returns what has failed since it was asked last.
func (t *tellers) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.failed
	t.failed = nil
	return err
}

// tellAll has everything told that was kept and not told, of all fabrics.
func (h *Hearing) tellAll(ctx context.Context, fabrics linked) error {
	for _, fabric := range fabrics.ours() {
		if err := h.remember(ctx, fabric); err != nil {
			return err
		}
	}
	h.tellSome(ctx, fabrics.ours())
	return nil
}

// tellSome has told what was kept of some fabrics, and does not wait for it.
func (h *Hearing) tellSome(ctx context.Context, fabrics []int32) {
	for _, fabric := range fabrics {
		h.tellers.begin(fabric, func() error { return h.tell(ctx, fabric) })
	}
}

// untold returns what telling has failed with. What could not be told is told later.
func (h *Hearing) untold() error {
	err := h.tellers.failure()
	if err != nil {
		h.told = false
	}
	return err
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
