package backlog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/health"
)

// longWait is how long work may wait or run before somebody should look; the alert FGDWorkIsOld has the same bound.
const longWait = 10 * time.Minute

// Queue reports work that nobody reads, and such that has been waiting or running for too long.
func (c *Collector) Queue(ctx context.Context) error {
	b, err := c.measure(ctx)
	if err != nil {
		return notKnown("what waits", err)
	}
	oldest := b.groups[c.group].oldest
	trouble := &health.Trouble{
		Status: health.Degraded, Details: map[string]string{
			"oldest_seconds": fmt.Sprintf("%.0f", oldest.Seconds()), "waiting": strconv.FormatInt(b.depth, 10),
		},
	}
	switch {
	case b.unread > 0:
		trouble.Reason = fmt.Sprintf("Nobody reads %d streams of work: the consumer group %s is gone; %d syncs wait.",
			b.unread, c.group, b.depth)
		trouble.Remedy = "See whether orchestrators run: each makes the group anew within a second, and handles what waits."
	case oldest > longWait:
		trouble.Reason = fmt.Sprintf("A sync has been waiting or running for %s; %d wait.", oldest.Round(time.Second),
			b.depth)
		trouble.Remedy = "See whether orchestrators run and reach Redis; add some, or raise sync_concurrency, when many wait."
	default:
		return nil
	}
	return trouble
}

// Events reports a consumer group of other programs that has not read events for too long. They are kept for it.
func (c *Collector) Events(ctx context.Context) error {
	b, err := c.measure(ctx)
	if err != nil {
		return notKnown("whether events are read", err)
	}
	for _, name := range slices.Sorted(maps.Keys(b.groups)) {
		g := b.groups[name]
		if name == c.group || g.oldest <= longWait {
			continue
		}
		return &health.Trouble{
			Status: health.Degraded,
			Reason: fmt.Sprintf("The consumer group %s has not handled events for %s; %d wait, and are kept.", name,
				g.oldest.Round(time.Second), g.lag),
			Remedy: fmt.Sprintf("See whether the program that reads as %s runs. When it never will again, "+
				"redis-cli XGROUP DESTROY 'fgd:{S}:events' %s, for each shard S of 0 to %d.", name, name, events.Shards-1),
			Details: map[string]string{
				"group": name, "oldest_seconds": fmt.Sprintf("%.0f", g.oldest.Seconds()), "waiting": strconv.FormatInt(g.lag, 10),
			},
		}
	}
	return nil
}

// DeadLetters reports entries that could not be handled.
func (c *Collector) DeadLetters(ctx context.Context) error {
	b, err := c.measure(ctx)
	if err != nil {
		return notKnown("whether there are dead letters", err)
	}
	if b.dead == 0 {
		return nil
	}
	return &health.Trouble{
		Status:  health.Degraded,
		Reason:  fmt.Sprintf("Work entries that could not be handled: %d.", b.dead),
		Remedy:  "See them with fgd dead-letters list; fgd dead-letters replay has them handled again.",
		Details: map[string]string{"dead": strconv.FormatInt(b.dead, 10)},
	}
}

func notKnown(what string, err error) error {
	if errs.HasCode(err, errs.RedisKeyForeign) {
		e := errs.From(err)
		return &health.Trouble{Status: health.Unknown, Reason: e.Message, Remedy: e.RemedyText()}
	}
	return &health.Trouble{
		Status: health.Unknown, Reason: "Redis does not answer, so it is not known " + what + ".",
		Remedy: "Mend what ails Redis; the component redis says what it is.",
	}
}
