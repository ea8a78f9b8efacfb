package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

const (
	lookupTimeout = 10 * time.Second
	// refusalTime is how long a listener waits for an answer at most, so that a refusal can be one. What is refused, as
	// when there are too many listeners, is refused at once; what is not may have nothing to say for long.
	refusalTime = time.Second
)

// feed is the stream of the messages of one sync. Whoever opens it closes it.
type feed struct {
	received <-chan received
	first    *received // nil when it did not come soon
	cancel   context.CancelFunc
}

type received struct {
	event *bridgev1.StreamSyncEventsResponse
	err   error
}

// open looks a sync up and opens its feed before an answer begins, so that what is refused gets an ordinary error.
func (l *live) open(r *http.Request, syncID string) (*feed, error) {
	// The feed is its opener's to close: a WebSocket outlives its request.
	ctx, cancel := context.WithCancel(context.WithoutCancel(callContext(r)))
	if err := l.find(ctx, syncID); err != nil {
		cancel()
		return nil, err
	}
	from := &feed{received: l.receive(ctx, syncID), cancel: cancel}
	soon := time.NewTimer(refusalTime)
	defer soon.Stop()
	select {
	case first, more := <-from.received:
		if first.err != nil {
			from.close()
			return nil, first.err
		}
		if more {
			from.first = &first
		}
	case <-soon.C:
	case <-r.Context().Done():
	}
	return from, nil
}

func (l *live) find(ctx context.Context, syncID string) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	_, err := l.client.GetSyncStatus(ctx, &bridgev1.GetSyncStatusRequest{SyncId: syncID})
	return err
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

// next returns what comes next, or that nothing does, and pings the listener meanwhile.
func (f *feed) next(ctx context.Context, pings <-chan time.Time, to listener) (next received, more bool, err error) {
	for {
		select {
		case <-ctx.Done():
			return received{}, false, ctx.Err()
		case <-pings:
			if err := to.ping(ctx); err != nil {
				return received{}, false, err
			}
		case next, more := <-f.received:
			return next, more, nil
		}
	}
}

// close ends the feed, and leaves nothing running.
func (f *feed) close() {
	f.cancel()
	for range f.received { // until the receiver has ended too
	}
}
