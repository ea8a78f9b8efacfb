// Package backlog measures what waits in the streams. It asks Redis when it is asked, so that what it says is true of
// the system and not of one replica: every orchestrator shows the same numbers.
package backlog

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
)

// timeout keeps a scrape from waiting for a Redis that is away.
const timeout = 2 * time.Second

// Collector shows whether Redis answers, and what waits, in entries and in seconds. Without Redis nothing is known of
// what waits, and it shows none of it.
type Collector struct {
	conn    *redisconn.Conn
	group   string // of the workers
	log     *slog.Logger
	failing atomic.Bool // since the last time it was measured

	up, depth, lag, pending, oldest, dead *prometheus.Desc
}

// New returns a collector.
func New(conn *redisconn.Conn, workers string, log *slog.Logger) *Collector {
	group := []string{"group"}
	return &Collector{
		conn: conn, group: workers, log: log,
		up:    prometheus.NewDesc("fgd_redis_up", "Whether Redis answers: 1 or 0.", nil, nil),
		depth: prometheus.NewDesc("fgd_queue_depth", "Syncs that wait for a worker, in the whole system.", nil, nil),
		lag: prometheus.NewDesc("fgd_event_lag",
			"Entries of the streams that a consumer group has not read or not acknowledged, in the whole system.", group, nil),
		pending: prometheus.NewDesc("fgd_event_pending",
			"Entries of the streams that a consumer group has read and not acknowledged, in the whole system.", group, nil),
		oldest: prometheus.NewDesc("fgd_event_oldest_seconds",
			"Age of the oldest entry that a consumer group has not read or not acknowledged, in the whole system.", group, nil),
		dead: prometheus.NewDesc("fgd_dead_letters", "Dead letters that nobody has replayed, in the whole system.", nil,
			nil),
	}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.up, c.depth, c.lag, c.pending, c.oldest, c.dead} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	b, err := c.measure(ctx)
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	if err != nil {
		gauge(c.up, 0)
		if !c.failing.Swap(true) { // the next scrape has nothing to add
			c.log.WarnContext(ctx, "backlog not measured", "error", err.Error())
		}
		return
	}
	c.failing.Store(false)
	gauge(c.up, 1)
	gauge(c.depth, float64(b.depth))
	gauge(c.dead, float64(b.dead))
	for name, g := range b.groups {
		gauge(c.lag, float64(g.lag), name)
		gauge(c.pending, float64(g.pending), name)
		gauge(c.oldest, g.oldest.Seconds(), name)
	}
}

// backlog is what waits.
type backlog struct {
	depth, dead int64
	unread      int // streams of work that no group of workers reads
	groups      map[string]*waiting
}

// waiting is what waits for one group, in all streams.
type waiting struct {
	lag, pending int64
	oldest       time.Duration
}

func (c *Collector) measure(ctx context.Context) (*backlog, error) {
	now, err := c.conn.Main.Time(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("ask Redis for the time: %w", redisconn.Error(err))
	}
	b := &backlog{groups: map[string]*waiting{c.group: {}}}
	for shard := range events.Shards {
		work := events.WorkStream(shard)
		groups, err := c.groups(ctx, work)
		if err != nil {
			return nil, err
		}
		unread, err := c.unread(ctx, work, groups)
		if err != nil {
			return nil, err
		}
		b.depth += unread
		if unread > 0 && !slices.ContainsFunc(groups, func(g redis.XInfoGroup) bool { return g.Name == c.group }) {
			b.unread++
			groups = append(groups, redis.XInfoGroup{Name: c.group, LastDeliveredID: "0-0", Lag: unread})
		}
		if err := c.add(ctx, b, work, groups, now); err != nil {
			return nil, err
		}
		more, err := c.groups(ctx, events.BusStream(shard))
		if err != nil {
			return nil, err
		}
		if err := c.add(ctx, b, events.BusStream(shard), more, now); err != nil {
			return nil, err
		}
	}
	for _, key := range events.DeadLetterStreams() {
		dead, err := c.conn.Main.XLen(ctx, key).Result()
		if err != nil {
			return nil, fmt.Errorf("count dead letters: %w", redisconn.Error(err))
		}
		b.dead += dead
	}
	return b, nil
}

// add adds what waits in one stream.
func (c *Collector) add(ctx context.Context, b *backlog, stream string, groups []redis.XInfoGroup,
	now time.Time,
) error {
	for _, g := range groups {
		w := b.groups[g.Name]
		if w == nil {
			w = &waiting{}
			b.groups[g.Name] = w
		}
		w.lag += max(g.Lag, 0) + g.Pending // a lag that Redis can't tell is -1
		w.pending += g.Pending
		for _, id := range c.waits(ctx, stream, g) {
			ms, _, _ := strings.Cut(id, "-")
			at, err := strconv.ParseInt(ms, 10, 64)
			if err != nil {
				return fmt.Errorf("entry %q of %s: %w", id, stream, err)
			}
			w.oldest = max(w.oldest, now.Sub(time.UnixMilli(at)))
		}
	}
	return nil
}

// waits returns the oldest entry that a group has not acknowledged, and the oldest that it has not read, where there
// are any.
func (c *Collector) waits(ctx context.Context, stream string, g redis.XInfoGroup) []string {
	var ids []string
	if pending, err := c.conn.Main.XPending(ctx, stream, g.Name).Result(); err == nil && pending.Count > 0 {
		ids = append(ids, pending.Lower)
	}
	if unread, err := c.conn.Main.XRangeN(ctx, stream, "("+g.LastDeliveredID, "+", 1).Result(); err == nil &&
		len(unread) == 1 {
		ids = append(ids, unread[0].ID)
	}
	return ids
}

func (c *Collector) groups(ctx context.Context, stream string) ([]redis.XInfoGroup, error) {
	groups, err := c.conn.Main.XInfoGroups(ctx, stream).Result()
	if err != nil {
		if strings.Contains(err.Error(), "no such key") {
			return nil, nil
		}
		return nil, fmt.Errorf("look at the groups of %s: %w", stream, redisconn.Error(err))
	}
	return groups, nil
}

// unread returns how many entries of a work stream no worker has read. What was acknowledged is not in the stream any
// more, so all that is there and not pending is unread.
func (c *Collector) unread(ctx context.Context, stream string, groups []redis.XInfoGroup) (int64, error) {
	n, err := c.conn.Main.XLen(ctx, stream).Result()
	if err != nil {
		return 0, fmt.Errorf("look at %s: %w", stream, redisconn.Error(err))
	}
	for _, g := range groups {
		if g.Name == c.group {
			n -= g.Pending
		}
	}
	return max(n, 0), nil
}
