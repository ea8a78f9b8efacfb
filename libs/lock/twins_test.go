package lock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"fgdsync.dev/libs/lock"
	"fgdsync.dev/testkit/history"
	"fgdsync.dev/testkit/redistest"
)

// What the guards of the scripts are for: each of these does what a test does that holds, without the guard, and finds
// the harm.

// TestWithoutOwnersALostReplyLocksOut is TestALostReplyLocksNobodyOut without the guard.
func TestWithoutOwnersALostReplyLocksOut(t *testing.T) {
	t.Parallel()
	lossy := redistest.Start(t).Lossy(t)
	lossy.LoseReplyTo("pexpire")
	patience, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	locker := lock.WithoutGuardOfAcquire(t, lock.New(lossy.Conn(t), long, never),
		"if holder == ARGV[1] then", "if false then")
	if _, err := locker.Acquire(patience, key); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestWithoutTheClockNumbersComeAgain is TestNumbersGrowOverALossOfRedis without the guard.
func TestWithoutTheClockNumbersComeAgain(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	locker := func() *lock.Locker {
		return lock.WithoutGuardOfAcquire(t, lock.New(conn, long, never), "math.max(last + 1, clock)", "last + 1")
	}
	first := acquire(t, locker())
	if err := conn.Main.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	second := acquire(t, locker())
	if second.Fence() > first.Fence() {
		t.Errorf("fence %d came after %d", second.Fence(), first.Fence())
	}
	release(t, first)
	release(t, second)
}

// TestWithoutOwnersALateReleaseOpensTheLock is TestALockThatWentToAnotherIsLeftAlone without the guard.
func TestWithoutOwnersALateReleaseOpensTheLock(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	first := acquire(t, lock.WithoutGuardOfRelease(t, lock.New(conn, long, never),
		"if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end"))
	if err := conn.Main.Del(t.Context(), key).Err(); err != nil {
		t.Fatal(err)
	}
	second := acquire(t, lock.New(conn, long, never))
	release(t, first)
	third := acquire(t, lock.New(conn, long, never)) // while the second one holds it
	release(t, third)
	release(t, second)
}

// TestWithoutAHolderHistoriesContradict is TestHistoriesOfTheLock without the guard.
func TestWithoutAHolderHistoriesContradict(t *testing.T) {
	t.Parallel()
	weaken := func(l *lock.Locker) *lock.Locker {
		return lock.WithoutGuardOfAcquire(t, l, "if holder or (first and first ~= ARGV[1]) then", "if false then")
	}
	if record := contention(t, weaken); !history.Contradicted(record, held{}, lockStep) {
		t.Errorf("there is an order that explains\n%s", record)
	}
}
