package hearing_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/testkit/redistest"
)

// deafen has telling of a fabric fail, or of none.
func (w *world) deafen(fabric int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf, w.tried = fabric, make(chan struct{}, 100)
}

// TestTellingFailsForOneFabric: it is told again alone, after longer and longer pauses, and the others are heard and
// told of as if nothing were.
func TestTellingFailsForOneFabric(t *testing.T) {
	t.Parallel()
	w, conn := newWorld(t), redistest.Start(t).Conn(t)
	h := w.listener(conn)
	w.turn(h)
	w.deafen(101)
	expect := func(what string, tries, others int) {
		t.Helper()
		if len(w.tried) != tries || len(w.told[102]) != others {
			t.Errorf("%s: tried %d times, told %d of the other; want %d and %d", what, len(w.tried), len(w.told[102]),
				tries, others)
		}
	}
	for n := range 3 {
		w.change(entry(10+n, 1, 1, "r"))
		w.change(entry(20+n, 2, 2, "r"))
		if err := h.Look(t.Context()); err != nil {
			t.Errorf("because of one fabric, hearing fails: %v", err)
		}
		if err := h.Turn(t.Context()); err == nil {
			t.Error("nobody knows that something is to be told later")
		}
		expect("without a pause", 1, n+1)
	}
	for seconds, tries := range []int{1, 2, 2, 3, 3, 3, 3, 4} { // after 1, 2, and 4 seconds
		_ = h.Turn(t.Context()) // of that fabric, it fails
		expect("after pauses", tries, 3)
		if w.pass(time.Second); seconds == 7 {
			w.deafen(0)
		}
	}
	w.pass(time.Minute)
	w.turn(h)
	if told := w.told[101]; len(told) != 3 {
		t.Errorf("told are %d", len(told))
	}
}

// TestWhatCannotBeRead of one fabric keeps nobody from hearing of the others.
func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	w, conn := newWorld(t), redistest.Start(t).Conn(t)
	broken := &redis.XAddArgs{Stream: hearing.HeardStream(101), Values: []any{events.Field, "{"}}
	if err := conn.Main.XAdd(t.Context(), broken).Err(); err != nil {
		t.Fatal(err)
	}
	h := w.listener(conn)
	for n := range 2 {
		if err := h.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.change(entry(n, 2, 2, "r"))
	}
	_ = h.Turn(t.Context())
	if len(w.told[102]) != 2 {
		t.Errorf("of the other fabric are told %d", len(w.told[102]))
	}
}

// TestRunTellsLater: whoever could not be told is told while nothing else happens.
func TestRunTellsLater(t *testing.T) {
	t.Parallel()
	w, conn := newWorld(t), redistest.Start(t).Conn(t)
	h := w.listener(conn)
	w.turn(h)
	w.turn(h)
	w.deafen(101)
	tried := w.tried
	w.run(h)
	w.change(entry(1, 1, 1, "r"))
	<-tried
	w.pass(time.Second)
	<-tried
}
