// Package lock gives one holder at a time a lease, and every lease a fencing number that only grows. The lease is for
// efficiency; what makes a late holder harmless is that each effect is checked against the number. The counter and what
// is checked against it belong into one hash slot: what takes the counter back, such as a failover to a replica that
// lagged, then takes the effects back that came after it.
package lock

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
)

// acquire answers {1, fence} when the lock is the owner's, also when it was already: the reply to the first try may
// have been lost. Else {0, milliseconds until the holder's lease ends}.
var acquire = redis.NewScript(`
local holder = redis.call('HGET', KEYS[1], 'owner')
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {1, tonumber(redis.call('HGET', KEYS[1], 'fence'))}
end
if holder then return {0, redis.call('PTTL', KEYS[1])} end
local fence = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'fence', fence)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {1, fence}`)

var renew = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`)

var release = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`)

const (
	longestWait  = 500 * time.Millisecond
	shortestWait = 10 * time.Millisecond
)

// errReleased ends the context of a lease that was given back.
var errReleased = errors.New("the lock was released")

// Locker hands out leases.
type Locker struct {
	conn  *redisconn.Conn
	lease time.Duration
}

// New makes a locker whose leases last so long unless they are renewed, which they are at a third of it.
func New(conn *redisconn.Conn, lease time.Duration) *Locker {
	return &Locker{conn: conn, lease: lease}
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
}

// Acquire waits for the lock as long as ctx allows.
func (l *Locker) Acquire(ctx context.Context, key string) (*Lease, error) {
	owner := uuid.NewString()
	for wait := shortestWait; ; wait = min(2*wait, longestWait) {
		asked := time.Now()
		granted, number, err := l.try(ctx, key, owner)
		if err != nil {
			return nil, fmt.Errorf("acquire lock %s: %w", key, err)
		}
		if granted {
			return l.hold(ctx, key, owner, number, asked), nil
		}
		if err := pause(ctx, min(wait, max(shortestWait, time.Duration(number)*time.Millisecond))); err != nil {
			return nil, fmt.Errorf("wait for lock %s: %w", key, err)
		}
	}
}

func (l *Locker) try(ctx context.Context, key, owner string) (granted bool, number int64, err error) {
	reply, err := l.conn.Run(ctx, acquire, []string{key, key + ":fence"}, owner, l.lease.Milliseconds())
	if err != nil {
		return false, 0, err
	}
	pair, ok := reply.([]any)
	if !ok || len(pair) != 2 {
		return false, 0, errs.New(errs.Internal, errs.InternalError, "The lock answered in an unknown way.")
	}
	verdict, _ := pair[0].(int64)
	number, _ = pair[1].(int64)
	return verdict == 1, number, nil
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
	lease.done.Add(1)
	go lease.keep(asked)
	return lease
}

// Context ends when the lease is lost or given back: before anyone else can hold the lock.
func (l *Lease) Context() context.Context { return l.ctx }

// Fence is the number that effects under this lease carry.
func (l *Lease) Fence() int64 { return l.fence }

// Release gives the lock back. The lock of another holder is left alone.
func (l *Lease) Release(ctx context.Context) error {
	l.end(errReleased)
	l.done.Wait()
	if _, err := l.locker.conn.Run(ctx, release, []string{l.key}, l.owner); err != nil {
		return fmt.Errorf("release lock %s: %w", l.key, err)
	}
	return nil
}

// keep renews the lease at a third of it. An error of Redis is tried again; what ends the work is the local clock,
// which runs on when this process could not.
func (l *Lease) keep(confirmed time.Time) {
	defer l.done.Done()
	period := l.locker.lease
	margin := period / 6
	ticker := time.NewTicker(period / 3)
	defer ticker.Stop()
	expiry := time.NewTimer(time.Until(confirmed.Add(period - margin)))
	defer expiry.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-expiry.C:
			l.end(errs.New(errs.Conflict, errs.LockLost, "The lock could not be renewed in time."))
			return
		case <-ticker.C:
			asked := time.Now()
			mine, err := l.renew(period / 3)
			if err == nil && !mine {
				l.end(errs.New(errs.Conflict, errs.LockLost, "The lock went to another holder."))
				return
			}
			if err == nil {
				expiry.Reset(time.Until(asked.Add(period - margin)))
			}
		}
	}
}

func (l *Lease) renew(timeout time.Duration) (mine bool, err error) {
	ctx, cancel := context.WithTimeout(l.ctx, timeout)
	defer cancel()
	reply, err := l.locker.conn.Run(ctx, renew, []string{l.key}, l.owner, l.locker.lease.Milliseconds())
	kept, _ := reply.(int64)
	return kept == 1, err
}
