package lock_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/lock"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

const (
	key   = "fgd:{1}:fabric:1:lock"
	long  = time.Minute             // a lease that does not end within a test
	short = 1500 * time.Millisecond // a lease that shall end
)

func acquire(t *testing.T, locker *lock.Locker) *lock.Lease {
	t.Helper()
	lease, err := locker.Acquire(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func release(t *testing.T, lease *lock.Lease) {
	t.Helper()
	if err := lease.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestOneHolderAtATime is the law of the lock: whatever holders there are, no two hold it at once, and their numbers
// grow in the order in which they hold it.
func TestOneHolderAtATime(t *testing.T) {
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		last := int64(0)
		rapid.Check(t, func(rt *rapid.T) {
			holders := rapid.IntRange(1, 5).Draw(rt, "holders")
			turns := rapid.IntRange(1, 3).Draw(rt, "turns")
			fences := contend(t, conn, holders, turns)
			if len(fences) != holders*turns || fences[0] <= last || !slices.IsSorted(fences) || len(slices.Compact(slices.Clone(fences))) != len(fences) {
				rt.Fatalf("after %d came %v", last, fences)
			}
			last = fences[len(fences)-1]
		})
	})
}

func contend(t *testing.T, conn *redisconn.Conn, holders, turns int) []int64 {
	var (
		inside atomic.Int32
		fences []int64 // guarded by the lock under test: the race detector watches
		work   sync.WaitGroup
	)
	for range holders {
		work.Go(func() {
			locker := lock.New(conn, long)
			for range turns {
				lease, err := locker.Acquire(t.Context(), key)
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two hold the lock at once")
				}
				fences = append(fences, lease.Fence())
				inside.Add(-1)
				release(t, lease)
			}
		})
	}
	work.Wait()
	return fences
}

func TestALeaseIsKeptAsLongAsItIsHeld(t *testing.T) {
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		holder := acquire(t, lock.New(conn, short))
		patience, cancel := context.WithTimeout(t.Context(), 2*short)
		defer cancel()
		if _, err := lock.New(conn, short).Acquire(patience, key); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("another one got it, or for another reason did not: %v", err)
		}
		if err := holder.Context().Err(); err != nil {
			t.Errorf("the lease was lost: %v", context.Cause(holder.Context()))
		}
		release(t, holder)
		if holder.Context().Err() == nil {
			t.Error("the work may go on after the lock was given back")
		}
		release(t, acquire(t, lock.New(conn, short)))
	})
}

// TestAHolderThatIsCutOffStopsFirst: its work ends before its lease does.
func TestAHolderThatIsCutOffStopsFirst(t *testing.T) {
	server := redistest.Start(t)
	cut := server.Conn(t)
	first := acquire(t, lock.New(cut, short))
	if err := cut.Close(); err != nil {
		t.Fatal(err)
	}
	second := acquire(t, lock.New(server.Conn(t), short))
	if first.Context().Err() == nil {
		t.Error("both may work")
	}
	if cause := context.Cause(first.Context()); !errs.HasCode(cause, errs.LockLost) {
		t.Errorf("the cause is %v", cause)
	}
	if second.Fence() <= first.Fence() {
		t.Errorf("fence %d came after %d", second.Fence(), first.Fence())
	}
	if err := first.Release(t.Context()); err == nil {
		t.Error("released without a connection")
	}
	release(t, second)
}

func TestALockThatWentToAnotherIsLeftAlone(t *testing.T) {
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		first := acquire(t, lock.New(conn, short))
		// The lease ends, as it does while its holder is stopped, and somebody else takes the lock.
		if err := conn.Main.Del(t.Context(), key).Err(); err != nil {
			t.Fatal(err)
		}
		second := acquire(t, lock.New(conn, long))
		<-first.Context().Done()
		if cause := context.Cause(first.Context()); !errs.HasCode(cause, errs.LockLost) {
			t.Errorf("the cause is %v", cause)
		}
		release(t, first)
		patience, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := lock.New(conn, short).Acquire(patience, key); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a late release opened the lock of another: %v", err)
		}
		release(t, second)
	})
}

// TestALostReplyLocksNobodyOut: the lock is granted, nobody is told, and the one who asks again is the holder.
func TestALostReplyLocksNobodyOut(t *testing.T) {
	server := redistest.Start(t)
	lossy := server.Lossy(t)
	lossy.LoseReplyTo("pexpire") // part of the script's text
	lease := acquire(t, lock.New(lossy.Conn(t), short))
	if lossy.Lost() != 1 || lease.Fence() != 1 {
		t.Errorf("%d replies lost, fence %d", lossy.Lost(), lease.Fence())
	}
	lossy.LoseReplyTo("del")
	release(t, lease)
	release(t, acquire(t, lock.New(server.Conn(t), long)))
}

func TestNumbersGrowOverACrashOfRedis(t *testing.T) {
	server := redistest.Start(t)
	conn := server.Conn(t)
	first := acquire(t, lock.New(conn, long))
	server.Kill(t)
	server.Restart(t)
	release(t, first)
	second := acquire(t, lock.New(conn, long))
	if second.Fence() <= first.Fence() {
		t.Errorf("fence %d came after %d", second.Fence(), first.Fence())
	}
	release(t, second)
}

func TestWaitingEnds(t *testing.T) {
	server := redistest.Start(t)
	conn := server.Conn(t)
	holder := acquire(t, lock.New(conn, long))
	reason := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	if _, err := lock.New(conn, long).Acquire(ctx, key); !errors.Is(err, reason) {
		t.Errorf("got %v", err)
	}
	release(t, holder)
	server.Kill(t)
	if _, err := lock.New(conn, long).Acquire(t.Context(), key); !errs.HasCode(err, errs.RedisConnectionFailed) {
		t.Errorf("without Redis: %v", err)
	}
}
