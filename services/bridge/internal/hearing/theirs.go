package hearing

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
)

// Echo is how it is known that a change is what we wrote ourselves.
type Echo int

// How that can be known.
const (
	// NotOurs is for what somebody else did.
	NotOurs Echo = iota
	// SameContent is for a record that says what we wrote there. Somebody else can have made it say so again.
	SameContent
	// OurRequest is for what a request of ours did.
	OurRequest
)

// recordOf is a record, of a fabric of ours.
type recordOf struct {
	fabric int32
	kind   string
	record int64
}

// judge decides which changes of a page are ours, and takes away the fabrics for which one is. It does so in the order
// of the page: since somebody else has changed a record, its content is from them, until a request of ours is heard to
// have written it. It returns of which records that is so in the end, for the pages after this one.
func (r *round) judge(ctx context.Context, page []heard) (theirs map[recordOf]bool, err error) {
	theirs = map[recordOf]bool{}
	for i := range page {
		one, others := &page[i], []int32(nil)
		for _, fabric := range one.fabrics {
			echo, err := r.deps.Echo(ctx, fabric, one.change)
			if err != nil {
				return nil, err
			}
			record := recordIn(fabric, one.change)
			before, judged := theirs[record]
			if !judged {
				before = r.theirs[record]
			}
			theirs[record] = echo == NotOurs || echo == SameContent && before
			if theirs[record] {
				others = append(others, fabric)
				continue
			}
			r.deps.Metrics.heard(one.source, "echo")
		}
		one.fabrics = others
	}
	return theirs, nil
}

// remember remembers which records somebody else has changed last of a fabric.
func (h *Hearing) remember(ctx context.Context, fabric int32) error {
	messages, err := redisconn.Repeat(ctx, func() ([]redis.XMessage, error) {
		return h.deps.Redis.Main.XRevRangeN(ctx, HeardStream(fabric), "+", "-", feedRows).Result()
	})
	if err != nil {
		return fmt.Errorf("read what was heard: %w", err)
	}
	for _, message := range messages {
		entry, _ := message.Values[events.Field].(string)
		if c, err := decodeChange(entry); err == nil { // who tells of one that can't be read says so
			h.theirs[recordIn(fabric, c)] = true
		}
	}
	return nil
}

func recordIn(fabric int32, c Change) recordOf { return recordOf{fabric, c.Kind, c.RecordID} }
