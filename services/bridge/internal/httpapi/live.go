package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/metadata"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

const (
	writeTimeout = 30 * time.Second
	pingInterval = 20 * time.Second
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

func (l *live) byPath() map[string]http.Handler {
	return map[string]http.Handler{
		"/api/v1/syncs/{sync_id}/events":               http.HandlerFunc(l.events),
		"/ws/sync-progress/{sync_id}":                  http.HandlerFunc(l.webSocket),
		"/ws/plugins/hedgehog/sync-progress/{sync_id}": http.HandlerFunc(l.webSocket),
	}
}

// message is what a listener is told.
type message struct {
	number int // counts from 1; the same message always has the same number
	kind   string
	text   []byte // JSON
}

// last reports whether no other message comes after it.
func (m message) last() bool {
	switch m.kind {
	case "sync.completed", "sync.failed", "sync.cancelled":
		return true
	}
	return false
}

// listener is one who is told.
type listener interface {
	// message hands over one message.
	message(m message) error
	// ping shows that the connection lives, where the transport has a way to.
	ping(ctx context.Context) error
	// failure hands over the error that ends the stream early.
	failure(text []byte) error
}

func callContext(r *http.Request) context.Context {
	return metadata.NewOutgoingContext(r.Context(), callMetadata(r.Context(), r))
}

// tell tells a listener what comes on a feed until its end, the end of ctx, or the loss of the listener.
func (l *live) tell(ctx context.Context, from *feed, transport string, to listener) error {
	gauge := l.listeners.WithLabelValues(transport)
	gauge.Inc()
	defer gauge.Dec()
	pings := time.NewTicker(pingInterval)
	defer pings.Stop()
	number := 1
	if first := from.first; first != nil {
		if err := l.pass(ctx, number, *first, to); err != nil {
			return err
		}
		number++
	}
	for ; ; number++ {
		next, more, err := from.next(ctx, pings.C, to)
		if err != nil || !more {
			return err
		}
		if err := l.pass(ctx, number, next, to); err != nil {
			return err
		}
	}
}

func (l *live) pass(ctx context.Context, number int, next received, to listener) error {
	if next.err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		text, err := errs.ToJSON(next.err, rpc.CallOf(ctx).CorrelationID, time.Now())
		return errors.Join(err, to.failure(text))
	}
	text, err := encode(next.event)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	return to.message(message{number: number, kind: next.event.GetType(), text: text})
}
