package httpapi

import (
	"net/http"
	"time"
)

const (
	// writePart is how much of an answer has to be taken within one deadline.
	writePart = 256 << 10
	// heavyAnswer is the size from which the memory of an answer that nobody took is worth a collection.
	heavyAnswer = 1 << 20
)

// timedWriter is an answer that has to be taken: a client that does not read would keep all of it in memory for ever.
type timedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	size    int // of what there was to write
	failed  bool
}

func newTimedWriter(w http.ResponseWriter, timeout time.Duration) *timedWriter {
	return &timedWriter{ResponseWriter: w, control: http.NewResponseController(w), timeout: timeout}
}

// timed gives each answer a time of its own to be taken. The connection has that of the answer before, which may have
// passed.
func timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // not every server has deadlines
		next.ServeHTTP(w, r)
	})
}

// Write writes in parts, each with a deadline of its own. What nobody takes any more vanishes: those who write can do
// nothing about it.
func (t *timedWriter) Write(p []byte) (int, error) {
	t.size += len(p)
	for rest := p; !t.failed; {
		part := rest[:min(len(rest), writePart)]
		t.extend()
		if _, err := t.ResponseWriter.Write(part); err != nil {
			t.failed = true
		}
		if rest = rest[len(part):]; len(rest) == 0 {
			break
		}
	}
	return len(p), nil
}

// Unwrap lets controllers reach the connection.
func (t *timedWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// extend starts the time for what is written next. Servers without deadlines have none.
func (t *timedWriter) extend() { _ = t.control.SetWriteDeadline(time.Now().Add(t.timeout)) }

// refused reports whether a heavy answer was not taken.
func (t *timedWriter) refused() bool { return t.failed && t.size >= heavyAnswer }
