package state

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
)

// Store reads and writes what the orchestrators know.
type Store struct {
	conn    *redisconn.Conn
	scripts scripts
	limits  Limits
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
	return &Store{conn: conn, scripts: newScripts(), limits: limits, now: now, feeds: newFeeds()}
}

// pipelined sends reading commands together.
func (s *Store) pipelined(ctx context.Context, fill func(redis.Pipeliner)) ([]redis.Cmder, error) {
	return redisconn.Repeat(ctx, func() ([]redis.Cmder, error) {
		return s.conn.Main.Pipelined(ctx, func(p redis.Pipeliner) error { fill(p); return nil })
	})
}
