package outbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/bridge/internal/hnp"
)

const (
	// mostRequests is how many requests one NetBox gets at the same time.
	mostRequests = 4
	// windowRequests is after how many requests of a kind it is decided whether there may be more or fewer.
	windowRequests = 20
	// slowdown is by which factor requests may take longer than they did at best before there are fewer of them.
	slowdown = 3
	// restAfter is after how many requests in a row without an answer a NetBox is left alone, for restTime.
	restAfter = 5
	restTime  = 15 * time.Second
)

// gate is the way of all requests to one NetBox. It lets some through at a time, fewer when they take longer, and none
// for a while when nobody answers.
type gate struct {
	next    http.RoundTripper
	breaker *gobreaker.CircuitBreaker[struct{}]
	now     func() time.Time

	mu      sync.Mutex
	limit   int
	busy    int
	waiting []chan struct{}
	windows map[string]*window // by kind of request
}

// window is how long the last requests of a kind took.
type window struct {
	took []time.Duration
	best time.Duration // of the 95th percentiles, as far as it is not long ago
}

// gates are those of all NetBoxes, by their addresses: whatever token a request has, it has one way.
type gates struct {
	mu    sync.Mutex
	byURL map[string]*gate
}

// of returns the way to a NetBox.
func (all *gates) of(url string, next http.RoundTripper, now func() time.Time) *gate {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.byURL[url] == nil {
		all.byURL[url] = newGate(url, next, now)
	}
	return all.byURL[url]
}

func newGate(name string, next http.RoundTripper, now func() time.Time) *gate {
	return &gate{
		next: next, now: now, limit: mostRequests / 2, windows: map[string]*window{},
		breaker: gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
			Name: name, Timeout: restTime,
			ReadyToTrip: func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= restAfter },
			IsSuccessful: func(err error) bool {
				return err == nil || errors.Is(err, context.Canceled) || errs.HasCode(err, errs.RemoteRefused)
			},
		}),
	}
}

var errUnavailable = errors.New("nobody answers for NetBox")

// RoundTrip makes a request when it is its turn. The turn ends when the answer has been read.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Has("wait") { // it waits for something to happen, and costs nothing meanwhile
		return g.next.RoundTrip(r)
	}
	if err := g.enter(r.Context()); err != nil {
		return nil, fmt.Errorf("wait for the turn: %w: %w", hnp.ErrNotSent, err)
	}
	begun := g.now()
	var answer *http.Response // one that says that nobody answers is passed on all the same
	_, err := g.breaker.Execute(func() (struct{}, error) {
		var err error
		answer, err = g.next.RoundTrip(r) //nolint:bodyclose // the caller closes it
		if err == nil && unavailable(answer.StatusCode) {
			err = errUnavailable
		}
		return struct{}{}, err
	})
	if answer == nil {
		g.leave()
		if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
			err = errResting
		}
		return nil, err
	}
	g.measure(kindOf(r), g.now().Sub(begun))
	answer.Body = &turn{answer.Body, sync.OnceFunc(g.leave)}
	return answer, nil
}

func unavailable(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable ||
		status == http.StatusGatewayTimeout
}

// kindOf tells requests apart that take differently long.
func kindOf(r *http.Request) string {
	path := strings.TrimSuffix(r.URL.Path, "/")
	last := path[strings.LastIndexByte(path, '/')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return r.Method + " one"
	}
	return r.Method + " many"
}

// turn is a body whose end gives way to the next request.
type turn struct {
	body
	leave func()
}

type body interface {
	Read(p []byte) (int, error)
	Close() error
}

// Close closes the body.
func (t *turn) Close() error {
	defer t.leave()
	return t.body.Close()
}

func (g *gate) enter(ctx context.Context) error {
	g.mu.Lock()
	if g.busy < g.limit {
		g.busy++
		g.mu.Unlock()
		return nil
	}
	called := make(chan struct{})
	g.waiting = append(g.waiting, called)
	g.mu.Unlock()
	select {
	case <-called:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	at := slices.Index(g.waiting, called)
	if at >= 0 {
		g.waiting = slices.Delete(g.waiting, at, at+1)
	}
	g.mu.Unlock()
	if at < 0 { // it was called meanwhile, and gives its turn away
		g.leave()
	}
	return context.Cause(ctx)
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy--
	g.call()
}

// call lets those in for whom there is room.
func (g *gate) call() {
	for g.busy < g.limit && len(g.waiting) > 0 {
		g.busy++
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
	}
}

// measure notes how long a request took until its answer began, and decides with the last of a window how many there
// may be: one more, or one less when the slowest took much longer than at best.
func (g *gate) measure(kind string, took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.windows[kind]
	if w == nil {
		w = &window{}
		g.windows[kind] = w
	}
	if w.took = append(w.took, took); len(w.took) < windowRequests {
		return
	}
	slices.Sort(w.took)
	slow := w.took[windowRequests*95/100-1]
	w.took = w.took[:0]
	if w.best == 0 || slow < w.best {
		w.best = slow
	}
	if slow > slowdown*w.best {
		g.limit = max(1, g.limit-1)
	} else {
		g.limit = min(mostRequests, g.limit+1)
	}
	w.best += w.best / 20 // what was possible long ago may not be any more
	g.call()
}
