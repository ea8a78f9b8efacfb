package remote

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"
)

// PlaceOptions say how many requests may be on their way at the same time.
type PlaceOptions struct {
	PerHost, PerRepository int
	Waiting                prometheus.Gauge // requests that wait for a place
}

// places lets a number of requests go to a host, and a smaller one to each repository of it. The others wait in the
// order in which they came. A request has its place until its answer is read.
type places struct {
	options PlaceOptions

	mu    sync.Mutex
	doors map[string]*door
}

// door is where requests to one host or one repository wait.
type door struct {
	*semaphore.Weighted
	users int // that have a place or wait for one
}

func newPlaces(o PlaceOptions) *places { return &places{options: o, doors: map[string]*door{}} }

// placed returns each HTTP request a place.
type placed struct {
	next   http.RoundTripper
	places *places
}

// RoundTrip lets a request have its place until its answer is read.
func (p *placed) RoundTrip(r *http.Request) (*http.Response, error) {
	leave, err := p.places.take(r.Context(), r.URL.Host, r.URL.Host+repositoryPath(r.URL.Path))
	if err != nil {
		return nil, err
	}
	response, err := p.next.RoundTrip(r)
	if err != nil {
		leave()
		return nil, err
	}
	context.AfterFunc(r.Context(), leave) // nothing can be read any more, whether the body is closed or not
	response.Body = &leavingBody{response.Body, leave}
	return response, nil
}

// take waits at the repository's door first, so that those who wait for a busy one leave the host to others.
func (p *places) take(ctx context.Context, host, repository string) (leave func(), err error) {
	leaveRepository, err := p.enter(ctx, repository, p.options.PerRepository)
	if err != nil {
		return nil, err
	}
	leaveHost, err := p.enter(ctx, host, p.options.PerHost)
	if err != nil {
		leaveRepository()
		return nil, err
	}
	return sync.OnceFunc(func() { leaveHost(); leaveRepository() }), nil
}

// repositoryPath is the path of a repository, of which a request asks for something, as its key has it.
func repositoryPath(path string) string {
	return strings.TrimSuffix(path[:max(0, strings.LastIndexByte(strings.TrimSuffix(path, "/refs"), '/'))], ".git")
}

func (p *places) enter(ctx context.Context, name string, places int) (leave func(), err error) {
	d := p.door(name, places)
	if !d.TryAcquire(1) {
		p.options.Waiting.Inc()
		err = d.Acquire(ctx, 1)
		p.options.Waiting.Dec()
	}
	if err != nil {
		p.forget(name)
		return nil, err
	}
	return func() { d.Release(1); p.forget(name) }, nil
}

func (p *places) door(name string, places int) *door {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.doors[name]
	if d == nil {
		d = &door{Weighted: semaphore.NewWeighted(int64(places))}
		p.doors[name] = d
	}
	d.users++
	return d
}

// forget lets go of a door that nobody uses.
func (p *places) forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := p.doors[name]; d.users == 1 {
		delete(p.doors, name)
	} else {
		d.users--
	}
}

type leavingBody struct {
	io.ReadCloser
	leave func()
}

func (b *leavingBody) Close() error {
	defer b.leave()
	return b.ReadCloser.Close()
}
