package events

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
)

// DeadLetter is an entry that could not be handled.
type DeadLetter struct {
	ID         string // in the stream of dead letters
	Stream     string // it came from
	Entry      string // its id there
	Deliveries int64
	Error      string
	Payload    []byte
}

// DeadLetters is one stream of them.
type DeadLetters struct {
	conn *redisconn.Conn
	key  string
}

// NewDeadLetters returns access to a stream.
func NewDeadLetters(conn *redisconn.Conn, key string) *DeadLetters {
	return &DeadLetters{conn: conn, key: key}
}

// FromOldest is where a list of dead letters begins that leaves none out.
const FromOldest = "-"

// List reads the oldest ones from an id on; with "(" before it that one is left out.
func (d *DeadLetters) List(ctx context.Context, from string, limit int64) ([]DeadLetter, error) {
	messages, err := redisconn.Repeat(ctx, func() ([]redis.XMessage, error) {
		return d.conn.Main.XRangeN(ctx, d.key, from, "+", limit).Result()
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.key, err)
	}
	out := make([]DeadLetter, len(messages))
	for i, m := range messages {
		out[i] = letter(m)
	}
	return out, nil
}

// Get reads one. It is NOT_FOUND when it is not there, or not any more.
func (d *DeadLetters) Get(ctx context.Context, id string) (DeadLetter, error) {
	if _, err := milliseconds(id); err != nil {
		return DeadLetter{}, missing(id)
	}
	messages, err := redisconn.Repeat(ctx, func() ([]redis.XMessage, error) {
		return d.conn.Main.XRange(ctx, d.key, id, id).Result()
	})
	if err != nil {
		return DeadLetter{}, fmt.Errorf("read %s: %w", d.key, err)
	}
	if len(messages) == 0 {
		return DeadLetter{}, missing(id)
	}
	return letter(messages[0]), nil
}

func missing(id string) error {
	return errs.New(errs.DeadLetterNotFound, "There is no dead letter %q.", id).
		WithRemedy("See the list of dead letters; one that was replayed is no longer in it.")
}

// milliseconds reads the time out of the id of an entry.
func milliseconds(id string) (int64, error) {
	ms, number, _ := strings.Cut(id, "-")
	_, err := strconv.ParseUint(number, 10, 64)
	at, timeErr := strconv.ParseInt(ms, 10, 64)
	return at, errors.Join(err, timeErr)
}

// Time is when it was given up.
func (l DeadLetter) Time() time.Time {
	ms, err := milliseconds(l.ID)
	if err != nil {
		return time.Time{} // Redis gives no such id
	}
	return time.UnixMilli(ms)
}

func letter(m redis.XMessage) DeadLetter {
	text := func(field string) string { value, _ := m.Values[field].(string); return value }
	deliveries, err := strconv.ParseInt(text("deliveries"), 10, 64)
	if err != nil {
		deliveries = 0 // not known when it was given up
	}
	return DeadLetter{
		ID: m.ID, Stream: text("origin"), Entry: text("entry"), Deliveries: deliveries, Error: text("error"),
		Payload: []byte(text(Field)),
	}
}

// Replay puts one back into the stream that it came from. It reports whether it did: once for each.
func (d *DeadLetters) Replay(ctx context.Context, l DeadLetter) (bool, error) {
	reply, err := d.conn.Run(ctx, replayScript, []string{l.Stream, d.key}, l.ID, l.Payload)
	if err != nil {
		return false, fmt.Errorf("replay dead letter %s: %w", l.ID, err)
	}
	return reply == int64(1), nil
}

// Remove takes one away that needs nothing any more.
func (d *DeadLetters) Remove(ctx context.Context, id string) error {
	_, err := redisconn.Repeat(ctx, func() (int64, error) { return d.conn.Main.XDel(ctx, d.key, id).Result() })
	if err != nil {
		return fmt.Errorf("remove dead letter %s: %w", id, err)
	}
	return nil
}
