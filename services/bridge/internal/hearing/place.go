package hearing

import (
	"cmp"
	"slices"
	"time"
)

const (
	// window is for how long somebody's transaction in NetBox may be open without its changes being missed in the change
	// log: entries have their numbers before they can be seen.
	window = 5 * time.Minute
	// markPeriod is the least time between two marks, but for the newest.
	markPeriod = 20 * time.Second
	// mostMarks bounds how many are kept. Beyond that every other one goes.
	mostMarks = 200
	// overlap is for how long it is remembered what one source has told, so that the other one does not tell it again,
	// and longestGap the longest time after which a source goes on where it was left. It is shorter.
	overlap    = 24 * time.Hour
	longestGap = 12 * time.Hour
)

// place is how far NetBox has been heard, for the fabrics of a shard.
type place struct {
	shard   int
	version int64
	// feed is the place in the feed; empty for none.
	feed   string
	feedAt time.Time // when it was read to its end
	// marks are places in the change log; none where it has not been begun.
	marks []mark
	// done is until when all was heard that was told, in our time and in NetBox's.
	done moment
}

// moment is one by two clocks, in milliseconds: one of them may jump.
type moment struct {
	At    int64 `json:"at"`
	Clock int64 `json:"clock"` // NetBox's
}

// mark says that an entry of the change log was there at a moment.
type mark struct {
	moment
	ID int64 `json:"id"`
}

func momentOf(at, clock time.Time) moment { return moment{at.UnixMilli(), clock.UnixMilli()} }

// before reports whether a moment is earlier than another one by a time, by both clocks.
func (m moment) before(other moment, by time.Duration) bool {
	return m.At <= other.At-by.Milliseconds() && m.Clock <= other.Clock-by.Milliseconds()
}

// base returns the index of the mark from which on entries have to be read that may not have been: numbers that are
// smaller were given before it. What was seen then and could not be read until done was in a transaction that was open
// for as long as the window.
func (p *place) base() int {
	for i, m := range slices.Backward(p.marks) {
		if m.before(p.done, window) {
			return i
		}
	}
	return 0
}

// from returns the number of the change log from which on it has to be read.
func (p *place) from() int64 { return p.marks[p.base()].ID }

// newest returns the newest mark.
func (p *place) newest() mark { return p.marks[len(p.marks)-1] }

// mark remembers the newest number of the change log, and forgets what is not needed any more.
func (p *place) mark(m mark) {
	m.ID = max(m.ID, p.newest().ID)
	if n := len(p.marks); n > 1 && m.At-p.marks[n-2].At < markPeriod.Milliseconds() {
		p.marks = p.marks[:n-1]
	}
	p.marks = append(p.marks, m)
	p.marks = slices.Clone(p.marks[p.base():])
	if len(p.marks) > mostMarks {
		thin := p.marks[:0]
		for i, m := range p.marks {
			if i%2 == 0 || i == len(p.marks)-1 {
				thin = append(thin, m)
			}
		}
		p.marks = thin
	}
}

// tooOld reports whether the change log was not looked at for so long while the feed was heard, or the feed while the
// change log was, that what one has told is not known any more when the other one tells it.
func (p *place) tooOld() (feed, log bool) {
	if p.feed == "" || len(p.marks) == 0 {
		return false, false
	}
	apart := time.Duration(p.feedAt.UnixMilli()-p.newest().At) * time.Millisecond
	return apart < -longestGap, apart > longestGap
}

// least returns the smallest of what places have, by an order.
func least[T any](places []*place, of func(*place) T, compare func(a, b T) int) T {
	out := of(places[0])
	for _, p := range places[1:] {
		if one := of(p); compare(one, out) < 0 {
			out = one
		}
	}
	return out
}

func leastNumber(places []*place, of func(*place) int64) int64 {
	return least(places, of, cmp.Compare[int64])
}
