package store

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"

	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/testkit/gitserver"
)

const branch = "main"

var quiet = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) {
	if dir := os.Getenv(processFolder); dir != "" {
		os.Exit(process(dir, os.Getenv(processURL), os.Stdin, os.Stdout))
	}
	goleak.VerifyTestMain(m)
}

// bench is a pool in front of a Git host, and a clock.
type bench struct {
	t       *testing.T
	host    *gitserver.Server
	remotes *remote.Factory
	dir     string
	bytes   prometheus.Gauge

	mu  sync.Mutex
	now time.Time
}

func setup(t *testing.T) *bench {
	t.Helper()
	transport, err := newTransport()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.Close)
	remotes := remote.NewFactory(transport, nil)
	return &bench{
		t: t, host: gitserver.Start(t, gitserver.Options{}), remotes: remotes, dir: t.TempDir(),
		now:   time.Unix(1_800_000_000, 0),
		bytes: prometheus.NewGauge(prometheus.GaugeOpts{Name: "bytes"}),
	}
}

func newTransport() (*remote.Transport, error) {
	return remote.NewTransport(remote.Options{
		Policy: remote.Policy{AllowHTTP: true, Networks: loopback}, MaxPackBytes: 1 << 20,
		MaxObjects: 1000, Tracers: noop.NewTracerProvider(),
		Requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests"}, []string{"operation", "code"}),
		Breaker: remote.BreakerOptions{
			Failures: 5, Pause: time.Minute,
			State: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "state"}, []string{"target"}),
		},
		Limiter: remote.LimiterOptions{
			PerHost: 32, PerRepository: 8,
			Waiting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "waiting"}),
		},
	})
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) later(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(by)
}

// pool makes a pool, which is closed with the test.
func (b *bench) pool(maxBytes int64, maxAge time.Duration) *Pool {
	b.t.Helper()
	p := NewPool(Options{Dir: b.dir, MaxBytes: maxBytes, MaxAge: maxAge, Bytes: b.bytes, Now: b.clock, Log: quiet})
	b.t.Cleanup(func() {
		if err := p.Close(); err != nil {
			b.t.Error(err)
		}
	})
	return p
}

// create makes a repository with some kilobytes that can't be made smaller.
func (b *bench) create(repository string, kilobytes int) {
	b.t.Helper()
	b.host.Create(b.t, repository, branch, map[string]string{"noise": noise(repository, kilobytes), "a.yaml": "a: 0\n"})
}

// open opens the head of a repository and reads the commit.
func (b *bench) open(p *Pool, repository string) (*Objects, error) {
	return openHead(b.t.Context(), p, b.remotes, b.host.URL(repository), 1)
}

func openHead(ctx context.Context, p *Pool, remotes *remote.Factory, url string, depth int) (*Objects, error) {
	location, err := remotes.Parse(url)
	if err != nil {
		return nil, err
	}
	from, err := remotes.Open(location, credentials.Login{})
	if err != nil {
		return nil, err
	}
	refs, err := from.Refs(ctx)
	if err != nil {
		return nil, err
	}
	repo, err := p.Repo(location)
	if err != nil {
		return nil, err
	}
	objects, err := repo.Ensure(ctx, from, branch, refs.Branches[branch], depth)
	if err != nil {
		return nil, err
	}
	return objects, readAll(objects, refs.Branches[branch])
}

// readAll reads a commit and its tree.
func readAll(objects *Objects, commit plumbing.Hash) error {
	encoded, err := objects.EncodedObject(plumbing.CommitObject, commit)
	if err != nil {
		return err
	}
	r, err := encoded.Reader()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	tree, _, _ := strings.Cut(strings.TrimPrefix(string(text), "tree "), "\n")
	if _, err := objects.EncodedObject(plumbing.TreeObject, plumbing.NewHash(tree)); err != nil {
		return fmt.Errorf("read tree %s of commit %s: %w", tree, commit, err)
	}
	return r.Close()
}

// use opens the head of a repository, and closes it.
func (b *bench) use(p *Pool, repository string) {
	b.t.Helper()
	b.close(b.mustOpen(p, repository))
}

func (b *bench) mustOpen(p *Pool, repository string) *Objects {
	b.t.Helper()
	objects, err := b.open(p, repository)
	if err != nil {
		b.t.Fatal(err)
	}
	return objects
}

func (b *bench) close(objects *Objects) {
	b.t.Helper()
	if err := objects.Close(); err != nil {
		b.t.Error(err)
	}
}

func (b *bench) sweep(p *Pool) {
	b.t.Helper()
	if err := p.Sweep(); err != nil {
		b.t.Error(err)
	}
}

// kept lists the repositories whose stores are in a slot, as "r1 r2".
func (b *bench) kept(slot string) string {
	b.t.Helper()
	entries, err := os.ReadDir(filepath.Join(b.dir, slot))
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		name := strings.TrimPrefix(entry.Name(), strings.ReplaceAll(b.host.Address(), ":", "_")+"_")
		name, _, _ = strings.Cut(name, "-")
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
