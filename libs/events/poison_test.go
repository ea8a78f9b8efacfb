package events_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/testkit/redistest"
)

func TestPoisonGoesToTheDeadLettersAtOnce(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		add(t, conn, "bad", "good")
		j := newJournal()
		run(t, conn, config("a", never), 1, func(ctx context.Context, payload []byte) error {
			if string(payload) == "bad" {
				return fmt.Errorf("%w: no sync has this shape", events.ErrPoison)
			}
			return j.handle(ctx, payload)
		})
		j.expect(t, "good")
		untilSettled(t, conn)
		letters := deadLetters(t, conn)
		if len(letters) != 1 {
			t.Fatalf("got %v", letters)
		}
		letter := letters[0]
		if letter[events.Field] != "bad" || letter["origin"] != stream || letter["deliveries"] != "1" ||
			!strings.Contains(fmt.Sprint(letter["error"]), "no sync has this shape") ||
			!strings.Contains(fmt.Sprint(letter["entry"]), "-") {
			t.Errorf("got %v", letter)
		}
	})
}

func TestWhatFailsEachTimeGoesToTheDeadLetters(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		add(t, conn, "bad", "good")
		j := newJournal()
		run(t, conn, config("a", soon), 2, func(_ context.Context, payload []byte) error {
			j.note(payload)
			if string(payload) == "bad" {
				return errors.New("never")
			}
			return nil
		})
		untilDead(t, conn, 1)
		add(t, conn, "later")
		untilSettled(t, conn)
		if bad, good, later := j.count("bad"), j.count("good"), j.count("later"); bad != 3 || good != 1 || later != 1 {
			t.Errorf("handled %d, %d and %d times", bad, good, later)
		}
		if letter := deadLetters(t, conn)[0]; letter[events.Field] != "bad" ||
			!strings.Contains(fmt.Sprint(letter["error"]), "3 times") {
			t.Errorf("got %v", letter)
		}
	})
}

func untilDead(t *testing.T, conn *redisconn.Conn, n int) {
	t.Helper()
	until(t, "dead letters", func() bool {
		length, err := conn.Main.XLen(t.Context(), dead).Result()
		return err == nil && int(length) == n
	})
}

func TestAnEntryWithoutItsFieldIsPoison(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		if err := conn.Main.XAdd(t.Context(), &redis.XAddArgs{Stream: stream, Values: []any{"other", "x"}}).
			Err(); err != nil {
			t.Fatal(err)
		}
		add(t, conn, "good")
		j := newJournal()
		run(t, conn, config("a", never), 1, j.handle)
		j.expect(t, "good")
		untilSettled(t, conn)
		if letters := deadLetters(t, conn); len(letters) != 1 || !strings.Contains(fmt.Sprint(letters[0]["error"]), `"e"`) {
			t.Errorf("got %v", letters)
		}
	})
}

// TestNothingIsAcknowledgedBeforeItsDeadLetterIsThere: the dead letters can't be written for a while.
func TestNothingIsAcknowledgedBeforeItsDeadLetterIsThere(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		if err := conn.Main.Set(t.Context(), dead, "in the way", 0).Err(); err != nil {
			t.Fatal(err)
		}
		add(t, conn, "bad")
		j := newJournal()
		run(t, conn, config("a", soon), 1, func(_ context.Context, payload []byte) error {
			j.note(payload)
			return events.ErrPoison
		})
		j.expect(t, "bad", "bad") // delivered again, because the first time it was not settled
		if inStream, pending := left(t, conn); inStream != 1 || pending != 1 {
			t.Errorf("%d entries, %d pending", inStream, pending)
		}
		if err := conn.Main.Del(t.Context(), dead).Err(); err != nil {
			t.Fatal(err)
		}
		untilDead(t, conn, 1)
		untilSettled(t, conn)
	})
}

// TestDeadLettersAreAnnounced: what hears of an entry's death can keep it from being settled.
func TestDeadLettersAreAnnounced(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		var calls atomic.Int32
		cfg := config("a", soon)
		cfg.OnDeadLetter = func(_ context.Context, payload []byte, cause error) error {
			if string(payload) != "bad" || !errors.Is(cause, events.ErrPoison) {
				t.Errorf("heard of %q, %v", payload, cause)
			}
			if calls.Add(1) == 1 {
				return errors.New("not now")
			}
			return nil
		}
		add(t, conn, "bad")
		run(t, conn, cfg, 1, func(context.Context, []byte) error { return events.ErrPoison })
		untilSettled(t, conn)
		if n, letters := calls.Load(), deadLetters(t, conn); n != 2 || len(letters) != 1 {
			t.Errorf("%d calls, letters %v", n, letters)
		}
	})
}

// TestADeadLetterIsMadeOnce: another consumer, which took the entry over, is faster.
func TestADeadLetterIsMadeOnce(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		calls := make(chan struct{}, 1)
		first, second := config("a", never), config("b", never)
		first.OnDeadLetter = func(ctx context.Context, _ []byte, _ error) error {
			defer func() { calls <- struct{}{} }()
			messages, err := conn.Main.XRange(ctx, stream, "-", "+").Result()
			if err != nil || len(messages) != 1 {
				return fmt.Errorf("in the stream: %v, %w", messages, err)
			}
			if err := conn.Main.XClaim(ctx, &redis.XClaimArgs{
				Stream: stream, Group: group, Consumer: second.Name, Messages: []string{messages[0].ID},
			}).Err(); err != nil {
				return err
			}
			run(t, conn, second, 1, func(context.Context, []byte) error { return events.ErrPoison })
			untilDead(t, conn, 1)
			return nil
		}
		add(t, conn, "bad")
		slower := run(t, conn, first, 1, func(context.Context, []byte) error { return events.ErrPoison })
		<-calls
		slower.stop()
		untilSettled(t, conn)
		if letters := deadLetters(t, conn); len(letters) != 1 {
			t.Errorf("dead letters %v", letters)
		}
	})
}

// TestASharedStreamKeepsItsEntries for other groups, those that went to the dead letters too.
func TestASharedStreamKeepsItsEntries(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		add(t, conn, "bad", "good")
		cfg, j := config("a", never), newJournal()
		cfg.Shared = true
		run(t, conn, cfg, 1, func(ctx context.Context, payload []byte) error {
			if string(payload) == "bad" {
				return events.ErrPoison
			}
			return j.handle(ctx, payload)
		})
		j.expect(t, "good")
		until(t, "nothing is pending", func() bool { _, pending := left(t, conn); return pending == 0 })
		if n := conn.Main.XLen(t.Context(), stream).Val(); n != 2 {
			t.Errorf("the stream has %d entries", n)
		}
		if n := len(deadLetters(t, conn)); n != 1 {
			t.Errorf("%d dead letters", n)
		}
	})
}
