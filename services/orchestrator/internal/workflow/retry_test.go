package workflow

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
)

// TestEveryErrorHasItsClass: kinds decide, except for the codes that are named here.
func TestEveryErrorHasItsClass(t *testing.T) {
	t.Parallel()
	byKind := map[errs.Kind]class{
		errs.Internal: classBug, errs.Invalid: classPermanent, errs.NotFound: classPermanent, errs.Exists: classPermanent,
		errs.Precondition: classPermanent, errs.Conflict: classConflict, errs.Limited: classThrottled,
		errs.Unavailable:     classTransient,
		errs.Unauthenticated: classAuth, errs.PermissionDenied: classAuth, errs.Cancelled: classCancelled,
		errs.Deadline: classTransient,
	}
	byCode := map[string]class{
		errs.LockLost.ID: classHandover, errs.SnapshotNotFound.ID: classCache, errs.StorageFailed.ID: classCache,
		errs.ServiceUnavailable.ID: classOutage,
	}
	for kind, want := range byKind {
		for _, code := range []errs.Code{
			errs.LockLost, errs.SnapshotNotFound, errs.StorageFailed, errs.ServiceUnavailable,
			errs.InternalError, errs.SyncFailed, errs.BranchMoved, errs.GitHubRateLimited,
		} {
			want := want
			if special, is := byCode[code.ID]; is {
				want = special
			}
			if got := classify(fmt.Errorf("stage: %w", errs.New(of(code, kind), "x"))); got != want {
				t.Errorf("%s of kind %d is %s, want %s", code.ID, kind, got, want)
			}
		}
	}
	for _, err := range []error{errors.New("unknown"), context.DeadlineExceeded} {
		if got := classify(err); got != classTransient {
			t.Errorf("%v is %s", err, got)
		}
	}
}

// of returns a code with another kind.
func of(code errs.Code, kind errs.Kind) errs.Code {
	code.Kind = kind
	return code
}

// TestTheBudgetIsBounded: whatever errors come, attempts end, pauses are within their bounds, and nobody is asked
// before it said.
func TestTheBudgetIsBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		cfg := Config{
			Attempts:     rapid.IntRange(1, 5).Draw(rt, "attempts"),
			RetryInitial: time.Duration(rapid.IntRange(1, 2000).Draw(rt, "initial")) * time.Millisecond,
		}
		cfg.RetryMax = cfg.RetryInitial + time.Duration(rapid.IntRange(0, 60_000).Draw(rt, "more"))*time.Millisecond
		b := budget{cfg: cfg}
		for attempt := 1; ; attempt++ {
			kind := rapid.SampledFrom([]errs.Kind{errs.Conflict, errs.Unavailable, errs.Limited, errs.Invalid}).Draw(rt, "kind")
			e := errs.New(of(errs.GitHubRateLimited, kind), "x")
			e.RetryAfter = time.Duration(rapid.IntRange(0, 3).Draw(rt, "after")) * time.Minute
			pause, follows := b.another(t.Context(), e)
			if !follows {
				return
			}
			longest := min(cfg.RetryMax, cfg.RetryInitial<<max(b.transient, 1))
			shortest := max(cfg.RetryInitial, longest/2, e.RetryAfter)
			switch {
			case kind == errs.Invalid:
				rt.Fatalf("an attempt follows an error that no attempt can help")
			case kind == errs.Conflict && pause > restartPause*restartAttempts:
				rt.Fatalf("the pause is %s", pause)
			case kind != errs.Conflict && (pause < shortest || pause > max(longest, e.RetryAfter)):
				rt.Fatalf("the pause is %s, of %s at most, and of %s at least", pause, longest, shortest)
			case attempt > cfg.Attempts+restartAttempts:
				rt.Fatalf("%d attempts", attempt)
			}
		}
	})
}

// TestAPauseLongerThanTheTimeLeftIsNotBegun (W11): the sync fails with what stopped it and not with the end of its
// time.
func TestAPauseLongerThanTheTimeLeftIsNotBegun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e := errs.New(errs.GitHubRateLimited, "later")
	for after, want := range map[time.Duration]bool{time.Second: true, time.Hour: false} {
		e.RetryAfter = after
		b := budget{cfg: Config{Attempts: 3, RetryInitial: time.Millisecond, RetryMax: time.Second}}
		if _, follows := b.another(ctx, e); follows != want {
			t.Errorf("after %s: %v", after, follows)
		}
	}
}

// TestAnOutageIsWaitedFor: the time of the sync is the only bound, and who has come back is not kept waiting for long.
func TestAnOutageIsWaitedFor(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b := budget{cfg: Config{Attempts: 1, RetryInitial: time.Second, RetryMax: time.Minute}}
	away := errs.New(errs.ServiceUnavailable, "away")
	for range 1000 {
		if pause, follows := b.another(ctx, away); !follows || pause > outagePause {
			t.Fatalf("%v after %s", follows, pause)
		}
	}
	if _, follows := b.another(ctx, errs.New(errs.GitHubConnectionFailed, "away")); follows {
		t.Error("the outage has left no bound of the others")
	}
	cancel()
	over, end := context.WithTimeout(t.Context(), 0)
	defer end()
	if _, follows := b.another(over, away); follows {
		t.Error("another attempt after the time of the sync")
	}
}
