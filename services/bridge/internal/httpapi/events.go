package httpapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// lastEventID marks the last message of a sync, so that a browser that reconnects after it is turned away.
	lastEventID = "end"
	// failureEvent is the name of an event that is an error in place of a message.
	failureEvent = "failure"
	// reconnectAfter is when a browser comes back after a connection that broke.
	reconnectAfter = 2 * time.Second
)

// events serves server-sent events to who accepts them, and newline-JSON to all others.
func (l *live) events(w http.ResponseWriter, r *http.Request) {
	syncID := r.PathValue("sync_id")
	from, err := l.open(r, syncID)
	if err != nil {
		l.problems.write(w, r, err)
		return
	}
	defer from.close()
	asEvents := strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	heard := r.Header.Get("Last-Event-Id")
	if asEvents && heard == lastEventID {
		w.WriteHeader(http.StatusNoContent) // tells a browser not to come back
		return
	}
	contentType, transport := "application/x-ndjson", "ndjson"
	if asEvents {
		contentType, transport = "text/event-stream", "sse"
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	body := textBody{w, http.NewResponseController(w)}
	if r.Method == http.MethodHead || body.write("") != nil {
		return
	}
	var out listener = lineListener{body}
	if asEvents {
		out = newEventListener(body, heard)
	}
	_ = l.tell(r.Context(), from, transport, out) // who has gone can't be told
}

// textBody is the body of an answer that goes out piece by piece.
type textBody struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (t textBody) write(text string) error {
	_ = t.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // servers without deadlines have none
	if _, err := io.WriteString(t.w, text); err != nil {
		return fmt.Errorf("write to a listener: %w", err)
	}
	return t.control.Flush()
}

// lineListener writes messages as lines of JSON.
type lineListener struct{ textBody }

func (l lineListener) message(m message) error { return l.write(string(m.text) + "\n") }

func (l lineListener) ping(context.Context) error { return nil }

func (l lineListener) failure(text []byte) error { return l.write(string(text) + "\n") }

// eventListener writes messages as server-sent events, and leaves out those that a browser had before it came back.
type eventListener struct {
	textBody
	heard int
}

// newEventListener returns a listener for one who comes back with the id of the last event, or has none. An id that no
// event has leads to the start.
func newEventListener(body textBody, heard string) eventListener {
	number, err := strconv.Atoi(heard)
	if err != nil {
		number = 0
	}
	return eventListener{body, number}
}

func (l eventListener) message(m message) error {
	if m.number <= l.heard && !m.last() {
		return nil
	}
	head := ""
	if m.number == 1 {
		head = fmt.Sprintf("retry: %d\n", reconnectAfter.Milliseconds())
	}
	id := strconv.Itoa(m.number)
	if m.last() {
		id = lastEventID
	}
	return l.write(head + "id: " + id + "\nevent: " + m.kind + "\ndata: " + string(m.text) + "\n\n")
}

func (l eventListener) ping(context.Context) error { return l.write(": still here\n\n") }

func (l eventListener) failure(text []byte) error {
	return l.write("event: " + failureEvent + "\ndata: " + string(text) + "\n\n")
}
