package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/secret"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/bridge/internal/eventlog"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/testkit/netboxtest"
	"fgdsync.dev/testkit/redistest"
)

// tester is what a test and a property test have in common.
type tester interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Helper()
}

// world is a Git with one fabric, a NetBox, and what a bridge keeps. It has no goroutine of its own.
type world struct {
	t      tester
	git    *git
	netbox *netboxserver.Server
	fabric int32
	redis  *redisconn.Conn
	store  *Store
	path   string // of the ledger
	wire   *wire
	clock  time.Time
	deps   *Deps
	fence  int64
	d      *delivery
	linked *fabricv1.LinkedFabric
	asked  Asked
}

// newWorld returns one. The folder is for a ledger; the number keeps apart what is in one Redis.
func newWorld(t testing.TB, tt tester, conn *redisconn.Conn, folder string, fabric int32) *world {
	netbox := netboxtest.Start(t)
	w := &world{
		t: tt, git: newGit(), netbox: netbox, fabric: fabric, redis: conn, clock: time.Now(),
		path: filepath.Join(folder, "outbox.db"), wire: &wire{server: netbox},
	}
	w.linked = &fabricv1.LinkedFabric{FabricId: fabric, Name: "fabric", Netbox: &fabricv1.NetBoxLink{
		Url: "http://netbox.test", Fabric: int32(netbox.AddFabric("fabric")), TokenRef: "env:T",
		Direction: fabricv1.Direction_DIRECTION_GIT_TO_NETBOX,
	}}
	w.begin()
	return w
}

// begin starts a bridge that knows nothing but what is kept.
func (w *world) begin() {
	w.t.Helper()
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		w.t.Fatal(err)
	}
	w.store = NewStore(w.redis, w.path)
	w.deps = &Deps{
		Store: w.store, Resources: w.git, Events: eventlog.New(w.redis), Metrics: metrics, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return w.clock },
	}
	w.fence++
	w.d = nil
}

// end ends the bridge.
func (w *world) end() {
	w.t.Helper()
	if err := w.store.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// deliver does a pass with what the last sync has left.
func (w *world) deliver(ctx context.Context) error {
	if w.d == nil {
		client, err := hnp.New("http://netbox.test", secret.New(netboxserver.Token), w.wire)
		if err != nil {
			w.t.Fatal(err)
		}
		if w.d, err = open(ctx, w.deps, client, w.fence, w.linked); err != nil {
			w.d = nil
			return err
		}
	}
	w.clock = w.clock.Add(time.Second)
	return w.d.pass(ctx, w.linked, w.asked)
}

// compare compares all records.
func (w *world) compare(ctx context.Context) error {
	all, err := list(ctx, w.d.client)
	if err == nil && w.d.begun() {
		err = w.d.compare(ctx, all)
	}
	return err
}

// settled delivers until nothing is left to be done.
func (w *world) settled(ctx context.Context) {
	w.t.Helper()
	for range 20 {
		if err := w.deliver(ctx); err != nil {
			w.t.Fatalf("deliver: %v", err)
		}
		if !w.d.pendingLeft() {
			return
		}
	}
	w.t.Fatal("there is always something left")
}

// commit has a sync complete with what is in Git.
func (w *world) commit() {
	w.clock = w.clock.Add(time.Second)
	w.linked = clone(w.linked)
	w.linked.LastSyncAt = timestamppb.New(w.clock)
	w.linked.Published = &fabricv1.PublishedState{
		Commit: w.git.commit(), CompletedAt: timestamppb.New(w.clock), SyncId: "sync",
	}
}

func clone(f *fabricv1.LinkedFabric) *fabricv1.LinkedFabric {
	return &fabricv1.LinkedFabric{
		FabricId: f.GetFabricId(), Name: f.GetName(), Netbox: f.GetNetbox(), Published: f.GetPublished(),
		LastSyncAt: f.GetLastSyncAt(), LastError: f.GetLastError(), RegisteredAt: f.GetRegisteredAt(),
	}
}

// reader returns a client that nothing goes wrong with.
func (w *world) reader() *hnp.Client {
	w.t.Helper()
	client, err := hnp.New("http://netbox.test", secret.New(netboxserver.Token), &wire{server: w.netbox})
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

// records returns what NetBox has of the fabric.
func (w *world) records() map[key]hnp.Record {
	w.t.Helper()
	client := w.reader()
	found := map[key]hnp.Record{}
	for _, kind := range hnp.Kinds() {
		records, err := client.List(context.Background(), kind)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range records {
			found[key{kind, r.Namespace, r.Name}] = r
		}
	}
	return found
}

// git is the files of one fabric, at all commits that there were.
type git struct {
	fabricv1.ResourceServiceClient
	mu      sync.Mutex
	now     map[key]any    // spec.a of each resource; of an invalid one, badFile
	copies  map[string]key // invalid files beside those, and which resource each names
	commits []snapshot
	broken  error // of all that is read
	author  func(commit string) *fabricv1.FileAuthor
}

// badFile is the content of a file that is no valid resource.
const badFile = "bad"

// snapshot is what a commit has.
type snapshot struct {
	now    map[key]any
	copies map[string]key
}

func newGit() *git { return &git{now: map[key]any{}, copies: map[string]key{}, author: author} }

func (g *git) commit() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.commits = append(g.commits, snapshot{maps.Clone(g.now), maps.Clone(g.copies)})
	return fmt.Sprintf("%040x", len(g.commits))
}

func (g *git) at(commit string) (s snapshot, known bool) {
	var n int
	if _, err := fmt.Sscanf(commit, "%x", &n); err != nil || n < 1 || n > len(g.commits) {
		return snapshot{}, false
	}
	return g.commits[n-1], true
}

// ReadResources answers as the orchestrator does.
func (g *git) ReadResources(
	ctx context.Context, req *fabricv1.ReadResourcesRequest, _ ...grpc.CallOption,
) (grpc.ServerStreamingClient[fabricv1.ReadResourcesResponse], error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.broken != nil {
		return nil, g.broken
	}
	at, _ := g.at(req.GetCommit())
	since, partial := g.at(req.GetSinceCommit())
	first := &fabricv1.ReadResourcesResponse{Complete: !partial}
	for k, value := range at.now {
		if before, was := since.now[k]; !was || before != value {
			first.Resources = append(first.Resources, g.changed(req.GetCommit(), k.field(), k, value))
		}
	}
	for path, k := range at.copies {
		if _, was := since.copies[path]; !was {
			first.Resources = append(first.Resources, g.changed(req.GetCommit(), path, k, badFile))
		}
	}
	gone := func(path string) {
		first.Removed = append(first.Removed, &fabricv1.RemovedFile{Path: path, ChangedBy: author(req.GetCommit())})
	}
	for k := range since.now {
		if _, is := at.now[k]; !is {
			gone(k.field())
		}
	}
	for path := range since.copies {
		if _, is := at.copies[path]; !is {
			gone(path)
		}
	}
	return &stream{ctx: ctx, parts: []*fabricv1.ReadResourcesResponse{first}}, nil
}

func author(commit string) *fabricv1.FileAuthor {
	return &fabricv1.FileAuthor{Commit: commit, Name: "Ada", Email: "ada@example.com", Subject: "change it"}
}

func (g *git) changed(commit, path string, k key, value any) *fabricv1.ChangedResource {
	spec, _ := json.Marshal(map[string]any{"a": value})
	if value == nil {
		spec = nil
	}
	content := &reportv1.ResourceContent{
		Key:  &reportv1.ResourceKey{Kind: k.kind, Namespace: k.namespace, Name: k.name},
		Path: path, BlobId: fmt.Sprint(value), Spec: spec,
	}
	if value == badFile {
		content.Problem = &reportv1.Finding{Code: "FGD_1002", Message: "it is not valid"}
	}
	return &fabricv1.ChangedResource{Resource: content, ChangedBy: g.author(commit)}
}

type stream struct {
	ctx   context.Context
	parts []*fabricv1.ReadResourcesResponse
}

func (s *stream) Recv() (*fabricv1.ReadResourcesResponse, error) {
	if len(s.parts) == 0 {
		return nil, io.EOF
	}
	part := s.parts[0]
	s.parts = s.parts[1:]
	return part, nil
}
func (s *stream) Header() (metadata.MD, error) { return nil, nil }
func (s *stream) Trailer() metadata.MD         { return nil }
func (s *stream) CloseSend() error             { return nil }
func (s *stream) Context() context.Context     { return s.ctx }
func (s *stream) SendMsg(any) error            { return nil }
func (s *stream) RecvMsg(any) error            { return io.EOF }

// same says what of NetBox is not as Git says; nothing when all is.
func (w *world) same() string {
	w.t.Helper()
	found := w.records()
	for k, value := range w.git.now {
		record, there := found[k]
		content := hnp.Content{Spec: map[string]any{"a": value}}
		if value == nil {
			content.Spec = nil
		}
		if !there || !record.Same(k.kind, content) {
			return fmt.Sprintf("%v should be %v, and is %v", k, value, record.Spec)
		}
		delete(found, k)
	}
	for k := range found {
		return fmt.Sprintf("%v should not be there", k)
	}
	return ""
}

// states returns the receipts by their states.
func (w *world) states() map[netboxv1.State][]key {
	all := map[netboxv1.State][]key{}
	for k, r := range w.d.receipts {
		all[r.GetState()] = append(all[r.GetState()], k)
	}
	for _, keys := range all {
		slices.SortFunc(keys, key.compare)
	}
	return all
}

func redisFor(t testing.TB) *redisconn.Conn {
	t.Helper()
	conn, err := redisconn.Open(redistest.Start(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
