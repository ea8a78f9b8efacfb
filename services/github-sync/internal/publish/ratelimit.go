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

// rateLimit keeps the limits, for each repository by itself.
type rateLimit struct {
	limits map[string]int // by host

	mu      sync.Mutex
	windows map[string]*window // by repository
}

func newRateLimit(limits []Limit) *rateLimit {
	g := &rateLimit{limits: map[string]int{}, windows: map[string]*window{}}
	for _, l := range limits {
		g.limits[l.Host] = l.Pushes
	}
	return g
}

// window has as many permits as pushes may go to a repository within a minute. A permit is free again a minute after
// the answer to its push: then no two pushes from it reach the host within a minute, however long they are on their
// way.
type window struct {
	free    []time.Time   // when each permit that nobody has may be taken, the next one first
	changed chan struct{} // closed when a permit is given back
	permits int
}

// rested reports whether all permits may be taken, as in a window that nobody knows.
func (w *window) rested() bool {
	return len(w.free) == w.permits && !w.free[w.permits-1].After(time.Now())
}

// permit is the right to push once.
type permit struct {
	rateLimit  *rateLimit // nil where pushes are not limited
	repository string
	free       time.Time
	used       bool
}

// acquire takes a permit for a push. When none is free it says when one will be, if that is known, and what is closed
// when that changes.
func (g *rateLimit) acquire(l remote.Location) (*permit, time.Time, <-chan struct{}) {
	pushes := g.limits[l.Host]
	if pushes == 0 {
		return &permit{}, time.Time{}, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.windows[l.Key]
	if w == nil {
		maps.DeleteFunc(g.windows, func(_ string, w *window) bool { return w.rested() })
		w = &window{permits: pushes, free: make([]time.Time, pushes), changed: make(chan struct{})}
		g.windows[l.Key] = w
	}
	if len(w.free) == 0 {
		return nil, time.Time{}, w.changed
	}
	if next := w.free[0]; next.After(time.Now()) {
		return nil, next, w.changed
	}
	taken := &permit{rateLimit: g, repository: l.Key, free: w.free[0]}
	w.free = w.free[1:]
	return taken, time.Time{}, nil
}

// use says that a push goes out.
func (p *permit) use() { p.used = true }

// release gives a permit back, after the answer to its push or without one.
func (p *permit) release() {
	if p.rateLimit == nil {
		return
	}
	if p.used {
		p.free = time.Now().Add(time.Minute)
	}
	p.rateLimit.mu.Lock()
	defer p.rateLimit.mu.Unlock()
	w := p.rateLimit.windows[p.repository]
	at, _ := slices.BinarySearchFunc(w.free, p.free, time.Time.Compare)
	w.free = slices.Insert(w.free, at, p.free)
	close(w.changed)
	w.changed = make(chan struct{})
}
