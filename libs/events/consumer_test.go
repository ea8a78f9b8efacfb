package events_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/testkit/redistest"
)

func TestEntriesAreHandledInOrderAndSettled(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		add(t, conn, "1", "2", "3") // before there is a group
		j := newJournal()
		r := run(t, conn, config("a", never), 1, j.handle)
		j.expect(t, "1", "2", "3")
		add(t, conn, "4")
		j.expect(t, "4")
		untilSettled(t, conn)
		r.stop()
		if n := len(deadLetters(t, conn)); n != 0 {
			t.Errorf("%d dead letters", n)
		}
	})
}

func TestAShutdownHandsBack(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		add(t, conn, "1")
		began := make(chan struct{})
		r := run(t, conn, config("a", never), 4, func(ctx context.Context, _ []byte) error {
			began <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		})
		<-began
		add(t, conn, "2")
		<-began
		r.stop()
		if _, pending := left(t, conn); pending != 2 {
			t.Fatalf("%d entries are pending", pending)
		}
		// The same consumer again: what it had comes first.
		j := newJournal()
		run(t, conn, config("a", never), 1, j.handle)
		j.expect(t, "1", "2")
		untilSettled(t, conn)
	})
}

// TestAnEffectIsSettledAfterTheEnd: a handler that was done when the shutdown came is not run again.
func TestAnEffectIsSettledAfterTheEnd(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		add(t, conn, "1")
		began := make(chan struct{})
		r := run(t, conn, config("a", never), 4, func(ctx context.Context, _ []byte) error {
			close(began)
			<-ctx.Done()
			return nil
		})
		<-began
		r.stop()
		if inStream, pending := left(t, conn); inStream+pending != 0 {
			t.Errorf("%d entries, %d pending", inStream, pending)
		}
	})
}

func TestOthersTakeOverWhatADeadConsumerHad(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		createGroup(t, conn)
		add(t, conn, "1", "2")
		read(t, conn, "dead")
		j := newJournal()
		run(t, conn, config("b", soon), 2, j.handle)
		j.expectEach(t, "1", "2") // the abandoned one may be taken over before the new one is read
		untilSettled(t, conn)
	})
}

// TestALongHandlerIsLeftAlone: entries of a dead consumer are taken over again and again, while one that is handled all
// the time is not, although it was read before them.
func TestALongHandlerIsLeftAlone(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		j := newJournal()
		add(t, conn, "long")
		began, release := make(chan struct{}, 2), make(chan struct{})
		run(t, conn, config("a", soon), 1, func(_ context.Context, payload []byte) error {
			began <- struct{}{}
			<-release
			j.note(payload)
			return nil
		})
		<-began
		letGo := sync.OnceFunc(func() { close(release) })
		t.Cleanup(letGo)
		run(t, conn, config("b", soon), 4, j.handle)
		for i := range 3 {
			payload := fmt.Sprint("dead", i)
			next := payload + "'"
			abandon(t, conn, payload)
			j.expect(t, payload)
			add(t, conn, next)
			j.expect(t, next)
		}
		if n := j.count("long"); n != 0 {
			t.Errorf("handled %d times by others while it was being handled", n)
		}
		letGo()
		j.expect(t, "long")
		untilSettled(t, conn)
		if n := j.count("long"); n != 1 {
			t.Errorf("handled %d times", n)
		}
	})
}

// abandon leaves an entry pending at a consumer that is no more.
func abandon(t *testing.T, conn *redisconn.Conn, payload string) {
	t.Helper()
	err := conn.Main.Eval(t.Context(), `
local id = redis.call('XADD', KEYS[1], '*', 'e', ARGV[2])
redis.call('XREADGROUP', 'GROUP', ARGV[1], 'dead', 'COUNT', '1', 'STREAMS', KEYS[1], '>')
return id`, []string{stream}, group, payload).Err()
	if err != nil {
		t.Fatal(err)
	}
}

// TestNothingIsClaimedWithoutAPlace: a consumer that has no room leaves an entry and its count to others.
func TestNothingIsClaimedWithoutAPlace(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	createGroup(t, conn)
	began, release := make(chan struct{}), make(chan struct{})
	add(t, conn, "in the way")
	run(t, conn, config("busy", soon), 1, func(context.Context, []byte) error {
		close(began)
		<-release
		return nil
	})
	<-began
	abandon(t, conn, "dead")
	count := func() int64 {
		pending, err := conn.Main.XPendingExt(t.Context(), &redis.XPendingExtArgs{
			Stream: stream, Group: group, Start: "-",
			End: "+", Count: 10,
		}).Result()
		if err != nil || len(pending) != 2 || pending[1].Idle < 2*soon {
			return 0
		}
		return pending[1].RetryCount
	}
	delivered := int64(0)
	until(t, "the busy one had its chance", func() bool {
		delivered = count()
		return delivered > 0
	})
	if delivered != 1 {
		t.Errorf("delivered %d times; once to the dead one was due", delivered)
	}
	taken := make(chan struct{}, 10) // a free one that is slow is taken for dead too
	run(t, conn, config("free", soon), 2, func(context.Context, []byte) error {
		taken <- struct{}{}
		return nil
	})
	<-taken
	close(release)
	untilSettled(t, conn)
}

func TestSlotsBoundWhatRunsAtOnce(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		const slots, n = 3, 30
		var now, most atomic.Int32
		j := newJournal()
		for i := range n {
			add(t, conn, fmt.Sprint(i))
		}
		run(t, conn, config("a", never), slots, func(ctx context.Context, payload []byte) error {
			at := now.Add(1)
			defer now.Add(-1)
			for seen := most.Load(); at > seen && !most.CompareAndSwap(seen, at); seen = most.Load() {
			}
			j.note(payload)
			return nil
		})
		for range n {
			<-j.news
		}
		if most.Load() > slots {
			t.Errorf("%d at once, with %d slots", most.Load(), slots)
		}
		untilSettled(t, conn)
	})
}

func TestManyConsumersShareTheWork(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		j := newJournal()
		for i := range 3 {
			run(t, conn, config(fmt.Sprint("c", i), never), 2, j.handle)
		}
		const n = 60
		for i := range n {
			add(t, conn, fmt.Sprint(i))
		}
		for range n {
			<-j.news
		}
		untilSettled(t, conn)
		for i := range n {
			if times := j.count(fmt.Sprint(i)); times != 1 {
				t.Errorf("entry %d was handled %d times", i, times)
			}
		}
	})
}

// TestAFailureIsTriedAgainWithoutTheOthers: what failed here is tried again here, long before others take it over.
func TestAFailureIsTriedAgainWithoutTheOthers(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		j := newJournal()
		add(t, conn, "fails once")
		run(t, conn, config("a", never), 1, func(_ context.Context, payload []byte) error {
			j.note(payload)
			if j.count(string(payload)) == 1 {
				return errors.New("Redis is away")
			}
			return nil
		})
		j.expect(t, "fails once", "fails once")
		untilSettled(t, conn)
	})
}

func TestAFailureIsTriedAgainAndAPanicIsOne(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		j := newJournal()
		add(t, conn, "fails once", "panics once", "works")
		run(t, conn, config("a", soon), 1, func(_ context.Context, payload []byte) error {
			j.note(payload)
			switch {
			case j.count(string(payload)) > 1:
				return nil
			case string(payload) == "fails once":
				return errors.New("not now")
			case string(payload) == "panics once":
				panic("a defect")
			}
			return nil
		})
		j.expect(t, "fails once", "panics once", "works")
		untilSettled(t, conn)
		if a, b, c := j.count("fails once"), j.count("panics once"), j.count("works"); a != 2 || b != 2 || c != 1 {
			t.Errorf("handled %d, %d and %d times", a, b, c)
		}
		if n := len(deadLetters(t, conn)); n != 0 {
			t.Errorf("%d dead letters", n)
		}
	})
}
