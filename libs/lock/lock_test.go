package lock_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/lock"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

const (
	key   = "fgd:{1}:fabric:1:lock"
	long  = time.Minute             // a lease that does not end within a test
	short = 1500 * time.Millisecond // a lease that shall end
	never = time.Hour               // a cap on the time a lock is held that no test reaches
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
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		last := int64(0)
		rapid.Check(t, func(rt *rapid.T) {
			holders := rapid.IntRange(1, 5).Draw(rt, "holders")
			turns := rapid.IntRange(1, 3).Draw(rt, "turns")
			fences := contend(t, conn, holders, turns)
			if len(fences) != holders*turns || fences[0] <= last || !slices.IsSorted(fences) ||
				len(slices.Compact(slices.Clone(fences))) != len(fences) {
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
			locker := lock.New(conn, long, never)
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
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		holder := acquire(t, lock.New(conn, short, never))
		patience, cancel := context.WithTimeout(t.Context(), 2*short)
		defer cancel()
		if _, err := lock.New(conn, short, never).Acquire(patience, key); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("another one got it, or for another reason did not: %v", err)
		}
		if err := holder.Context().Err(); err != nil {
			t.Errorf("the lease was lost: %v", context.Cause(holder.Context()))
		}
		release(t, holder)
		if holder.Context().Err() == nil {
			t.Error("the work may go on after the lock was given back")
		}
		release(t, acquire(t, lock.New(conn, short, never)))
	})
}

// TestAHolderThatIsCutOffStopsFirst: its work ends before its lease does.
func TestAHolderThatIsCutOffStopsFirst(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	cut := server.Conn(t)
	first := acquire(t, lock.New(cut, short, never))
	if err := cut.Close(); err != nil {
		t.Fatal(err)
	}
	second := acquire(t, lock.New(server.Conn(t), short, never))
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

// TestWhoCouldNotGiveItBackMayHaveItAgain: Redis did not hear of a release. The same process may have the lock at once,
// with a new number; others wait until the lease is over, for they can't know.
func TestWhoCouldNotGiveItBackMayHaveItAgain(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		locker, other := lock.New(conn, long, never), lock.New(conn, long, never)
		first := acquire(t, locker)
		away, cancel := context.WithCancel(t.Context())
		cancel()
		if err := first.Release(away); err == nil {
			t.Fatal("released without Redis")
		}
		patience, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := other.Acquire(patience, key); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("another one got it: %v", err)
		}
		second := acquire(t, locker)
		if second.Fence() <= first.Fence() || first.Context().Err() == nil {
			t.Errorf("fence %d came after %d", second.Fence(), first.Fence())
		}
		release(t, first) // late, and nothing happens
		patience, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := locker.Acquire(patience, key); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a third one got it: %v", err)
		}
		release(t, second)
	})
}

func TestALockThatWentToAnotherIsLeftAlone(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		first := acquire(t, lock.New(conn, short, never))
		// The lease ends, as it does while its holder is stopped, and somebody else takes the lock.
		if err := conn.Main.Del(t.Context(), key).Err(); err != nil {
			t.Fatal(err)
		}
		second := acquire(t, lock.New(conn, long, never))
		<-first.Context().Done()
		if cause := context.Cause(first.Context()); !errs.HasCode(cause, errs.LockLost) {
			t.Errorf("the cause is %v", cause)
		}
		release(t, first)
		patience, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := lock.New(conn, short, never).Acquire(patience, key); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a late release opened the lock of another: %v", err)
		}
		release(t, second)
	})
}

// TestALostReplyLocksNobodyOut: the lock is granted, nobody is told, and the one who asks again is the holder.
func TestALostReplyLocksNobodyOut(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	lossy := server.Lossy(t)
	lossy.LoseReplyTo("pexpire") // part of the script's text
	lease := acquire(t, lock.New(lossy.Conn(t), short, never))
	if stored := server.Conn(t).Main.HGet(t.Context(), key, "fence").Val(); lossy.Lost() != 1 ||
		stored != strconv.FormatInt(lease.Fence(), 10) {
		t.Errorf("%d replies lost, fence %d, and Redis has %s", lossy.Lost(), lease.Fence(), stored)
	}
	lossy.LoseReplyTo("del")
	release(t, lease)
	release(t, acquire(t, lock.New(server.Conn(t), long, never)))
}

func TestNumbersGrowOverACrashOfRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	conn := server.Conn(t)
	first := acquire(t, lock.New(conn, long, never))
	server.Kill(t)
	server.Restart(t)
	release(t, first)
	second := acquire(t, lock.New(conn, long, never))
	if second.Fence() <= first.Fence() {
		t.Errorf("fence %d came after %d", second.Fence(), first.Fence())
	}
	release(t, second)
}

func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	conn := server.Conn(t)
	holder := acquire(t, lock.New(conn, long, never))
	reason := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	if _, err := lock.New(conn, long, never).Acquire(ctx, key); !errors.Is(err, reason) {
		t.Errorf("got %v", err)
	}
	release(t, holder)
	server.Kill(t)
	if _, err := lock.New(conn, long, never).Acquire(t.Context(), key); !errs.HasCode(err, errs.RedisConnectionFailed) {
		t.Errorf("without Redis: %v", err)
	}
}

// TestNumbersGrowOverALossOfRedis (L7): the counter is gone, or is back where it was some time ago.
func TestNumbersGrowOverALossOfRedis(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		first := acquire(t, lock.New(conn, long, never))
		if err := conn.Main.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		second := acquire(t, lock.New(conn, long, never))
		if second.Fence() <= first.Fence() {
			t.Errorf("fence %d came after %d", second.Fence(), first.Fence())
		}
		release(t, first)
		release(t, second)
	})
}

// TestNumbersRiseAboveWhatWasFound: an effect carries a number that the clock of Redis has not come to.
func TestNumbersRiseAboveWhatWasFound(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		lease := acquire(t, lock.New(conn, long, never))
		before := lease.Fence()
		if above, err := lease.RaiseAbove(t.Context(), before-1); err != nil || !above || lease.Fence() != before {
			t.Errorf("raised to %d, %v; it was above already", lease.Fence(), err)
		}
		floor := before + 1_000_000
		for range 2 { // repeating it changes nothing
			if above, err := lease.RaiseAbove(t.Context(), floor); err != nil || !above || lease.Fence() != floor+1 {
				t.Errorf("raised to %d, %v; want %d", lease.Fence(), err, floor+1)
			}
		}
		release(t, lease)
		next := acquire(t, lock.New(conn, long, never))
		if next.Fence() <= floor+1 {
			t.Errorf("fence %d came after %d", next.Fence(), floor+1)
		}
		if _, err := lease.RaiseAbove(t.Context(), floor+2); !errs.HasCode(err, errs.LockLost) {
			t.Errorf("the number of another's lock was raised: %v", err)
		}
		release(t, next)
	})
}

// TestTheLockGoesRound (L11): those who wait get it in the order in which they came, and nobody twice before another
// once.
func TestTheLockGoesRound(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		const waiters = 100
		holder := acquire(t, lock.New(conn, long, never))
		var (
			order []int // guarded by the lock under test
			work  sync.WaitGroup
		)
		for i := range waiters {
			work.Go(func() {
				lease, err := lock.New(conn, long, never).Acquire(t.Context(), key)
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, i)
				release(t, lease)
			})
			queued(t, conn, int64(i+1))
		}
		release(t, holder)
		work.Wait()
		if len(order) != waiters || !slices.IsSorted(order) {
			t.Errorf("got it in the order %v", order)
		}
	})
}

// queued waits until so many wait for the lock.
func queued(t *testing.T, conn *redisconn.Conn, want int64) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for conn.Main.ZCard(t.Context(), key+":arrivals").Val() < want {
		<-ticker.C
	}
}

// TestOneWhoDiedWaitingHoldsNobodyUp: it is at the head of the queue and does not ask again.
func TestOneWhoDiedWaitingHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		holder := acquire(t, lock.New(conn, long, never))
		now := conn.Main.Time(t.Context()).Val()
		if err := errors.Join(
			conn.Main.ZAdd(t.Context(), key+":arrivals", redis.Z{Score: -1, Member: "dead"}).Err(),
			conn.Main.ZAdd(t.Context(), key+":tries", redis.Z{Score: float64(now.UnixMilli()), Member: "dead"}).Err(),
		); err != nil {
			t.Fatal(err)
		}
		release(t, holder)
		release(t, acquire(t, lock.New(conn, long, never)))
	})
}

// TestWhoGivesUpLeavesTheQueue: the next one does not wait until it is taken for dead.
func TestWhoGivesUpLeavesTheQueue(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		holder := acquire(t, lock.New(conn, long, never))
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			_, err := lock.New(conn, long, never).Acquire(ctx, key)
			gone <- err
		}()
		queued(t, conn, 1)
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if left := conn.Main.ZCard(t.Context(), key+":arrivals").Val(); left != 0 {
			t.Errorf("%d still wait", left)
		}
		release(t, holder)
	})
}

// TestNobodyHoldsALockForEver (L10): the work hangs, and the lease is renewed no more.
func TestNobodyHoldsALockForEver(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t) // the one in memory ends no lease by itself
	first := acquire(t, lock.New(conn, short, short))
	second := acquire(t, lock.New(conn, short, never))
	if cause := context.Cause(first.Context()); !errs.HasCode(cause, errs.LockLost) {
		t.Errorf("the cause is %v", cause)
	}
	release(t, second)
	release(t, first)
}

// TestABlipIsOutlived (L4): Redis does not answer for a while, and a renewal fails; the lease is longer than that.
func TestABlipIsOutlived(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	lease := acquire(t, lock.New(conn, 2*short, never))
	pause(t, conn, short)
	held, cancel := context.WithTimeout(lease.Context(), 4*short)
	defer cancel()
	<-held.Done()
	if lease.Context().Err() != nil {
		t.Errorf("the lease was lost: %v", context.Cause(lease.Context()))
	}
	release(t, lease)
}

// TestASilenceEndsTheWork (L5): Redis does not answer for longer than the lease. The work ends before somebody else may
// have the lock.
func TestASilenceEndsTheWork(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	began := time.Now()
	lease := acquire(t, lock.New(conn, short, never))
	pause(t, conn, 2*short)
	<-lease.Context().Done()
	if cause := context.Cause(lease.Context()); !errs.HasCode(cause, errs.LockLost) || time.Since(began) > short {
		t.Errorf("ended after %s because of %v", time.Since(began), cause)
	}
	release(t, acquire(t, lock.New(conn, short, never)))
	release(t, lease)
}

// pause lets Redis answer nobody for a while.
func pause(t *testing.T, conn *redisconn.Conn, d time.Duration) {
	t.Helper()
	if err := conn.Main.Do(t.Context(), "CLIENT", "PAUSE", d.Milliseconds()).Err(); err != nil {
		t.Fatal(err)
	}
}
