// Package events is the event bus on Redis Streams: work that must be handled, at least once, by one of many
// consumers, and events that tell what happened. An entry is acknowledged after its effect is durable; one that keeps
// failing goes to the dead letters with its error. Handlers must bear to see an entry twice.
package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/redisconn"
)

// Field is the name of the one field of every stream entry; it holds a protobuf message.
const Field = "e"

const (
	block           = time.Second
	errorPause      = 500 * time.Millisecond
	longestPause    = 10 * time.Second
	claimBatch      = 16
	beatsPerIdle    = 4 // an entry is taken over after more than three missed beats
	reclaimsPerIdle = 9
	longestReclaim  = 2 * time.Second
	deadLetterCap   = 10_000
)

// Handler handles one entry. Its error leaves the entry to be delivered again; ErrPoison sends it to the dead letters
// at once.
type Handler func(ctx context.Context, payload []byte) error

// ErrPoison marks an entry that no retry can help.
var ErrPoison = errors.New("the entry can't be handled")

// ConsumerConfig says what a consumer reads, and how patiently.
type ConsumerConfig struct {
	Stream       string
	DeadLetters  string
	Group        string
	Name         string        // stable over restarts where possible
	ClaimIdle    time.Duration // an entry whose consumer was silent for so long is taken over
	MaxDelivered int64         // an entry delivered so often without success goes to the dead letters
	Shared       bool          // other groups read the stream too: an entry stays there when this one is done with it

	// OnDeadLetter, if set, is called before an entry goes to the dead letters, with the cause; it may be called again.
	// Its error keeps the entry pending.
	OnDeadLetter func(ctx context.Context, payload []byte, cause error) error
}

// Consumer reads one stream within a group.
type Consumer struct {
	cfg   ConsumerConfig
	conn  *redisconn.Conn
	log   *slog.Logger
	slots chan struct{}
	tasks sync.WaitGroup
	found bool // that there is a group; of the one who reads

	mu     sync.Mutex
	active map[string]bool // ids being handled here
}

// NewConsumer returns a consumer. The slots bound how many entries are handled at once; consumers may share them.
func NewConsumer(cfg ConsumerConfig, conn *redisconn.Conn, log *slog.Logger, slots chan struct{}) *Consumer {
	return &Consumer{cfg: cfg, conn: conn, log: log.With("stream", cfg.Stream), slots: slots, active: map[string]bool{}}
}

// Run reads until ctx ends, then waits for the handlers, whose context ends with it.
func (c *Consumer) Run(ctx context.Context, handle Handler) error {
	var reclaimer sync.WaitGroup
	reclaimer.Go(func() { c.reclaim(ctx, handle) })
	pending := "0" // what was read before and not acknowledged comes first
	pause := errorPause
	for ctx.Err() == nil {
		next, err := c.read(ctx, pending, handle)
		if err != nil {
			c.recover(ctx, err, pause)
			pending, pause = "0", min(2*pause, longestPause)
			continue
		}
		c.conn.Back(ctx, c.log)
		pending, pause, c.found = next, errorPause, true
	}
	reclaimer.Wait()
	c.tasks.Wait()
	return ctx.Err()
}

// read takes a slot, then at most one entry, and hands it to a handler. It returns from where to go on: an id within
// the own pending entries, or ">" for new ones.
func (c *Consumer) read(ctx context.Context, from string, handle Handler) (string, error) {
	select {
	case <-ctx.Done():
		return from, nil
	case c.slots <- struct{}{}:
	}
	messages, err := c.fetch(ctx, from)
	if err != nil || len(messages) == 0 {
		<-c.slots
		if from != ">" && err == nil {
			return ">", nil
		}
		return from, err
	}
	message := messages[0]
	if !c.begin(message.ID) {
		<-c.slots
	} else {
		c.tasks.Go(func() {
			defer func() { <-c.slots }()
			c.process(ctx, message, handle)
		})
	}
	if from == ">" {
		return ">", nil
	}
	return message.ID, nil
}

// fetch reads one entry. A read that blocks can't be interrupted, so it is left behind when ctx ends, until Redis
// answers or the connection is closed; what it still brings stays pending and is delivered again.
func (c *Consumer) fetch(ctx context.Context, from string) ([]redis.XMessage, error) {
	args := &redis.XReadGroupArgs{
		Group: c.cfg.Group, Consumer: c.cfg.Name, Streams: []string{c.cfg.Stream, from},
		Count: 1, Block: block,
	}
	if from != ">" {
		args.Block = -1
	}
	type reply struct {
		streams []redis.XStream
		err     error
	}
	replied := make(chan reply, 1)
	go func() {
		streams, err := c.conn.Blocking.XReadGroup(ctx, args).Result()
		replied <- reply{streams, err}
	}()
	select {
	case <-ctx.Done():
		return nil, nil
	case r := <-replied:
		if r.err != nil && !errors.Is(r.err, redis.Nil) {
			return nil, r.err
		}
		if len(r.streams) == 0 {
			return nil, nil
		}
		return r.streams[0].Messages, nil
	}
}

func (c *Consumer) begin(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active[id] {
		return false
	}
	c.active[id] = true
	return true
}

func (c *Consumer) end(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.active, id)
}

// process handles an entry and acknowledges it. That goes on after ctx has ended: the effect is there.
func (c *Consumer) process(ctx context.Context, message redis.XMessage, handle Handler) {
	defer c.end(message.ID)
	beat, stop := context.WithCancel(ctx)
	var heart sync.WaitGroup
	heart.Go(func() { c.heartbeat(beat, message.ID) })
	err := c.callHandler(ctx, message, handle)
	stop()
	heart.Wait()
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*block)
	defer cancel()
	switch {
	case err == nil:
		err = c.ackAndDelete(after, message.ID)
	case errors.Is(err, ErrPoison):
		err = c.deadLetter(after, message, err)
	case ctx.Err() != nil:
		return // handed back: it stays pending and is taken over
	default:
		c.log.WarnContext(ctx, "entry failed and stays pending", "entry", message.ID, "error", err.Error())
		return
	}
	if err != nil {
		c.log.ErrorContext(after, "entry not acknowledged", "entry", message.ID, "error", err.Error())
	}
}

func (c *Consumer) callHandler(ctx context.Context, message redis.XMessage, handle Handler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.log.ErrorContext(ctx, "panic in a handler", "entry", message.ID, "panic", fmt.Sprint(p), "stack",
				string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	payload, ok := message.Values[Field].(string)
	if !ok {
		return fmt.Errorf("%w: no field %q", ErrPoison, Field)
	}
	return handle(ctx, []byte(payload))
}

// heartbeat keeps others from taking the entry over while it is handled; it does not count as a delivery.
func (c *Consumer) heartbeat(ctx context.Context, id string) {
	ticker := time.NewTicker(c.cfg.ClaimIdle / beatsPerIdle)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			err := c.conn.Main.XClaimJustID(ctx, &redis.XClaimArgs{
				Stream: c.cfg.Stream, Group: c.cfg.Group,
				Consumer: c.cfg.Name, Messages: []string{id},
			}).Err()
			if err != nil && ctx.Err() == nil {
				c.complain(ctx, "heartbeat failed", err, "entry", id)
			}
		}
	}
}

// ackAndDelete takes an entry that was handled off the stream, unless others read it too.
func (c *Consumer) ackAndDelete(ctx context.Context, id string) error {
	failpoint.Hit(failpoint.AckBefore)
	if _, err := c.conn.Run(ctx, ackScript, []string{c.cfg.Stream}, c.cfg.Group, id, c.cfg.Shared); err != nil {
		return fmt.Errorf("acknowledge %s: %w", id, err)
	}
	failpoint.Hit(failpoint.AckDone)
	return nil
}

// deadLetter moves an entry to the dead letters in one step: it is never in neither place, and never in both.
func (c *Consumer) deadLetter(ctx context.Context, message redis.XMessage, cause error) error {
	payload, _ := message.Values[Field].(string)
	failpoint.Hit(failpoint.BuryBefore)
	if c.cfg.OnDeadLetter != nil {
		if err := c.cfg.OnDeadLetter(ctx, []byte(payload), cause); err != nil {
			return fmt.Errorf("before the dead letter of %s: %w", message.ID, err)
		}
	}
	failpoint.Hit(failpoint.BuryTold)
	_, err := c.conn.Run(ctx, deadLetterScript, []string{c.cfg.Stream, c.cfg.DeadLetters}, c.cfg.Group, message.ID,
		payload,
		c.deliveries(ctx, message.ID), cause.Error(), deadLetterCap, c.cfg.Shared)
	if err != nil {
		return fmt.Errorf("write dead letter of %s: %w", message.ID, err)
	}
	failpoint.Hit(failpoint.BuryStored)
	c.log.ErrorContext(ctx, "dead-lettered", "entry", message.ID, "error", cause.Error())
	return nil
}

// deliveries returns how often an entry was delivered, 0 when that can't be found out.
func (c *Consumer) deliveries(ctx context.Context, id string) int64 {
	pending, err := c.conn.Main.XPendingExt(ctx, &redis.XPendingExtArgs{
		Stream: c.cfg.Stream, Group: c.cfg.Group,
		Start: id, End: id, Count: 1,
	}).Result()
	if err != nil || len(pending) == 0 {
		return 0
	}
	return pending[0].RetryCount
}

// reclaim takes over what others left behind and what failed here, and gives up what was delivered too often.
func (c *Consumer) reclaim(ctx context.Context, handle Handler) {
	ticker := time.NewTicker(min(c.cfg.ClaimIdle/reclaimsPerIdle, longestReclaim))
	defer ticker.Stop()
	for {
		if err := c.claim(ctx, handle); err != nil && ctx.Err() == nil {
			c.complain(ctx, "taking over failed", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (c *Consumer) claim(ctx context.Context, handle Handler) error {
	silent, err := c.pending(ctx, "", c.cfg.ClaimIdle)
	if err != nil {
		return err
	}
	failed, err := c.pending(ctx, c.cfg.Name, errorPause)
	if err != nil {
		return err
	}
	for _, entry := range silent { // trouble with one is no reason to leave the others
		err = errors.Join(err, c.takeOver(ctx, entry, c.cfg.ClaimIdle, handle))
	}
	for _, entry := range failed {
		if pause := c.pauseAfter(entry.RetryCount); entry.Idle >= pause {
			err = errors.Join(err, c.takeOver(ctx, entry, pause, handle))
		}
	}
	return err
}

// pending lists entries that have been left alone for a while, all or those of one consumer.
func (c *Consumer) pending(ctx context.Context, consumer string, idle time.Duration) ([]redis.XPendingExt, error) {
	entries, err := c.conn.Main.XPendingExt(ctx, &redis.XPendingExtArgs{
		Stream: c.cfg.Stream, Group: c.cfg.Group, Consumer: consumer, Idle: idle, Start: "-", End: "+", Count: claimBatch,
	}).Result()
	if redis.HasErrorPrefix(err, "NOGROUP") {
		return nil, nil // the reader makes it
	}
	return entries, err
}

// pauseAfter is how long an entry rests that has failed here so often. It is never longer than others would wait for
// it.
func (c *Consumer) pauseAfter(deliveries int64) time.Duration {
	pause := errorPause
	for range deliveries - 1 {
		if pause >= c.cfg.ClaimIdle {
			break
		}
		pause *= 2
	}
	return min(pause, c.cfg.ClaimIdle)
}

// takeOver waits for a place before it claims: an entry that is claimed counts as delivered, and one that nobody has
// room for shall not come to its end by that.
func (c *Consumer) takeOver(ctx context.Context, entry redis.XPendingExt, idle time.Duration, handle Handler) error {
	if !c.begin(entry.ID) {
		return nil
	}
	select {
	case <-ctx.Done():
		c.end(entry.ID)
		return nil
	case c.slots <- struct{}{}:
	}
	messages, err := c.conn.Main.XClaim(ctx, &redis.XClaimArgs{
		Stream: c.cfg.Stream, Group: c.cfg.Group, Consumer: c.cfg.Name, MinIdle: idle, Messages: []string{entry.ID},
	}).Result()
	if err != nil || len(messages) == 0 {
		c.end(entry.ID)
		<-c.slots
		return err
	}
	if entry.Consumer != c.cfg.Name {
		c.log.WarnContext(ctx, "an entry is taken over from a consumer that fell silent", "entry", entry.ID, "consumer",
			entry.Consumer, "silent_for", entry.Idle.Round(time.Second).String(), "deliveries", entry.RetryCount)
	}
	if entry.RetryCount >= c.cfg.MaxDelivered {
		defer func() { c.end(entry.ID); <-c.slots }()
		return c.deadLetter(ctx, messages[0], fmt.Errorf("%w: delivered %d times without success", ErrPoison,
			entry.RetryCount))
	}
	c.tasks.Go(func() {
		defer func() { <-c.slots }()
		c.process(ctx, messages[0], handle)
	})
	return nil
}

// recover makes the group where there is none, from the beginning of the stream, and pauses after any other trouble.
func (c *Consumer) recover(ctx context.Context, cause error, pause time.Duration) {
	if ctx.Err() != nil {
		return
	}
	if redis.HasErrorPrefix(cause, "NOGROUP") {
		err := c.conn.Main.XGroupCreateMkStream(ctx, c.cfg.Stream, c.cfg.Group, "0").Err()
		if err == nil && c.found {
			c.log.WarnContext(ctx, "the consumer group was gone, and was made anew: all that is in the stream is read again",
				"group", c.cfg.Group)
		}
		if err == nil || redis.HasErrorPrefix(err, "BUSYGROUP") {
			return
		}
		cause = err
	}
	c.complain(ctx, "reading failed", cause)
	timer := time.NewTimer(pause/2 + rand.N(pause/2))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// complain logs what went wrong. That Redis is away is said once, by whoever notices it.
func (c *Consumer) complain(ctx context.Context, message string, err error, attrs ...any) {
	if redisconn.Unreachable(err) {
		c.conn.Away(ctx, c.log, err)
		return
	}
	c.log.WarnContext(ctx, message, append(attrs, //nolint:sloglint // constants of the callers
		"error", err.Error())...)
}
