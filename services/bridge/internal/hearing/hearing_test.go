package hearing_test

import (
	"errors"
	"maps"
	"net/http"
	"testing"
	"time"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/testkit/redistest"
)

// TestAChangeIsHeardFromEitherSource on each kind of Redis: with who did it, of linked fabrics alone, and told after it
// is kept.
func TestAChangeIsHeardFromEitherSource(t *testing.T) {
	t.Parallel()
	redistest.Each(t, heardFromEither)
	t.Run("cluster", func(t *testing.T) { heardFromEither(t, redistest.Open(t, redistest.Cluster(t))) })
}

func heardFromEither(t *testing.T, conn *redisconn.Conn) {
	for i, source := range []string{"feed", "log"} {
		w := newWorld(t)
		one, two := int32(101+2*i), int32(102+2*i)
		w.links = map[int64]int32{1: one, 2: two}
		w.netbox.NoFeed(source == "log")
		h := w.listener(conn)
		w.change(entry(1, 7, 1, "before"))
		w.turn(h)
		w.change(entry(2, 7, 1, "r-2"))
		w.change(entry(3, 8, 2, "r-3"))
		w.change(entry(4, 9, 3, "r-4"))
		branch := entry(5, 7, 1, "r-2")
		branch.Branch = "fgdtest0"
		w.change(branch)
		w.turn(h)
		w.turn(h)
		if got := w.told[one]; len(got) != 1 || got[0].User != "ada" || got[0].RequestID != "r-2" ||
			got[0].Identity != (hnp.Identity{Fabric: 1, Namespace: "default", Name: "v7"}) || number(t, got[0]) != 2 {
			t.Errorf("%s: %+v", source, got)
		}
		if got := w.told[two]; len(got) != 1 || number(t, got[0]) != 3 {
			t.Errorf("%s: %+v", source, got)
		}
	}
}

// TestWhereTheLogIsReadFrom: what turns up late in the change log, with a number that is smaller than those that were
// read, is heard as long as it was under way for five minutes at most.
func TestWhereTheLogIsReadFrom(t *testing.T) {
	t.Parallel()
	w, conn := newWorld(t), redistest.Start(t).Conn(t)
	w.netbox.NoFeed(true)
	h := w.listener(conn)
	w.turn(h)
	late := w.netbox.Begin()
	late.Change(entry(1, 1, 1, "late"))
	for n := range 9 {
		w.change(entry(10+n, 2, 1, "r"))
		w.pass(30 * time.Second)
		w.turn(h)
	}
	late.Commit()
	w.pass(25 * time.Second)
	w.turn(h)
	if kept := w.kept(conn, 101); kept[1] != 1 || len(kept) != 10 {
		t.Errorf("kept are %v", kept)
	}
}

// TestTheOtherSourceTakesOver: nothing is missed and nothing comes twice when the feed is gone, also of what it held
// back, and when it is there again.
func TestTheOtherSourceTakesOver(t *testing.T) {
	t.Parallel()
	w, conn := newWorld(t), redistest.Start(t).Conn(t)
	h := w.listener(conn)
	w.turn(h)
	w.turn(h)
	open := w.netbox.Begin()
	open.Change(entry(1, 1, 1, "open"))
	for n := range 30 { // for 15 minutes
		w.change(entry(100+n, 2, 1, "same request"))
		w.pass(30 * time.Second)
		w.turn(h)
	}
	if blocked := h.Status().Blocked; blocked.IsZero() {
		t.Error("nobody says that the feed is held back")
	}
	w.netbox.NoFeed(true)
	w.turn(h)
	if kept := w.kept(conn, 101); len(kept) != 30 {
		t.Errorf("the change log has brought %d of 30", len(kept))
	}
	open.Commit()
	w.pass(time.Minute)
	w.turn(h)
	w.netbox.NoFeed(false)
	for range 3 {
		w.turn(h)
	}
	kept := w.kept(conn, 101)
	delete(kept, 1) // was under way for longer than the change log is read again, and comes from the feed
	for n, times := range kept {
		if times != 1 {
			t.Errorf("%d is there %d times", n, times)
		}
	}
	if len(kept) != 30 || w.kept(conn, 101)[1] != 1 {
		t.Errorf("%d are kept", len(kept))
	}
}

// TestWhoMayNotRead goes without the source, and says so.
func TestWhoMayNotRead(t *testing.T) {
	t.Parallel()
	w, conn := newWorld(t), redistest.Start(t).Conn(t)
	w.netbox.Deny(true, true)
	h := w.listener(conn)
	w.turn(h)
	if s := h.Status(); s.Feed.State != hearing.Denied || s.Log.State != hearing.Denied || s.Feed.Why == "" ||
		w.compared() != 1 {
		t.Errorf("%+v, %d compares", s, w.compared())
	}
	w.netbox.Deny(false, true)
	w.turn(h)
	if s := h.Status(); s.Log.State != hearing.On || w.compared() != 2 {
		t.Errorf("%+v, %d compares", s, w.compared())
	}
	w.netbox.NoFeed(true)
	w.turn(h)
	if s := h.Status(); s.Feed.State != hearing.Missing {
		t.Errorf("%+v", s)
	}
}

// TestEverythingIsCompared at the start, every 15 minutes, when the feed has forgotten what was next, and when Redis
// has lost how far it was read. What can't be compared is not passed over.
func TestEverythingIsCompared(t *testing.T) {
	t.Parallel()
	w, conn := newWorld(t), redistest.Start(t).Conn(t)
	h := w.listener(conn)
	expect := func(what string, compares int) {
		t.Helper()
		if got := w.compared(); got != compares {
			t.Errorf("%s: compared %d times, not %d", what, got, compares)
		}
	}
	w.fails = errors.New("no")
	if err := h.Turn(t.Context()); err == nil {
		t.Error("a compare that failed is passed over")
	}
	w.fails = nil
	w.turn(h)
	expect("at the start", 2)
	w.turn(h)
	expect("at once again", 2)
	w.pass(15 * time.Minute)
	w.turn(h)
	expect("after 15 minutes", 3)
	w.change(entry(1, 1, 1, "r"))
	w.netbox.ForgetFeed()
	w.turn(h)
	expect("after what was forgotten", 4)
	if kept := w.kept(conn, 101); !maps.Equal(kept, map[int]int{1: 1}) {
		t.Errorf("the change log has what the feed forgot: %v", kept)
	}
	if err := conn.Main.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	w.turn(h)
	expect("after a loss", 5)
	w.turn(h)
	expect("and not again", 5)
	h = w.listener(conn)
	w.turn(h)
	expect("at another start", 6)
	w.fails = errors.New("no")
	w.pass(15 * time.Minute)
	w.change(entry(2, 1, 1, "r"))
	if err := h.Turn(t.Context()); err == nil || w.kept(conn, 101)[2] != 1 {
		t.Errorf("%v; while it can't be compared nothing is heard: %v", err, w.kept(conn, 101))
	}
	w.fails = nil
	w.turn(h)
	expect("later", 8)
}

// TestTooMuchOfTheLog behind the place is compared, and the change log is heard from its end on.
func TestTooMuchOfTheLog(t *testing.T) {
	t.Parallel()
	w, conn := newWorld(t), redistest.Start(t).Conn(t)
	w.netbox.NoFeed(true)
	h := w.listener(conn)
	w.turn(h)
	w.change(entry(1, 1, 1, "r"))
	w.pass(time.Minute)
	w.netbox.Break(netboxserver.Fault{
		Path: "/api/core/object-changes/", Times: 1, Status: http.StatusOK, Body: `{"count":1000001,"results":[{"id":1}]}`,
	})
	w.turn(h)
	if s := h.Status(); w.compared() != 2 || s.Log.State != hearing.On {
		t.Errorf("compared %d times; %+v", w.compared(), s)
	}
	w.change(entry(2, 1, 1, "r"))
	w.turn(h)
	if kept := w.kept(conn, 101); !maps.Equal(kept, map[int]int{2: 1}) || w.compared() != 2 {
		t.Errorf("kept are %v; compared %d times", kept, w.compared())
	}
}

// TestOneWhoComesLate keeps nothing: somebody else hears.
func TestOneWhoComesLate(t *testing.T) {
	t.Parallel()
	w, conn := newWorld(t), redistest.Start(t).Conn(t)
	old, next := w.listener(conn), w.listener(conn)
	w.turn(old)
	w.turn(next)
	w.change(entry(1, 1, 1, "r"))
	if err := old.Turn(t.Context()); !errors.Is(err, hearing.ErrFenced) {
		t.Errorf("got %v", err)
	}
	if err := old.Run(t.Context(), 1); !errors.Is(err, hearing.ErrFenced) {
		t.Errorf("got %v", err)
	}
	w.turn(next)
	if kept := w.kept(conn, 101); !maps.Equal(kept, map[int]int{1: 1}) {
		t.Errorf("kept are %v", kept)
	}
}

// TestALostReply is asked for again, and changes nothing: it is kept once, and told.
func TestALostReply(t *testing.T) {
	t.Parallel()
	w, server := newWorld(t), redistest.Start(t)
	lossy := server.Lossy(t)
	conn := lossy.Conn(t)
	h := w.listener(conn)
	w.turn(h)
	w.change(entry(1, 1, 1, "r"))
	lossy.LoseReplyTo("evalsha")
	w.turn(h)
	if kept := w.kept(conn, 101); !maps.Equal(kept, map[int]int{1: 1}) || lossy.Lost() != 1 || len(w.told[101]) != 1 {
		t.Errorf("kept are %v, told %d, lost %d", kept, len(w.told[101]), lossy.Lost())
	}
}

// TestALossBetweenReadingAndKeeping keeps nothing behind a place that is not known any more, and compares.
func TestALossBetweenReadingAndKeeping(t *testing.T) {
	t.Parallel()
	w, conn := newWorld(t), redistest.Start(t).Conn(t)
	h := w.listener(conn)
	w.turn(h)
	w.change(entry(1, 1, 1, "r"))
	h.Interrupt(func(step string) error {
		if step == "keep" {
			return conn.Main.FlushAll(t.Context()).Err()
		}
		return nil
	})
	if err := h.Turn(t.Context()); err == nil || w.compared() != 1 {
		t.Errorf("%v, %d compares", err, w.compared())
	}
	h.Interrupt(func(string) error { return nil })
	w.turn(h)
	if w.compared() != 2 {
		t.Errorf("%d compares", w.compared())
	}
}

// TestWhatWeWrote is not kept, and a record that moves is heard of in both fabrics.
func TestWhatWeWrote(t *testing.T) {
	t.Parallel()
	w, conn := newWorld(t), redistest.Start(t).Conn(t)
	w.netbox.NoFeed(true)
	w.echo = func(c hearing.Change) hearing.Echo {
		if number(t, c) == 1 {
			return hearing.SameContent
		}
		return hearing.NotOurs
	}
	h := w.listener(conn)
	w.turn(h)
	w.change(entry(1, 1, 1, "ours"))
	moved := entry(2, 1, 2, "moved")
	moved.Before = entry(1, 1, 1, "").After
	w.change(moved)
	nothing := entry(3, 1, 2, "nothing")
	nothing.Before = nothing.After
	w.change(nothing)
	w.turn(h)
	for _, fabric := range []int32{101, 102} {
		got := w.told[fabric]
		if len(got) != 1 || number(t, got[0]) != 2 || got[0].Was == nil || got[0].Was.Fabric != 1 ||
			got[0].Identity.Fabric != 2 {
			t.Errorf("fabric %d: %+v", fabric, got)
		}
	}
}

// TestANewLink hears from when it is there on, also in a shard that had none.
func TestANewLink(t *testing.T) {
	t.Parallel()
	w, conn := newWorld(t), redistest.Start(t).Conn(t)
	h := w.listener(conn)
	w.links = map[int64]int32{}
	w.turn(h)
	w.mu.Lock()
	w.links = map[int64]int32{1: 101}
	w.mu.Unlock()
	w.change(entry(1, 1, 1, "r"))
	w.turn(h)
	w.mu.Lock()
	w.links = map[int64]int32{1: 101, 2: 102}
	w.mu.Unlock()
	w.change(entry(2, 1, 1, "r"))
	w.change(entry(3, 2, 2, "r"))
	w.turn(h)
	w.change(entry(4, 2, 2, "r"))
	for range 3 {
		w.turn(h)
	}
	if a, b := w.kept(conn, 101), w.kept(conn, 102); !maps.Equal(a, map[int]int{2: 1}) || b[4] != 1 {
		t.Errorf("%v, %v", a, b)
	}
}

// TestRunWaitsForTheFeed: a change is heard when it is there, and a webhook has the change log read at once.
func TestRunWaitsForTheFeed(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"feed", "log"} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			w, conn := newWorld(t), redistest.Start(t).Conn(t)
			w.netbox.NoFeed(source == "log")
			h := w.listener(conn)
			w.turn(h)
			w.turn(h)
			told := make(chan struct{}, 100)
			w.echo = func(hearing.Change) hearing.Echo { told <- struct{}{}; return hearing.NotOurs }
			w.run(h)
			w.change(entry(1, 1, 1, "r"))
			h.Wake()
			<-told
		})
	}
}
