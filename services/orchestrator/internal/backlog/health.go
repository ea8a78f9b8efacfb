package backlog

import (
	"context"
	"fmt"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
)

// longWait is how long work may wait or run before somebody should look; the alert FGDWorkIsOld has the same bound.
const longWait = 10 * time.Minute

// Queue reports work that has been waiting or running for too long.
func (c *Collector) Queue(ctx context.Context) error {
	b, err := c.measure(ctx)
	if err != nil {
		return notKnown("what waits", err)
	}
	oldest := b.groups[c.group].oldest
	if oldest <= longWait {
		return nil
	}
	return &health.Trouble{
		Status: health.Degraded,
		Reason: fmt.Sprintf("A sync has been waiting or running for %s; %d wait.", oldest.Round(time.Second), b.depth),
		Remedy: "See whether orchestrators run and reach Redis; add some, or raise sync_concurrency, when many wait.",
	}
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
		Status: health.Degraded,
		Reason: fmt.Sprintf("Work entries that could not be handled: %d.", b.dead),
		Remedy: "See them with fgd dead-letters list; fgd dead-letters replay has them handled again.",
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
