// Package backlog measures what waits in the streams. It asks Redis when it is asked, so that what it says is true of
// the system and not of one replica: every orchestrator gives the same numbers.
package backlog

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/rediskey"
)

// timeout keeps a scrape from waiting for a Redis that is away.
const timeout = 2 * time.Second

// Collector gives fgd_queue_depth and fgd_event_lag. Without Redis it gives nothing.
type Collector struct {
	conn  *redisconn.Conn
	group string // of the workers
	log   *slog.Logger
	depth *prometheus.Desc
	lag   *prometheus.Desc
}

// New makes a collector.
func New(conn *redisconn.Conn, workers string, log *slog.Logger) *Collector {
	return &Collector{
		conn: conn, group: workers, log: log,
		depth: prometheus.NewDesc("fgd_queue_depth", "Syncs that wait for a worker, in the whole system.", nil, nil),
		lag:   prometheus.NewDesc("fgd_event_lag", "Entries of the streams that a consumer group has not read or not acknowledged, in the whole system.", []string{"group"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	out <- c.depth
	out <- c.lag
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	depth, lags, err := c.measure(ctx)
	if err != nil {
		c.log.WarnContext(ctx, "backlog not measured", "error", err.Error())
		return
	}
	out <- prometheus.MustNewConstMetric(c.depth, prometheus.GaugeValue, float64(depth))
	for group, n := range lags {
		out <- prometheus.MustNewConstMetric(c.lag, prometheus.GaugeValue, float64(n), group)
	}
}

func (c *Collector) measure(ctx context.Context) (depth int64, lags map[string]int64, err error) {
	lags = map[string]int64{c.group: 0}
	for shard := range rediskey.Shards {
		groups, err := c.groups(ctx, rediskey.Work(shard))
		if err != nil {
			return 0, nil, err
		}
		unread, err := c.unread(ctx, rediskey.Work(shard), groups)
		if err != nil {
			return 0, nil, err
		}
		depth += unread
		more, err := c.groups(ctx, rediskey.Events(shard))
		if err != nil {
			return 0, nil, err
		}
		for _, g := range append(groups, more...) {
			lags[g.Name] += max(g.Lag, 0) + g.Pending // a lag that Redis can't tell is -1
		}
	}
	return depth, lags, nil
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

// unread tells how many entries of a work stream no worker has read. What was acknowledged is not in the stream any
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
