package hnp

import (
	"context"
	"io"
	"net/http"
	"time"
)

// requestTimeout bounds a request with its answer.
const requestTimeout = 30 * time.Second

// Timed returns a transport over which a request with its answer takes half a minute at most. It does not count for how
// long a request waits for its turn before it is handed over.
func Timed(next http.RoundTripper) http.RoundTripper { return timed{next} }

type timed struct{ next http.RoundTripper }

// RoundTrip makes a request.
func (t timed) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	response, err := t.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	response.Body = timedBody{response.Body, cancel}
	return response, nil
}

// timedBody is a body that is read within the time of its request.
type timedBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close closes the body, and ends the request.
func (b timedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
