package hearing_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/testkit/netboxtest"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

// world is a NetBox with two fabrics that are linked and one that is not, and those who hear about it.
type world struct {
	t       testing.TB
	netbox  *netboxserver.Server
	client  *hnp.Client
	metrics *hearing.Metrics
	fence   int64

	mu       sync.Mutex
	now      time.Time
	links    map[int64]int32
	compares int
	told     map[int32][]hearing.Change
	echo     func(hearing.Change) hearing.Echo
	fails    error // of the compare
	held     int32 // the fabric of which nothing can be told until free is closed
	free     chan struct{}
	deaf     int32         // the fabric of which telling fails
	tried    chan struct{} // has something for each time that it was tried
}

// hold waits as long as a fabric can't be told of.
func (w *world) hold(ctx context.Context, fabric int32) error {
	w.mu.Lock()
	held, free := w.held, w.free
	w.mu.Unlock()
	if fabric != held {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-free:
		return nil
	}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		t: t, netbox: netboxtest.Start(t), now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC),
		links: map[int64]int32{1: 101, 2: 102}, told: map[int32][]hearing.Change{},
		echo: func(hearing.Change) hearing.Echo { return hearing.NotOurs },
	}
	w.netbox.SetClock(w.Now)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	var err error
	if w.client, err = hnp.New(w.netbox.URL, secret.New(netboxserver.Token), transport); err != nil {
		t.Fatal(err)
	}
	if w.metrics, err = hearing.NewMetrics(prometheus.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	return w
}

// Now is what time it is here.
func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) log() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// listener returns one who hears, under the next lock.
func (w *world) listener(conn *redisconn.Conn) *hearing.Hearing {
	w.t.Helper()
	h := hearing.New(hearing.Deps{
		URL: w.netbox.URL, Client: w.client, Redis: conn, Now: w.Now, Metrics: w.metrics,
		Log: slog.New(slog.DiscardHandler),
		Fabrics: func(context.Context) (map[int64]int32, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.links, nil
		},
		Echo: func(_ context.Context, _ int32, c hearing.Change) (hearing.Echo, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.echo(c), nil
		},
		Heard: func(ctx context.Context, fabric int32, changes []hearing.Change) error {
			if err := w.hold(ctx, fabric); err != nil {
				return err
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if fabric == w.deaf {
				w.tried <- struct{}{}
				return errors.New("nobody listens")
			}
			w.told[fabric] = append(w.told[fabric], changes...)
			return nil
		},
		Compare: func(context.Context) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.compares++
			return w.fails
		},
	})
	h.LookAgain(0)
	w.fence++
	h.Begin(w.fence)
	return h
}

func (w *world) compared() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.compares
}

// turn has somebody look, which has to work.
func (w *world) turn(h *hearing.Hearing) {
	w.t.Helper()
	if err := h.Turn(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// entry is a change of a VPC, whose content has a number.
func entry(n, record, fabric int, request string) netboxserver.Entry {
	state := map[string]any{
		"id": record, "fabric": fabric, "namespace": "default", "name": fmt.Sprint("v", record),
		"spec": map[string]any{"n": n}, "labels": map[string]any{}, "annotations": map[string]any{}, "auto_sync": true,
	}
	return netboxserver.Entry{
		Kind: "VPC", Record: record, Fabric: fabric, Namespace: "default", Name: fmt.Sprint("v", record),
		Action: "updated", After: state, Before: map[string]any{"fabric": fabric, "name": fmt.Sprint("v", record)},
		User: "ada", RequestID: request,
	}
}

// change makes a change that takes effect at once.
func (w *world) change(e netboxserver.Entry) {
	t := w.netbox.Begin()
	t.Change(e)
	t.Commit()
}

// kept returns how often each change was kept of a fabric, by the number in its content.
func (w *world) kept(conn *redisconn.Conn, fabric int32) map[int]int {
	w.t.Helper()
	changes, _, err := hearing.Read(w.t.Context(), conn, fabric, "0", 100_000)
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[int]int{}
	for _, c := range changes {
		out[number(w.t, c)]++
	}
	return out
}

// number is the one in the content of a change.
func number(t testing.TB, c hearing.Change) int {
	t.Helper()
	content := c.After
	if content == nil {
		content = c.Before
	}
	n, is := content.Spec["n"].(json.Number)
	if !is {
		t.Fatalf("a change without a number: %+v", c)
	}
	i, err := n.Int64()
	if err != nil {
		t.Fatal(err)
	}
	return int(i)
}

// run has somebody hear until the test ends.
func (w *world) run(h *hearing.Hearing) {
	ctx, end := context.WithCancel(w.t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		if err := h.Run(ctx, w.fence); err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(func() { end(); work.Wait() })
}
