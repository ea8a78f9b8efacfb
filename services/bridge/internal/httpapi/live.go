package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/metadata"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

const (
	lookupTimeout = 10 * time.Second
	writeTimeout  = 30 * time.Second
	pingInterval  = 20 * time.Second
)

// live serves the progress of syncs: everything from the start, then live, to the last message.
type live struct {
	client    bridgev1.SyncServiceClient
	problems  problems
	listeners *prometheus.GaugeVec
}

func newLive(client bridgev1.SyncServiceClient, problems problems, metrics prometheus.Registerer) (*live, error) {
	listeners := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "fgd_live_listeners", Help: "Open streams of live progress, by transport.",
	}, []string{"transport"})
	if err := metrics.Register(listeners); err != nil {
		return nil, fmt.Errorf("register the metrics: %w", err)
	}
	return &live{client: client, problems: problems, listeners: listeners}, nil
}

// listener is one who is told.
type listener interface {
	// message hands over one message; after the last there is no other.
	message(text []byte, last bool) error
	// ping shows that the connection lives, where the transport has a way to.
	ping(ctx context.Context) error
	// failure hands over the error that ends the stream early.
	failure(text []byte) error
}

// find looks a sync up before a stream begins, so that an unknown one gets an ordinary error.
func (l *live) find(r *http.Request, syncID string) error {
	ctx, cancel := context.WithTimeout(callContext(r), lookupTimeout)
	defer cancel()
	_, err := l.client.GetSyncStatus(ctx, &bridgev1.GetSyncStatusRequest{SyncId: syncID})
	return err
}

func callContext(r *http.Request) context.Context {
	return metadata.NewOutgoingContext(r.Context(), callMetadata(r.Context(), r))
}

// tell follows a sync until its end, the end of ctx, or the loss of the listener. It leaves nothing running.
func (l *live) tell(ctx context.Context, syncID, transport string, to listener) error {
	gauge := l.listeners.WithLabelValues(transport)
	gauge.Inc()
	defer gauge.Dec()
	ctx, cancel := context.WithCancel(ctx)
	received := l.receive(ctx, syncID)
	defer func() {
		cancel()
		for range received { // until the receiver has ended too
		}
	}()
	pings := time.NewTicker(pingInterval)
	defer pings.Stop()
	for {
		select {
		case <-pings.C:
			if err := to.ping(ctx); err != nil {
				return err
			}
		case next, more := <-received:
			if !more {
				return nil
			}
			if err := l.pass(ctx, next, to); err != nil {
				return err
			}
		}
	}
}

type received struct {
	event *bridgev1.StreamSyncEventsResponse
	err   error
}

// receive reads the stream into a channel, which it closes at the end.
func (l *live) receive(ctx context.Context, syncID string) <-chan received {
	out := make(chan received)
	go func() {
		defer close(out)
		stream, err := l.client.StreamSyncEvents(ctx, &bridgev1.StreamSyncEventsRequest{SyncId: syncID})
		for {
			var next received
			if err == nil {
				next.event, err = stream.Recv()
			}
			if errors.Is(err, io.EOF) {
				return
			}
			next.err = err
			select {
			case out <- next:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}

func (l *live) pass(ctx context.Context, next received, to listener) error {
	if next.err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		text, err := errs.ToJSON(next.err, rpc.CallOf(ctx).CorrelationID, time.Now())
		return errors.Join(err, to.failure(text))
	}
	text, err := marshaler{&jsonForm}.Marshal(next.event)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	return to.message(text, isLast(next.event.GetType()))
}

func isLast(messageType string) bool {
	switch messageType {
	case "sync.completed", "sync.failed", "sync.cancelled":
		return true
	}
	return false
}

// events serves server-sent events to who accepts them, and newline-JSON to all others.
func (l *live) events(w http.ResponseWriter, r *http.Request) {
	syncID := r.PathValue("sync_id")
	if err := l.find(r, syncID); err != nil {
		l.problems.write(w, r, err)
		return
	}
	asEvents := strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	if asEvents && r.Header.Get("Last-Event-Id") == lastEventID {
		w.WriteHeader(http.StatusNoContent) // tells a browser not to come back
		return
	}
	out := textListener{w: w, control: http.NewResponseController(w), asEvents: asEvents}
	contentType, transport := "application/x-ndjson", "ndjson"
	if asEvents {
		contentType, transport = "text/event-stream", "sse"
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead || out.write("") != nil {
		return
	}
	_ = l.tell(callContext(r), syncID, transport, out) // who has gone can't be told
}

// lastEventID marks the last message of a sync, so that a browser that reconnects after it is turned away.
const lastEventID = "end"

// textListener writes messages into the body of an answer.
type textListener struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	asEvents bool
}

func (t textListener) message(text []byte, last bool) error {
	if !t.asEvents {
		return t.write(string(text) + "\n")
	}
	event := "data: " + string(text) + "\n\n"
	if last {
		event = "id: " + lastEventID + "\n" + event
	}
	return t.write(event)
}

func (t textListener) ping(context.Context) error {
	if !t.asEvents {
		return nil
	}
	return t.write(": still here\n\n")
}

func (t textListener) failure(text []byte) error { return t.message(text, false) }

func (t textListener) write(text string) error {
	_ = t.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // servers without deadlines have none
	if _, err := io.WriteString(t.w, text); err != nil {
		return fmt.Errorf("write to a listener: %w", err)
	}
	return t.control.Flush()
}
