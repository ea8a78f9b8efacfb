// Package lock gives one holder at a time a lease, and every lease a fencing number that only grows. The lease is for
// efficiency; what makes a late holder harmless is that each effect is checked against the number. A Redis that lost
// data does not give a number again: numbers follow its clock.
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

// acquireLua returns {1, fence} when the lock is the owner's, also when it was already: the reply to the first try may
// have been lost. Else it queues the owner and answers {0, how many are before it}. The lock goes to those who wait in
// the order in which they came; one that has not asked for a while is taken for gone.
//
// A new number is above the last one, and not below the clock in microseconds: a Redis that lost the counter, all of it
// or its last second, gives numbers above the ones it has forgotten.
//
//	KEYS 1 lock, 2 last number, 3 queue by time of arrival, 4 queue by time of the last try
//	ARGV 1 owner, 2 lease ms, 3 patience ms, 4 an owner that is done and could not say so, or ""
const acquireLua = `
local holder = redis.call('HGET', KEYS[1], 'owner')
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {1, tonumber(redis.call('HGET', KEYS[1], 'fence'))}
end
if holder and holder == ARGV[4] then
  redis.call('DEL', KEYS[1])
  holder = false
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now - ARGV[3])) do
  redis.call('ZREM', KEYS[3], gone)
  redis.call('ZREM', KEYS[4], gone)
end
local first = redis.call('ZRANGE', KEYS[3], 0, 0)[1]
if holder or (first and first ~= ARGV[1]) then
  if not redis.call('ZSCORE', KEYS[3], ARGV[1]) then
    local last = redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')[2]
    redis.call('ZADD', KEYS[3], last and last + 1 or 1, ARGV[1])
  end
  redis.call('ZADD', KEYS[4], now, ARGV[1])
  redis.call('PEXPIRE', KEYS[3], 2 * ARGV[3])
  redis.call('PEXPIRE', KEYS[4], 2 * ARGV[3])
  return {0, redis.call('ZRANK', KEYS[3], ARGV[1])}
end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
local fence = math.max(tonumber(redis.call('GET', KEYS[2]) or 0) + 1, time[1] * 1000000 + time[2])
redis.call('SET', KEYS[2], string.format('%.0f', fence))
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'fence', string.format('%.0f', fence))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {1, fence}`

var acquire = redis.NewScript(acquireLua)

// raise returns the owner a number above a floor, and answers it; 0 when the lock is another's.
//
//	KEYS 1 lock, 2 last number
//	ARGV 1 owner, 2 floor
var raise = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
local fence = tonumber(redis.call('HGET', KEYS[1], 'fence'))
if fence > tonumber(ARGV[2]) then return fence end
fence = math.max(tonumber(redis.call('GET', KEYS[2]) or 0), tonumber(ARGV[2])) + 1
redis.call('SET', KEYS[2], string.format('%.0f', fence))
redis.call('HSET', KEYS[1], 'fence', string.format('%.0f', fence))
return fence`)

// leave takes an owner out of the queue.
var leave = redis.NewScript(`
redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('ZREM', KEYS[2], ARGV[1])`)

var renew = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`)

const releaseLua = `
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

var release = redis.NewScript(releaseLua)

const (
	longestWait  = 500 * time.Millisecond
	shortestWait = 5 * time.Millisecond
	// patience is how long somebody who waits may be silent. Whoever comes next waits that long for one that died.
	patience = 3 * time.Second
	// leaveTimeout bounds the call that takes somebody out of the queue who does not want to wait any more.
	leaveTimeout = time.Second
)

// errReleased ends the context of a lease that was given back.
var errReleased = errors.New("the lock was released")

// Locker hands out leases.
type Locker struct {
	conn    *redisconn.Conn
	lease   time.Duration
	longest time.Duration

	mu   sync.Mutex
	left map[string]string // owners by key whose release did not come to Redis
}

// New returns a locker. Its leases last so long unless they are renewed, which they are at a third of it; nobody holds
// a lock for longer than the longest time, so that work which hangs does not keep it for ever.
func New(conn *redisconn.Conn, lease, longest time.Duration) *Locker {
	return &Locker{conn: conn, lease: lease, longest: longest, left: map[string]string{}}
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
	reply, err := l.conn.Run(ctx, acquire, keys, owner, l.lease.Milliseconds(), patience.Milliseconds(), done)
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
	_ = leave.Run(ctx, l.conn.Main, []string{arrivals(key), tries(key)}, owner).Err()
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

// RaiseAbove makes the lease's number larger than one that was found beside an earlier effect. Redis gives numbers
// above all others, unless it has lost its data and its clock went back.
func (l *Lease) RaiseAbove(ctx context.Context, floor int64) error {
	if l.fence > floor {
		return nil
	}
	reply, err := l.locker.conn.Run(ctx, raise, []string{l.key, counter(l.key)}, l.owner, floor)
	if err != nil {
		return fmt.Errorf("raise the number of lock %s: %w", l.key, err)
	}
	raised, _ := reply.(int64)
	if raised == 0 {
		return errs.New(errs.LockLost, "The lock went to another holder.")
	}
	l.fence = raised
	return nil
}

// Release returns the lock back. The lock of another holder is left alone. Without an answer the lock stays taken until
// its lease is over, unless somebody asks this locker for it: the work under the lease has ended.
func (l *Lease) Release(ctx context.Context) error {
	l.end(errReleased)
	l.done.Wait()
	if _, err := l.locker.conn.Run(ctx, release, []string{l.key}, l.owner); err != nil {
		l.locker.remember(l.key, l.owner)
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
	longest := time.NewTimer(l.locker.longest)
	defer longest.Stop()
	ticker := time.NewTicker(period / 3)
	defer ticker.Stop()
	// On its own, and not one of the cases below: a renewal that waits for Redis must not keep it waiting.
	expiry := time.AfterFunc(time.Until(confirmed.Add(period-margin)), func() {
		l.end(errs.New(errs.LockLost, "The lock could not be renewed in time."))
	})
	defer expiry.Stop()
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
