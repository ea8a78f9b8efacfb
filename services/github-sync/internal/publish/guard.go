package publish

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"fgdsync.dev/services/github-sync/internal/remote"
)

// Limit is how many pushes a host wants to get for one repository within any minute.
type Limit struct {
	Host   string
	Pushes int
}

// ParseLimit reads HOST=PUSHES.
func ParseLimit(text string) (Limit, bool) {
	host, number, _ := strings.Cut(text, "=")
	pushes, err := strconv.Atoi(number)
	return Limit{strings.ToLower(host), pushes}, err == nil && pushes > 0 && host != ""
}

// guard keeps the limits, for each repository by itself.
type guard struct {
	limits map[string]int // by host

	mu      sync.Mutex
	windows map[string]*window // by repository
}

func newGuard(limits []Limit) *guard {
	g := &guard{limits: map[string]int{}, windows: map[string]*window{}}
	for _, l := range limits {
		g.limits[l.Host] = l.Pushes
	}
	return g
}

// window has as many places as pushes may go to a repository within a minute. A place is free again a minute after the
// answer to its push: then no two pushes from it reach the host within a minute, however long they are on their way.
type window struct {
	free    []time.Time   // when each place that nobody has may be taken, the next one first
	changed chan struct{} // closed when a place is given back
	places  int
}

// rested tells that all places may be taken, as in a window that nobody knows.
func (w *window) rested() bool {
	return len(w.free) == w.places && !w.free[w.places-1].After(time.Now())
}

// place is the right to push once.
type place struct {
	guard      *guard // nil where pushes are not limited
	repository string
	free       time.Time
	used       bool
}

// take takes a place for a push. When none is free it says when one will be, if that is known, and what is closed when
// that changes.
func (g *guard) take(l remote.Location) (*place, time.Time, <-chan struct{}) {
	pushes := g.limits[l.Host]
	if pushes == 0 {
		return &place{}, time.Time{}, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.windows[l.Key]
	if w == nil {
		maps.DeleteFunc(g.windows, func(_ string, w *window) bool { return w.rested() })
		w = &window{places: pushes, free: make([]time.Time, pushes), changed: make(chan struct{})}
		g.windows[l.Key] = w
	}
	if len(w.free) == 0 {
		return nil, time.Time{}, w.changed
	}
	if next := w.free[0]; next.After(time.Now()) {
		return nil, next, w.changed
	}
	taken := &place{guard: g, repository: l.Key, free: w.free[0]}
	w.free = w.free[1:]
	return taken, time.Time{}, nil
}

// use says that a push goes out.
func (p *place) use() { p.used = true }

// giveBack returns a place back, after the answer to its push or without one.
func (p *place) giveBack() {
	if p.guard == nil {
		return
	}
	if p.used {
		p.free = time.Now().Add(time.Minute)
	}
	p.guard.mu.Lock()
	defer p.guard.mu.Unlock()
	w := p.guard.windows[p.repository]
	at, _ := slices.BinarySearchFunc(w.free, p.free, time.Time.Compare)
	w.free = slices.Insert(w.free, at, p.free)
	close(w.changed)
	w.changed = make(chan struct{})
}
