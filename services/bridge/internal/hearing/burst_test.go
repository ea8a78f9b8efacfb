package hearing_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/testkit/redistest"
)

// burst is changes of a few records by us and by somebody else, whose contents are few and come again.
type burst struct {
	*world
	rt      *rapid.T
	conn    *redisconn.Conn
	hearing *hearing.Hearing
	request int
	records map[int64]*burstRecord
}

// burstRecord is what was done to a record.
type burstRecord struct {
	wrote    int             // by us, last
	says     int             // now
	requests map[string]bool // of ours that are remembered
	differs  bool            // we were told of somebody's change, and saw it
	changes  []burstChange
}

// burstChange is one that was made.
type burstChange struct {
	request    string
	n          int
	ours, lost bool // it is ours, and which request it was is not remembered
}

func (b *burst) of(record int64) *burstRecord {
	if b.records[record] == nil {
		b.records[record] = &burstRecord{requests: map[string]bool{}}
	}
	return b.records[record]
}

// echo says what whoever has written the records knows.
func (b *burst) echo(c hearing.Change) hearing.Echo {
	r := b.of(c.RecordID)
	switch {
	case r.requests[c.RequestID]:
		return hearing.OurRequest
	case !r.differs && number(b.t, c) == r.wrote:
		return hearing.SameContent
	}
	return hearing.NotOurs
}

// write has us or somebody else write a record.
func (b *burst) write(ours bool) {
	record := rapid.Int64Range(1, 2).Draw(b.rt, "record")
	n := rapid.IntRange(1, 3).Draw(b.rt, "content")
	b.request++
	name := fmt.Sprint("r", b.request)
	b.mu.Lock()
	r := b.of(record)
	r.changes, r.says = append(r.changes, burstChange{name, n, ours, false}), n
	if ours {
		r.requests[name], r.wrote, r.differs = true, n, false
	}
	b.mu.Unlock()
	b.change(entry(n, int(record), 1, name))
}

// look has it hear, and tell, or tell later.
func (b *burst) look(later bool) {
	b.mu.Lock()
	b.held = 0
	if later {
		b.held, b.free = 101, make(chan struct{})
	}
	b.mu.Unlock()
	err := b.hearing.Look(b.t.Context())
	if later {
		for range rapid.IntRange(0, 2).Draw(b.rt, "writes meanwhile") {
			b.write(rapid.Bool().Draw(b.rt, "ours"))
		}
		err = errors.Join(err, b.hearing.Look(b.t.Context()))
		close(b.free)
	}
	if err == nil {
		err = b.hearing.Turn(b.t.Context())
	}
	if err != nil {
		b.rt.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.records { // whoever is told looks at the record
		r.differs = r.says != r.wrote
	}
}

// restart has another process hear, which does not know which requests were ours.
func (b *burst) restart() {
	b.mu.Lock()
	for _, r := range b.records {
		r.requests = map[string]bool{}
		for i := range r.changes {
			r.changes[i].lost = true
		}
	}
	b.mu.Unlock()
	b.hearing = b.listener(b.conn)
	b.look(false)
}

// judge holds the law.
func (b *burst) judge() {
	changes, _, err := hearing.Read(b.t.Context(), b.conn, 101, "0", 100_000)
	if err != nil {
		b.rt.Fatal(err)
	}
	kept := map[string]int{}
	for _, c := range changes {
		kept[c.RequestID]++
	}
	for id, r := range b.records {
		differs, written := false, map[int]bool{}
		for _, c := range r.changes {
			written[c.n] = written[c.n] || c.ours
		}
		for i, c := range r.changes {
			times, last := kept[c.request], i == len(r.changes)-1
			switch {
			case c.ours:
				differs = false
			case times > 0:
				differs = true
			}
			if times > 1 || c.ours && !c.lost && times > 0 || !c.ours && !written[c.n] && times == 0 ||
				!c.ours && last && differs && times == 0 {
				b.rt.Fatalf("of record %d, %s was kept %d times; it had %+v, kept are %v", id, c.request, times, r.changes, kept)
			}
		}
	}
}

// TestABurstIsHeardWhole is the law of echoes: of what somebody else does to a record everything is kept once, and
// where something of that is kept, so is the last, also when the record says again what we wrote; what a request of
// ours did is not kept, whatever came after it.
func TestABurstIsHeardWhole(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	rapid.Check(t, func(rt *rapid.T) {
		if err := conn.Main.FlushAll(t.Context()).Err(); err != nil {
			rt.Fatal(err)
		}
		b := &burst{world: newWorld(t), rt: rt, conn: conn, records: map[int64]*burstRecord{}}
		b.world.echo = b.echo
		b.netbox.NoFeed(rapid.Bool().Draw(rt, "log"))
		b.hearing = b.listener(conn)
		b.look(false)
		rt.Repeat(map[string]func(*rapid.T){
			"we write":        func(*rapid.T) { b.write(true) },
			"somebody writes": func(*rapid.T) { b.write(false) },
			"look":            func(*rapid.T) { b.look(false) },
			"told later":      func(*rapid.T) { b.look(true) },
			"restart":         func(*rapid.T) { b.restart() },
		})
		b.look(false)
		b.look(false)
		b.judge()
	})
}

// TestAThenBThenA within a page: that the record says again what we wrote is kept as well.
func TestAThenBThenA(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"feed", "log"} {
		w, conn := newWorld(t), redistest.Start(t).Conn(t)
		w.netbox.NoFeed(source == "log")
		w.echo = func(c hearing.Change) hearing.Echo {
			switch {
			case c.RequestID == "ours":
				return hearing.OurRequest
			case number(t, c) == 1:
				return hearing.SameContent
			}
			return hearing.NotOurs
		}
		h := w.listener(conn)
		w.turn(h)
		for n, by := range []string{"ours", "b", "a"} {
			w.change(entry(1+n%2, 1, 1, by))
		}
		w.turn(h)
		w.turn(h)
		if told := w.told[101]; len(told) != 2 || number(t, told[0]) != 2 || number(t, told[1]) != 1 {
			t.Errorf("%s: told is %+v", source, told)
		}
	}
}
