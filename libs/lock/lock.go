// Package lock gives one holder at a time a lease, and every lease a fencing number that only grows. The lease is for
// efficiency; what makes a late holder harmless is that each effect is checked against the number. A Redis that lost
// data does not give a number again: numbers follow its clock.
package lock

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
)

const (
	longestWait  = 500 * time.Millisecond
	shortestWait = 5 * time.Millisecond
	// patience is how long somebody who waits may be silent. Whoever comes next waits that long for one that died.
	patience = 3 * time.Second
	// leaveTimeout bounds the call that takes somebody out of the queue who does not want to wait any more.
	leaveTimeout = time.Second
)

// A number is never far above the clock of Redis: whoever counts on must not be led away by what somebody wrote into a
// commit, nor come to where numbers are no longer exact (2^53, in the year 2255).
const (
	// furthestFloor is how far a number that was found may be ahead of the clock.
	furthestFloor = 24 * time.Hour
	// Furthest is how far a number that was given may be ahead: Redis' clock may have gone back since. One that is
	// further ahead was never given, and counts for nothing.
	Furthest = 2 * furthestFloor
)

// errReleased ends the context of a lease that was given back.
var errReleased = errors.New("the lock was released")

// Locker hands out leases.
type Locker struct {
	conn    *redisconn.Conn
	scripts scripts
	lease   time.Duration
	longest time.Duration

	mu   sync.Mutex
	left map[string]string // owners by key whose release did not come to Redis
}

// New returns a locker. Its leases last so long unless they are renewed, which they are at a third of it; nobody holds
// a lock for longer than the longest time, so that work which hangs does not keep it for ever.
func New(conn *redisconn.Conn, lease, longest time.Duration) *Locker {
	return &Locker{conn: conn, scripts: newScripts(), lease: lease, longest: longest, left: map[string]string{}}
}

// Lease is a held lock.
type Lease struct {
	locker *Locker
	key    string
	owner  string
	fence  int64
	ctx    context.Context
	end    context.CancelCauseFunc
	done   sync.WaitGroup
	sure   atomic.Pointer[time.Time] // until then nobody else can hold the lock
}

// Acquire waits for the lock as long as ctx allows. Those who wait get it in the order in which they came.
func (l *Locker) Acquire(ctx context.Context, key string) (*Lease, error) {
	owner := uuid.NewString()
	for {
		asked := time.Now()
		granted, number, err := l.try(ctx, key, owner)
		if granted {
			return l.hold(ctx, key, owner, number, asked), nil
		}
		if err == nil {
			err = pause(ctx, min(shortestWait*time.Duration(number+1), longestWait))
		}
		if err != nil {
			l.leave(ctx, key, owner)
			return nil, fmt.Errorf("acquire lock %s: %w", key, err)
		}
	}
}

func counter(key string) string  { return key + ":fence" }
func arrivals(key string) string { return key + ":arrivals" }
func tries(key string) string    { return key + ":tries" }

// try asks once. It answers the fencing number, or how many are to have the lock before.
func (l *Locker) try(ctx context.Context, key, owner string) (granted bool, number int64, err error) {
	keys := []string{key, counter(key), arrivals(key), tries(key)}
	done := l.leftBy(key)
	reply, err := l.conn.Run(ctx, l.scripts.acquire, keys, owner, l.lease.Milliseconds(), patience.Milliseconds(), done,
		Furthest.Microseconds())
	if err != nil {
		return false, 0, err
	}
	l.forget(key, done)
	pair, ok := reply.([]any)
	if !ok || len(pair) != 2 {
		return false, 0, errs.New(errs.InternalError, "The lock answered in an unknown way.")
	}
	verdict, _ := pair[0].(int64)
	number, _ = pair[1].(int64)
	return verdict == 1, number, nil
}

func (l *Locker) leftBy(key string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left[key]
}

// remember keeps the owner of a lock that could not be given back, until somebody here asks for the lock or its lease
// is over.
func (l *Locker) remember(key, owner string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left[key] = owner
	time.AfterFunc(l.lease, func() { l.forget(key, owner) })
}

func (l *Locker) forget(key, owner string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left[key] == owner {
		delete(l.left, key)
	}
}

// leave spares the others the wait for somebody who is gone; when it fails they have it.
func (l *Locker) leave(ctx context.Context, key, owner string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	_ = l.scripts.leave.Run(ctx, l.conn.Main, []string{arrivals(key), tries(key)}, owner).Err()
}

// pause waits for half to all of a time, so that those who wait do not all come at once.
func pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait/2 + rand.N(wait/2+1))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

func (l *Locker) hold(ctx context.Context, key, owner string, fence int64, asked time.Time) *Lease {
	work, end := context.WithCancelCause(ctx)
	lease := &Lease{locker: l, key: key, owner: owner, fence: fence, ctx: work, end: end}
	lease.confirmed(asked)
	lease.done.Go(lease.keep)
	lease.done.Go(lease.expire)
	return lease
}

// confirmed counts the lease from when Redis was asked for it.
func (l *Lease) confirmed(asked time.Time) {
	until := asked.Add(l.locker.lease - l.locker.lease/6)
	l.sure.Store(&until)
}

// expire ends the work when the lease is over. It is no part of keep: a renewal that waits for Redis must not keep it
// waiting.
func (l *Lease) expire() {
	for {
		left := time.Until(*l.sure.Load())
		if left <= 0 {
			l.end(errs.New(errs.LockLost, "The lock could not be renewed in time."))
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-l.ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// Context ends when the lease is lost or given back: before anyone else can hold the lock.
func (l *Lease) Context() context.Context { return l.ctx }

// Fence is the number that effects under this lease carry.
func (l *Lease) Fence() int64 { return l.fence }

// RaiseAbove makes the lease's number larger than one that was found beside an earlier effect. Redis gives numbers
// above all others, unless it has lost its data and its clock went back. It reports whether it is larger: a number that
// is more than a day ahead of the clock is none that was ever given, and is left where it is.
func (l *Lease) RaiseAbove(ctx context.Context, floor int64) (bool, error) {
	if l.fence > floor {
		return true, nil
	}
	reply, err := l.locker.conn.Run(ctx, l.locker.scripts.raise, []string{l.key, counter(l.key)}, l.owner, floor,
		furthestFloor.Microseconds())
	if err != nil {
		return false, fmt.Errorf("raise the number of lock %s: %w", l.key, err)
	}
	switch reply {
	case "lost":
		return false, errs.New(errs.LockLost, "The lock went to another holder.")
	case "ahead":
		return false, nil
	}
	text, _ := reply.(string)
	raised, err := strconv.ParseInt(text, 10, 64)
	if err != nil || raised <= floor {
		return false, errs.New(errs.InternalError, "The lock gave the number %q, which is not above %d.", text, floor)
	}
	l.fence = raised
	return true, nil
}

// Release gives the lock back. The lock of another holder is left alone. Without an answer the lock stays taken until
// its lease is over, unless somebody asks this locker for it: the work under the lease has ended.
func (l *Lease) Release(ctx context.Context) error {
	l.end(errReleased)
	l.done.Wait()
	if _, err := l.locker.conn.Run(ctx, l.locker.scripts.release, []string{l.key}, l.owner); err != nil {
		l.locker.remember(l.key, l.owner)
		return fmt.Errorf("release lock %s: %w", l.key, err)
	}
	return nil
}

// keep renews the lease at a third of it. An error of Redis is tried again; what ends the work is the local clock,
// which runs on when this process could not.
func (l *Lease) keep() {
	period := l.locker.lease
	longest := time.NewTimer(l.locker.longest)
	defer longest.Stop()
	ticker := time.NewTicker(period / 3)
	defer ticker.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-longest.C:
			l.end(errs.New(errs.LockLost, "The lock was held for %s, which is the longest allowed.", l.locker.longest))
			return
		case <-ticker.C:
			asked := time.Now()
			mine, err := l.renew(period / 3)
			if err == nil && !mine {
				l.end(errs.New(errs.LockLost, "The lock went to another holder."))
				return
			}
			if err == nil {
				l.confirmed(asked)
			}
		}
	}
}

func (l *Lease) renew(timeout time.Duration) (mine bool, err error) {
	ctx, cancel := context.WithTimeout(l.ctx, timeout)
	defer cancel()
	reply, err := l.locker.conn.Run(ctx, l.locker.scripts.renew, []string{l.key}, l.owner, l.locker.lease.Milliseconds())
	kept, _ := reply.(int64)
	return kept == 1, err
}
