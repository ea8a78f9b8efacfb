package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/secret"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/testkit/netboxserver"
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
	netbox := netboxserver.Start(t)
	w := &world{
		t: tt, git: newGit(), netbox: netbox, fabric: fabric, redis: conn, clock: time.Now(),
		path: filepath.Join(folder, "outbox.db"), wire: &wire{server: netbox},
	}
	w.linked = &fabricv1.LinkedFabric{FabricId: fabric, Name: "fabric", Netbox: &fabricv1.NetBoxLink{
		Url: "http://netbox.test", Fabric: int32(netbox.AddFabric("fabric")), TokenRef: "env:T",
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
		Store: w.store, Resources: w.git, Metrics: metrics, Log: slog.New(slog.DiscardHandler),
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

// records returns what NetBox has of the fabric.
func (w *world) records() map[key]hnp.Record {
	w.t.Helper()
	client, err := hnp.New("http://netbox.test", secret.New(netboxserver.Token), &wire{server: w.netbox})
	if err != nil {
		w.t.Fatal(err)
	}
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

// wire leads to the NetBox, without a socket. What goes wrong with the next requests can be said.
type wire struct {
	server *netboxserver.Server

	mu     sync.Mutex
	faults []fault         // of the next requests that write
	late   []*http.Request // applied when the next request comes
	writes []string        // what was applied to records
	told   int             // how often the fabric's own record was changed
	idle   []string        // what was applied and changed nothing
	down   bool
	left   int // requests until the bridge dies; 0 for never
	death  func()
	dead   bool
}

// deathIn has the bridge die with a request to come: nothing that it does from then on has an effect.
func (w *wire) deathIn(requests int, death func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left, w.death, w.dead = requests, death, false
}

// request makes a request of somebody else's.
func (w *wire) request(method, path, body string) int {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", netboxserver.Token)
	r.Header.Set("Content-Type", "application/json")
	r.URL.RawQuery = "fields=id,fabric,name,namespace,spec"
	answer := httptest.NewRecorder()
	w.server.ServeHTTP(answer, r)
	return answer.Code
}

// fault is what goes wrong with a request.
type fault int

const (
	fine       fault = iota
	lost             // it does not arrive
	unanswered       // it is done, and nobody hears of it
	broken           // it is done, and the answer says that it failed
	doubled          // it is done twice
	delayed          // it is done after who asked has given up
)

var errCut = errors.New("the connection was cut")

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if w.left--; w.left == 0 && !w.dead {
		w.dead = true
		w.death()
	}
	if w.down || w.dead {
		return nil, errCut
	}
	body, err := read(r)
	if err != nil {
		return nil, err
	}
	f := fine
	if r.Method != http.MethodGet && r.Method != http.MethodOptions && len(w.faults) > 0 {
		f, w.faults = w.faults[0], w.faults[1:]
	}
	switch f {
	case lost:
		return nil, errCut
	case delayed:
		w.late = append(w.late, again(r, body))
		return nil, errCut
	}
	answer := w.apply(again(r, body))
	if f == doubled {
		w.apply(again(r, body))
	}
	switch f {
	case unanswered:
		return nil, errCut
	case broken:
		return &http.Response{
			StatusCode: http.StatusBadGateway, Request: r, Header: http.Header{"Content-Type": {"text/html"}},
			Body: io.NopCloser(strings.NewReader("<h1>Bad Gateway</h1>")),
		}, nil
	}
	return answer, nil
}

// arrive has late requests arrive.
func (w *wire) arrive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.late {
		w.apply(r)
	}
	w.late = nil
}

func read(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer func() { _ = r.Body.Close() }()
	return io.ReadAll(r.Body)
}

func again(r *http.Request, body []byte) *http.Request {
	copied := r.Clone(context.WithoutCancel(r.Context()))
	copied.Body = io.NopCloser(strings.NewReader(string(body)))
	return copied
}

func (w *wire) apply(r *http.Request) *http.Response {
	answer := httptest.NewRecorder()
	before, was := w.server.Changes(), w.said(r)
	w.server.ServeHTTP(answer, r)
	response := answer.Result()
	response.Request = r
	if w.server.Changes() > before {
		if strings.Contains(r.URL.Path, "/fabrics/") {
			w.told++
			return response
		}
		w.writes = append(w.writes, r.Method+" "+r.URL.Path)
		if r.Method == http.MethodPatch && w.said(r) == was {
			w.idle = append(w.idle, r.Method+" "+r.URL.Path+" "+was)
		}
	}
	return response
}

// said is what the record says that a request changes.
func (w *wire) said(r *http.Request) string {
	if r.Method != http.MethodPatch {
		return ""
	}
	ask := httptest.NewRequest(http.MethodGet, r.URL.Path+"?fields=id,spec", nil)
	ask.Header.Set("Authorization", netboxserver.Token)
	answer := httptest.NewRecorder()
	w.server.ServeHTTP(answer, ask)
	return answer.Body.String()
}

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
