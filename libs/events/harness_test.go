package events_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

const (
	stream = "fgd:{1}:work"
	dead   = "fgd:{1}:dead-letters"
	group  = "orchestrators"
	never  = time.Hour // nothing is taken over within a test
	soon   = 200 * time.Millisecond
)

func config(name string, claimIdle time.Duration) events.ConsumerConfig {
	return events.ConsumerConfig{
		Stream: stream, DeadLetters: dead, Group: group, Name: name, ClaimIdle: claimIdle,
		MaxDelivered: 3,
	}
}

// running is a consumer at work.
type running struct {
	t    *testing.T
	end  context.CancelFunc
	done chan error
}

func run(t *testing.T, conn *redisconn.Conn, cfg events.ConsumerConfig, slots int, handle events.Handler) *running {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	r := &running{t: t, end: end, done: make(chan error, 1)}
	consumer := events.NewConsumer(cfg, conn, slog.New(slog.DiscardHandler), make(chan struct{}, slots))
	go func() { r.done <- consumer.Run(ctx, handle) }()
	t.Cleanup(r.stop)
	return r
}

// stop ends the consumer and waits for it.
func (r *running) stop() {
	r.end()
	if err, open := <-r.done; open {
		close(r.done)
		if !errors.Is(err, context.Canceled) {
			r.t.Errorf("the consumer ended with %v", err)
		}
	}
}

// journal is what handlers were given, in order.
type journal struct {
	mu   sync.Mutex
	got  []string
	news chan string
}

func newJournal() *journal { return &journal{news: make(chan string, 1000)} }

func (j *journal) note(payload []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.got = append(j.got, string(payload))
	j.news <- string(payload)
}

func (j *journal) handle(_ context.Context, payload []byte) error {
	j.note(payload)
	return nil
}

func (j *journal) count(payload string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, p := range j.got {
		if p == payload {
			n++
		}
	}
	return n
}

// expect waits for the next entry that is handled.
func (j *journal) expect(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for range want {
		got = append(got, <-j.news)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("handled %v, want %v", got, want)
	}
}

// expectEach waits for entries that are handled in whatever order.
func (j *journal) expectEach(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for range want {
		got = append(got, <-j.news)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("handled %v, want each of %v", got, want)
	}
}

func add(t *testing.T, conn *redisconn.Conn, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := conn.Main.XAdd(t.Context(), &redis.XAddArgs{Stream: stream, Values: []any{events.Field, p}}).
			Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func createGroup(t *testing.T, conn *redisconn.Conn) {
	t.Helper()
	if err := conn.Main.XGroupCreateMkStream(t.Context(), stream, group, "0").Err(); err != nil {
		t.Fatal(err)
	}
}

// read takes an entry and does nothing with it, as a consumer does that dies then.
func read(t *testing.T, conn *redisconn.Conn, name string) {
	t.Helper()
	got, err := conn.Main.XReadGroup(t.Context(), &redis.XReadGroupArgs{
		Group: group, Consumer: name,
		Streams: []string{stream, ">"}, Count: 1, Block: -1,
	}).Result()
	if err != nil || len(got) != 1 || len(got[0].Messages) != 1 {
		t.Fatalf("read %v, %v", got, err)
	}
}

// until waits for something in Redis that gives no signal.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, t.Context().Err())
		case <-ticker.C:
		}
	}
}

// left tells how many entries are in the stream, and how many of them are pending.
func left(t *testing.T, conn *redisconn.Conn) (inStream, pending int64) {
	t.Helper()
	inStream, err := conn.Main.XLen(t.Context(), stream).Result()
	if err != nil {
		t.Fatal(err)
	}
	summary, err := conn.Main.XPending(t.Context(), stream, group).Result()
	switch {
	case redis.HasErrorPrefix(err, "NOGROUP"): // nobody has read yet
		return inStream, 0
	case err != nil:
		t.Fatal(err)
	}
	return inStream, summary.Count
}

func untilSettled(t *testing.T, conn *redisconn.Conn) {
	t.Helper()
	until(t, "everything settled", func() bool {
		inStream, pending := left(t, conn)
		return inStream == 0 && pending == 0
	})
}

func deadLetters(t *testing.T, conn *redisconn.Conn) []map[string]any {
	t.Helper()
	messages, err := conn.Main.XRange(t.Context(), dead, "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	for _, m := range messages {
		out = append(out, m.Values)
	}
	return out
}
