package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/memory"
)

// bounds limit what a request may take: how large it is, how long it lasts, how slowly its answer is taken, and how
// many of its client there are.
type bounds struct {
	maxBytes int64
	timeout  time.Duration
	clients  *clients
	memory   *memory.Returner
	problems problems
}

func (b bounds) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !operational(r.URL.Path) { // who looks after the process has to see it whatever its clients do
			leave, entered := b.clients.enter(r.RemoteAddr)
			if !entered {
				b.problems.tooMany(w, r)
				return
			}
			defer leave()
		}
		answer := newTimedWriter(w, min(b.timeout, writeTimeout))
		b.serve(answer, r, next)
		if answer.refused() {
			b.problems.log.InfoContext(r.Context(), "answer was not taken", "method", r.Method, "path", r.URL.Path)
			b.memory.GiveBack()
		}
	})
}

func (b bounds) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	ctx, cancel := context.WithTimeout(r.Context(), b.timeout)
	defer cancel()
	body, err := b.readBody(w, r)
	if err != nil {
		b.refuse(w, r, err)
		return
	}
	r = r.WithContext(ctx)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	next.ServeHTTP(w, r)
}

// errTooLarge is that of a body which is small only as long as it is compressed.
var errTooLarge = errors.New("the inflated body is too large")

// errEncoding is that of a body in an encoding that is not taken, or that it does not really have.
var errEncoding = errors.New("the encoding of the body is not taken")

// readBody reads the whole body before anything is done, in bounded time.
func (b bounds) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	// A server without deadlines on its connections, as in some tests, has the limit of size alone.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(b.timeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, b.maxBytes))
	if err != nil {
		return nil, err
	}
	_ = control.SetReadDeadline(time.Time{})
	return b.inflate(r.Header.Get("Content-Encoding"), body)
}

// inflate returns a body as it was before its encoding, which may be gzip.
func (b bounds) inflate(encoding string, body []byte) ([]byte, error) {
	switch {
	case encoding == "" || strings.EqualFold(encoding, "identity"):
		return body, nil
	case !strings.EqualFold(encoding, "gzip"):
		return nil, errEncoding
	}
	packed, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, errEncoding
	}
	plain, err := io.ReadAll(io.LimitReader(packed, b.maxBytes+1))
	switch {
	case err != nil:
		return nil, errEncoding
	case int64(len(plain)) > b.maxBytes:
		return nil, errTooLarge
	}
	return plain, nil
}

func (b bounds) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge), errors.Is(err, errTooLarge):
		b.problems.writeStatus(w, r, http.StatusRequestEntityTooLarge,
			errs.New(errs.InvalidRequest, "The request is larger than %d bytes.", b.maxBytes).
				WithRemedy("Send a smaller request."))
	case errors.Is(err, errEncoding):
		w.Header().Set("Accept-Encoding", "gzip")
		b.problems.writeStatus(w, r, http.StatusUnsupportedMediaType,
			errs.New(errs.MediaTypeRefused, "The body can't be read in the encoding that its Content-Encoding names."))
	default:
		w.Header().Set("Connection", "close")
		b.problems.writeStatus(w, r, http.StatusRequestTimeout,
			errs.New(errs.InvalidRequest, "The request did not arrive as a whole in time.").
				WithRemedy("Send the request again.").
				WithCause(err))
	}
}

// clients counts the requests that are at work, by the addresses they come from.
type clients struct {
	most int

	mu     sync.Mutex
	atWork map[string]int
}

func newClients(most int) *clients { return &clients{most: most, atWork: map[string]int{}} }

// enter counts a request in, unless its client has as many as it may have. The one who has entered leaves.
func (c *clients) enter(remote string) (leave func(), entered bool) {
	address, _, err := net.SplitHostPort(remote)
	if err != nil {
		address = remote
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.atWork[address] >= c.most {
		return nil, false
	}
	c.atWork[address]++
	return func() { c.leave(address) }, true
}

func (c *clients) leave(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.atWork[address]--; c.atWork[address] == 0 {
		delete(c.atWork, address)
	}
}

func (p problems) tooMany(w http.ResponseWriter, r *http.Request) {
	p.write(w, r, errs.New(errs.TooManyRequests, "This client has too many requests at work at the same time.").
		WithRetryAfter(time.Second))
}
