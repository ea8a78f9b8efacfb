package outbox

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/secret"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// linkedGit is a Git whose fabric is linked.
type linkedGit struct {
	*git
	linked *fabricv1.LinkedFabric
}

func (g linkedGit) ListLinkedFabrics(
	context.Context, *fabricv1.ListLinkedFabricsRequest, ...grpc.CallOption,
) (*fabricv1.ListLinkedFabricsResponse, error) {
	return &fabricv1.ListLinkedFabricsResponse{Fabrics: []*fabricv1.LinkedFabric{g.linked}}, nil
}

// told is a log that says when it was written to for the first time.
type told struct {
	mu    sync.Mutex
	text  bytes.Buffer
	once  sync.Once
	wrote chan struct{}
}

func (l *told) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.once.Do(func() { close(l.wrote) })
	return l.text.Write(p)
}

func (l *told) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// another is one more bridge, with a ledger of its own.
func (w *world) another(t *testing.T, path string, log *told) *Outbox {
	t.Helper()
	store := NewStore(w.redis, path)
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	heard, err := hearing.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	wire := &http.Transport{}
	t.Cleanup(wire.CloseIdleConnections)
	deps := *w.deps
	deps.Store, deps.Resources, deps.Lease = store, linkedGit{w.git, w.linked}, time.Minute
	deps.Log, deps.Heard = slog.New(slog.NewTextHandler(log, nil)), heard
	deps.Connect = func(string, string, func(http.RoundTripper) http.RoundTripper) (*hnp.Client, error) {
		return hnp.New(w.netbox.URL, secret.New(netboxserver.Token), wire)
	}
	return New(deps)
}

// TestABridgeWithoutALedger: one whose file another one has says so, and leaves the delivery to those who can keep what
// becomes of it.
func TestABridgeWithoutALedger(t *testing.T) {
	t.Parallel()
	w := one(t)
	if _, err := w.store.ledger(); err != nil {
		t.Fatal(err)
	}
	w.git.now[server("a")] = 1
	w.commit()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	begin := func(path string) *told {
		log := &told{wrote: make(chan struct{})}
		o := w.another(t, path, log)
		running.Go(func() { _ = o.Run(ctx) })
		return log
	}
	log := begin(w.path)
	<-log.wrote
	if !strings.Contains(log.String(), "in use by another bridge") {
		t.Error(log.String())
	}
	begin(filepath.Join(t.TempDir(), "outbox.db"))
	for look := time.NewTicker(10 * time.Millisecond); w.same() != ""; <-look.C {
	}
}
