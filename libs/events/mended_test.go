package events_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/testkit/redistest"
)

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// of returns the lines that say something.
func (l *lines) of(what string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, what) {
			found = append(found, line)
		}
	}
	return found
}

// TestWhatIsMendedIsTold: a group that somebody has taken away is made anew, and an entry is taken over that a dead
// consumer had, by itself, and each is a line of the log. That there was no group yet is none.
func TestWhatIsMendedIsTold(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		const renewed, taken = "the consumer group was gone", "an entry is taken over"
		log := &lines{}
		ctx, end := context.WithCancel(t.Context())
		consumer := events.NewConsumer(config("a", soon), conn, slog.New(slog.NewTextHandler(log, nil)),
			make(chan struct{}, 1))
		j, done := newJournal(), make(chan error, 1)
		go func() { done <- consumer.Run(ctx, j.handle) }()
		t.Cleanup(func() {
			end()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("the consumer ended with %v", err)
			}
		})
		add(t, conn, "1")
		j.expect(t, "1")
		untilSettled(t, conn)
		if told := append(log.of(renewed), log.of(taken)...); len(told) != 0 {
			t.Errorf("nothing was mended, and it says %q", told)
		}
		if err := conn.Main.XGroupDestroy(t.Context(), stream, group).Err(); err != nil {
			t.Fatal(err)
		}
		add(t, conn, "2")
		j.expect(t, "2")
		untilSettled(t, conn)
		if told := log.of(renewed); len(told) != 1 || !strings.Contains(told[0], group) {
			t.Errorf("the group was taken away, and it says %q", told)
		}
		abandon(t, conn, "3")
		j.expect(t, "3")
		untilSettled(t, conn)
		if told := log.of(taken); len(told) != 1 || !strings.Contains(told[0], "consumer=dead") {
			t.Errorf("a consumer had died, and it says %q", told)
		}
	})
}
