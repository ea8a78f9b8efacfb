package periodic_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/orchestrator/internal/periodic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestATaskIsDoneEachPeriod: at once or not, also after it has failed, and not any more when its context has ended.
func TestATaskIsDoneEachPeriod(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		atOnce bool
		first  time.Duration
	}{"at once": {true, 0}, "after a period": {false, time.Minute}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { eachPeriod(t, c.atOnce, c.first) })
		})
	}
}

func eachPeriod(t *testing.T, atOnce bool, first time.Duration) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	began := time.Now()
	var log bytes.Buffer
	var at []time.Duration
	done := make(chan error, 1)
	go func() {
		done <- periodic.Run(ctx, slog.New(slog.NewTextHandler(&log, nil)), periodic.Task{
			Name: "look", Period: time.Minute, AtOnce: atOnce, RunOnce: func(context.Context) error {
				at = append(at, time.Since(began))
				return errors.New("away")
			},
		})
	}()
	time.Sleep(3*time.Minute + time.Second)
	end()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	for i, got := range at {
		if want := first + time.Duration(i)*time.Minute; got != want {
			t.Errorf("turn %d was after %s, not %s", i, got, want)
		}
	}
	if want := 4 - int(first/time.Minute); len(at) != want {
		t.Errorf("done %d times, not %d", len(at), want)
	}
	if n := strings.Count(log.String(), "task=look error=away"); n != 1 {
		t.Errorf("%d failures in the log: %s", n, log.String())
	}
}

// TestATroubleIsSaidOnce: when it begins, when it becomes another, and when it is over.
func TestATroubleIsSaidOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away, full := errs.New(errs.RedisConnectionFailed, "away"), errs.New(errs.DatabaseError, "full")
		outcomes := []error{nil, away, away, away, full, full, nil, nil, away}
		ctx, end := context.WithCancel(t.Context())
		var log bytes.Buffer
		err := periodic.Run(ctx, slog.New(slog.NewTextHandler(&log, nil)), periodic.Task{
			Name: "look", Period: time.Minute, AtOnce: true, RunOnce: func(context.Context) error {
				if len(outcomes) == 0 {
					end()
					return nil
				}
				next := outcomes[0]
				outcomes = outcomes[1:]
				return next
			},
		})
		text := log.String()
		if !errors.Is(err, context.Canceled) || strings.Count(text, "\n") != 4 || strings.Count(text, "away") != 2 ||
			strings.Count(text, "full") != 1 || strings.Count(text, "works again") != 1 {
			t.Errorf("%v, and the log says\n%s", err, text)
		}
	})
}
