package orchestrator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/grpctest"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

// node is one orchestrator, and a client of its API.
type node struct {
	fabricv1.FabricServiceClient
	fabricv1.DirectoryViewServiceClient
	fabricv1.ResourceServiceClient
	syncv1.SyncServiceClient
	adminv1.MaintenanceServiceClient
	accessv1.TokenServiceClient
	t        testing.TB
	url      string          // of Redis
	conn     *redisconn.Conn // of the test
	process  *app.Process
	metrics  *prometheus.Registry
	log      *lines
	service  *orchestrator.Service
	end      context.CancelFunc
	ended    chan struct{}
	failures error
}

func testConfig() orchestrator.Config {
	cfg := orchestrator.DefaultConfig()
	cfg.SyncConcurrency = 16
	cfg.LockLease = 3 * time.Second
	cfg.RetryInitial, cfg.RetryMax = time.Millisecond, 10*time.Millisecond
	return cfg
}

// newNode builds an orchestrator that does no work yet.
func newNode(
	t testing.TB, url string, peers grpc.ClientConnInterface, cfg orchestrator.Config, instance string,
) *node {
	t.Helper()
	n := &node{t: t, url: url, conn: redistest.Open(t, url), log: &lines{}}
	cfg.RedisURL = url
	if cfg.LedgerFile == orchestrator.DefaultConfig().LedgerFile {
		cfg.LedgerFile = filepath.Join(t.TempDir(), "ledger.db")
	}
	tel := telemetry.Discard()
	tel.Log, n.metrics = slog.New(slog.NewJSONHandler(n.log, nil)), tel.Metrics
	n.process = &app.Process{
		Telemetry: tel, Instance: instance, Now: time.Now,
		Peers: map[string]grpc.ClientConnInterface{"github-sync": peers, "ingestion": peers, "directory": peers},
	}
	t.Cleanup(n.close)
	var err error
	if n.service, err = orchestrator.New(cfg, n.process); err != nil {
		t.Fatal(err)
	}
	api := grpctest.Serve(t, rpc.Services, n.service.Register)
	n.FabricServiceClient = fabricv1.NewFabricServiceClient(api)
	n.DirectoryViewServiceClient = fabricv1.NewDirectoryViewServiceClient(api)
	n.ResourceServiceClient = fabricv1.NewResourceServiceClient(api)
	n.SyncServiceClient = syncv1.NewSyncServiceClient(api)
	n.TokenServiceClient = accessv1.NewTokenServiceClient(api)
	n.MaintenanceServiceClient = adminv1.NewMaintenanceServiceClient(api)
	return n
}

// lines is a log, a JSON object a line.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(line)
}

// of returns the lines with a message and a value.
func (l *lines) of(message, key string, value any) []map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []map[string]any
	for line := range bytes.Lines(l.all.Bytes()) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			panic(err) // slog writes JSON
		}
		if fields["msg"] == message && fmt.Sprint(fields[key]) == fmt.Sprint(value) {
			out = append(out, fields)
		}
	}
	return out
}

// before reports whether the first message about a sync stands before the second.
func (l *lines) before(first, second, syncID string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(l.all.Bytes()) {
		if !bytes.Contains(line, []byte(syncID)) {
			continue
		}
		switch {
		case bytes.Contains(line, []byte(`"msg":"`+first+`"`)):
			return true
		case bytes.Contains(line, []byte(`"msg":"`+second+`"`)):
			return false
		}
	}
	return false
}

// as is the context of a call that somebody makes.
func (n *node) as(name string) context.Context { return rpc.WithPrincipal(n.t.Context(), name) }

// withAddress is the context of a call that somebody makes whose e-mail address is known.
func (n *node) withAddress(name, email string) context.Context {
	return rpc.WithCall(n.t.Context(), rpc.Call{Principal: name, Email: email})
}

// run lets it work until the end of the test.
func (n *node) run() *node {
	ctx, end := context.WithCancel(context.WithoutCancel(n.t.Context()))
	n.end, n.ended = end, make(chan struct{})
	go func() {
		defer close(n.ended)
		n.failures = n.service.Run(ctx)
	}()
	n.t.Cleanup(n.stop)
	return n
}

// stop ends it in order, and closes what it holds.
func (n *node) stop() {
	n.end()
	<-n.ended
	if !errors.Is(n.failures, context.Canceled) {
		n.t.Errorf("the orchestrator ended with %v", n.failures)
	}
	n.close()
}

func (n *node) close() {
	if err := n.process.Close(); err != nil {
		n.t.Errorf("close the process: %v", err)
	}
}

// die ends it as a crash does: nothing that it would still do reaches Redis.
func (n *node) die() {
	n.close()
	n.stop()
}

// bench is one orchestrator over fake stages.
type bench struct {
	*node
	*stages
}

// each runs a test with one orchestrator on every Redis there is.
func each(t *testing.T, test func(t *testing.T, b *bench)) {
	redistest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		test(t, newBench(t, url, testConfig()))
	})
}

func newBench(t testing.TB, url string, cfg orchestrator.Config) *bench {
	t.Helper()
	s := newStages()
	return &bench{newNode(t, url, s.serve(t), cfg, "a").run(), s}
}

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func definition(id int32, directory string) *fabricv1.Fabric {
	return &fabricv1.Fabric{
		FabricId: id, Name: "fabric of " + directory, Location: &gitv1.Location{
			RepositoryUrl: "https://host/repo.git",
			Branch:        "main", Directory: directory,
		},
	}
}

// fabric registers a fabric with one file to ingest, and waits for its first sync.
func (n *node) fabric(s *stages, id int32, directory string) {
	n.t.Helper()
	created, err := n.CreateFabric(n.t.Context(), &fabricv1.CreateFabricRequest{Fabric: definition(id, directory)})
	if got := n.await(must(n.t, created, err).GetSyncId()); got.GetState() != syncv1.State_STATE_COMPLETED {
		n.t.Fatalf("the first sync is %v", got)
	}
	s.forgetCalls()
}

// start asks for a sync.
func (n *node) start(id int32, options *syncv1.SyncOptions) string {
	n.t.Helper()
	response, err := n.StartSync(n.as("Jo <jo@example.com>"), &syncv1.StartSyncRequest{FabricId: id, Options: options})
	return must(n.t, response, err).GetSyncId()
}

func (n *node) get(syncID string) *syncv1.Sync {
	n.t.Helper()
	response, err := n.GetSync(n.t.Context(), &syncv1.GetSyncRequest{SyncId: syncID})
	return must(n.t, response, err).GetSync()
}

// diff returns the diff of a dry run. A status has none.
func (n *node) diff(syncID string) string {
	n.t.Helper()
	if r := n.get(syncID).GetResult(); r.GetDiff() != "" || len(r.GetPlan().GetActions()) > 0 {
		n.t.Errorf("the status has the diff or the plan: %v", r)
	}
	response, err := n.GetSyncDiff(n.t.Context(), &syncv1.GetSyncDiffRequest{SyncId: syncID})
	return must(n.t, response, err).GetDiff()
}

// plan returns the first page of what became of resources and files.
func (n *node) plan(syncID string) *syncv1.Plan {
	n.t.Helper()
	response, err := n.GetSyncPlan(n.t.Context(), &syncv1.GetSyncPlanRequest{SyncId: syncID})
	return must(n.t, response, err).GetPlan()
}

// watch returns the types of all events of a sync, to its end.
func (n *node) watch(syncID string) []*syncv1.SyncEvent {
	n.t.Helper()
	stream, err := n.WatchSync(n.t.Context(), &syncv1.WatchSyncRequest{SyncId: syncID})
	if err != nil {
		n.t.Fatal(err)
	}
	var out []*syncv1.SyncEvent
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			n.t.Fatal(err)
		}
		out = append(out, part.GetEvents()...)
	}
}

// await waits for the end of a sync.
func (n *node) await(syncID string) *syncv1.Sync {
	n.t.Helper()
	told := n.watch(syncID)
	record := n.get(syncID)
	last := strings.ToLower(strings.TrimPrefix(record.GetState().String(), "STATE_"))
	if len(told) == 0 || told[len(told)-1].GetType() != "sync."+last {
		n.t.Errorf("the sync ended as %s, and the last that was told is %v", last, types(told))
	}
	return record
}

// sync runs one to its end.
func (n *node) sync(id int32, options *syncv1.SyncOptions) *syncv1.Sync {
	n.t.Helper()
	return n.await(n.start(id, options))
}

func (n *node) expect(got *syncv1.Sync, want syncv1.State) {
	n.t.Helper()
	if got.GetState() != want {
		n.t.Fatalf("the sync is %s, want %s: %v", got.GetState(), want, got.GetErrors())
	}
}

func types(told []*syncv1.SyncEvent) []string {
	var out []string
	for _, e := range told {
		out = append(out, e.GetType())
	}
	return out
}

func states(s *syncv1.Sync) []string {
	var out []string
	for _, move := range s.GetTransitions() {
		out = append(out, strings.ToLower(strings.TrimPrefix(move.GetTo().String(), "STATE_")))
	}
	return out
}

// bus lists the types of the events about a sync.
func (n *node) bus(fabric int32, correlation string) []string {
	n.t.Helper()
	entries, err := n.conn.Main.XRange(n.t.Context(), events.BusStream(events.ShardOf(fabric)), "-", "+").Result()
	var out []string
	for _, entry := range must(n.t, entries, err) {
		event := &eventv1.Event{}
		if err := proto.Unmarshal([]byte(entry.Values[events.Field].(string)), event); err != nil {
			n.t.Fatal(err)
		}
		if event.GetCorrelationId() == correlation {
			out = append(out, event.GetEventType())
		}
	}
	return out
}

// idle waits until the work streams are empty and the locks free.
func (n *node) idle(fabric int32) {
	n.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		entries, err := n.conn.Main.XLen(n.t.Context(), events.WorkStream(events.ShardOf(fabric))).Result()
		held, err2 := n.conn.Main.Exists(n.t.Context(), state.LockKey(fabric)).Result()
		if err == nil && err2 == nil && entries+held == 0 {
			return
		}
		<-ticker.C
	}
}

func equal(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// inParallel runs one function many times at once.
func inParallel(n int, work func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { work(i) })
	}
	all.Wait()
}
