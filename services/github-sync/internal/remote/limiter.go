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

// LimiterOptions say how many requests may be on their way at the same time.
type LimiterOptions struct {
	PerHost, PerRepository int
	Waiting                prometheus.Gauge // requests that wait for a slot
}

// limiter lets a number of requests go to a host, and a smaller one to each repository of it. The others wait in the
// order in which they came. A request has its slots until its answer is read.
type limiter struct {
	options LimiterOptions

	mu    sync.Mutex
	slots map[string]*slots
}

// slots are those of one host or one repository.
type slots struct {
	*semaphore.Weighted
	users int // that have a slot or wait for one
}

func newLimiter(o LimiterOptions) *limiter { return &limiter{options: o, slots: map[string]*slots{}} }

// limitedTransport sends HTTP requests that have their slots.
type limitedTransport struct {
	next    http.RoundTripper
	limiter *limiter
}

// RoundTrip lets a request have its slots until its answer is read.
func (t *limitedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	release, err := t.limiter.acquire(r.Context(), r.URL.Host, r.URL.Host+repositoryPath(r.URL.Path))
	if err != nil {
		return nil, err
	}
	response, err := t.next.RoundTrip(r)
	if err != nil {
		release()
		return nil, err
	}
	context.AfterFunc(r.Context(), release) // nothing can be read any more, whether the body is closed or not
	response.Body = &releasingBody{response.Body, release}
	return response, nil
}

// acquire waits for a slot of the repository first, so that those who wait for a busy one leave the host to others.
func (l *limiter) acquire(ctx context.Context, host, repository string) (release func(), err error) {
	releaseRepository, err := l.acquireOne(ctx, repository, l.options.PerRepository)
	if err != nil {
		return nil, err
	}
	releaseHost, err := l.acquireOne(ctx, host, l.options.PerHost)
	if err != nil {
		releaseRepository()
		return nil, err
	}
	return sync.OnceFunc(func() { releaseHost(); releaseRepository() }), nil
}

// repositoryPath is the path of a repository, of which a request asks for something, as its key has it.
func repositoryPath(path string) string {
	return strings.TrimSuffix(path[:max(0, strings.LastIndexByte(strings.TrimSuffix(path, "/refs"), '/'))], ".git")
}

func (l *limiter) acquireOne(ctx context.Context, name string, number int) (release func(), err error) {
	s := l.use(name, number)
	if !s.TryAcquire(1) {
		l.options.Waiting.Inc()
		err = s.Acquire(ctx, 1)
		l.options.Waiting.Dec()
	}
	if err != nil {
		l.forget(name)
		return nil, err
	}
	return func() { s.Release(1); l.forget(name) }, nil
}

func (l *limiter) use(name string, number int) *slots {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.slots[name]
	if s == nil {
		s = &slots{Weighted: semaphore.NewWeighted(int64(number))}
		l.slots[name] = s
	}
	s.users++
	return s
}

// forget lets go of slots that nobody uses.
func (l *limiter) forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.slots[name]; s.users == 1 {
		delete(l.slots, name)
	} else {
		s.users--
	}
}

type releasingBody struct {
	io.ReadCloser
	release func()
}

// Close gives the slots back.
func (b *releasingBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
