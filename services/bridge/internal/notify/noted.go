package notify

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
)

//go:embed drop.lua
var dropLua string

var dropScript = redis.NewScript(dropLua)

// What is noted of a target, each in a field that begins with its name. Times are in milliseconds.
const (
	seenAt    = " seen"   // when a bridge had it in its file last
	sentAt    = " sent"   // when it took a notification last
	failedAt  = " failed" // when it was given up last to send it one
	lastError = " error"  // why
)

// goneAfter is for how long no bridge has to have a target until what waits for it is dropped: bridges get a new file
// one after the other.
const goneAfter = 10 * time.Minute

// note notes something of targets: fields and values in turn.
func (s *store) note(ctx context.Context, values ...any) error {
	_, err := redisconn.Repeat(ctx, func() (int64, error) {
		return s.redis.Main.HSet(ctx, events.NotificationTargets(), values...).Result()
	})
	if err != nil {
		return fmt.Errorf("note how a target is: %w", err)
	}
	return nil
}

// noted returns what is noted of all targets.
func (s *store) noted(ctx context.Context) (map[string]string, error) {
	noted, err := redisconn.Repeat(ctx, func() (map[string]string, error) {
		return s.redis.Main.HGetAll(ctx, events.NotificationTargets()).Result()
	})
	if err != nil {
		return nil, fmt.Errorf("read how targets are: %w", err)
	}
	return noted, nil
}

// drop drops what waits for a target that no bridge has had since a time, and returns how much that was. It reports
// whether it did.
func (s *store) drop(ctx context.Context, target string, since time.Time) (waited int64, dropped bool, err error) {
	keys := []string{events.NotificationTargets(), events.NotificationStream(target)}
	reply, err := s.redis.Run(ctx, dropScript, keys, target, since.UnixMilli())
	if err != nil {
		return 0, false, fmt.Errorf("drop what waits for the target %s: %w", target, err)
	}
	waited, _ = reply.(int64)
	return waited, waited >= 0, nil
}

// tend notes which targets this bridge has, and drops what waits for those that none has any more.
func (s *Service) tend(ctx context.Context) error {
	now, mine := s.deps.Now(), map[string]bool{}
	var claims []any
	for _, t := range s.store.targets {
		mine[t.Name] = true
		claims = append(claims, t.Name+seenAt, now.UnixMilli())
	}
	if len(claims) > 0 {
		if err := s.store.note(ctx, claims...); err != nil {
			return err
		}
	}
	noted, err := s.store.noted(ctx)
	if err != nil {
		return err
	}
	for field := range noted {
		if target, seen := strings.CutSuffix(field, seenAt); seen && !mine[target] {
			if err := s.dropGone(ctx, target, now.Add(-goneAfter)); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropGone drops what waits for a target, unless some bridge has had it since a time, and says how much that was.
func (s *Service) dropGone(ctx context.Context, target string, since time.Time) error {
	waited, done, err := s.store.drop(ctx, target, since)
	if err != nil || !done || waited == 0 {
		return err
	}
	s.metrics.notifications.WithLabelValues(target, dropped).Add(float64(waited))
	s.deps.Log.WarnContext(ctx, "notifications are dropped: no bridge has their target any more", "target", target,
		"notifications", waited)
	return nil
}

// Standing is how a target is.
type Standing struct {
	Name, Form  string
	Causes      []string
	Fabrics     []int32
	Waiting     int64     // notifications that wait for it
	DeadLetters int64     // notifications that it did not take
	SentAt      time.Time // when it took one last; zero when it never did
	FailedAt    time.Time // when it was given up last to send it one; zero when it never was
	Error       string    // why
}

// Standings returns how the targets are that this bridge has, in the order of the file.
func (s *Service) Standings(ctx context.Context) ([]Standing, error) {
	if len(s.store.targets) == 0 {
		return nil, nil
	}
	noted, err := s.store.noted(ctx)
	if err != nil {
		return nil, err
	}
	dead, err := s.store.dead(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Standing, len(s.store.targets))
	for i, t := range s.store.targets {
		waiting, err := s.store.waiting(ctx, t.Name)
		if err != nil {
			return nil, err
		}
		all[i] = Standing{
			Name: t.Name, Form: t.Form, Causes: t.Causes, Fabrics: t.Fabrics, Waiting: waiting,
			DeadLetters: dead[events.NotificationStream(t.Name)], SentAt: timeOf(noted[t.Name+sentAt]),
			FailedAt: timeOf(noted[t.Name+failedAt]), Error: noted[t.Name+lastError],
		}
	}
	return all, nil
}

// timeOf returns a time that is noted; the zero one for none.
func timeOf(text string) time.Time {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// deadPage is how many dead letters are read at once.
const deadPage = 1000

// dead returns how many dead letters there are of each stream.
func (s *store) dead(ctx context.Context) (map[string]int64, error) {
	letters, count := events.NewDeadLetters(s.redis, events.NotificationDeadLetters(0)), map[string]int64{}
	for from := events.FromOldest; ; {
		page, err := letters.List(ctx, from, deadPage)
		if err != nil {
			return nil, err
		}
		for _, l := range page {
			count[l.Stream]++
		}
		if len(page) < deadPage {
			return count, nil
		}
		from = "(" + page[len(page)-1].ID
	}
}
