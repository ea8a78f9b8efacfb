package state

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
)

// Store reads and writes what the orchestrators know.
type Store struct {
	conn    *redisconn.Conn
	scripts scripts
	limits  atomic.Pointer[Limits]
	now     func() time.Time
	feeds   *feeds
}

// Limits bound what is kept.
type Limits struct {
	Retention time.Duration // of ended syncs
	Active    int           // syncs that run or wait for a worker, in the whole system
}

// perShard returns the share of one work stream. Fabrics are spread evenly over them by their numbers.
func (l Limits) perShard() int { return max(1, l.Active/events.Shards) }

// New returns a store.
func New(conn *redisconn.Conn, limits Limits, now func() time.Time) *Store {
	s := &Store{conn: conn, scripts: newScripts(), now: now, feeds: newFeeds()}
	s.limits.Store(&limits)
	return s
}

// SetActive has another number of syncs be accepted from now on. Those that were accepted stay.
func (s *Store) SetActive(most int) {
	limits := *s.limits.Load()
	limits.Active = most
	s.limits.Store(&limits)
}

// pipelined sends reading commands together.
func (s *Store) pipelined(ctx context.Context, fill func(redis.Pipeliner)) ([]redis.Cmder, error) {
	return redisconn.Repeat(ctx, func() ([]redis.Cmder, error) {
		return s.conn.Main.Pipelined(ctx, func(p redis.Pipeliner) error { fill(p); return nil })
	})
}
