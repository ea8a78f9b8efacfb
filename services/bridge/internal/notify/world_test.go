package notify_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/rpc"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/netboxdial"
	"fgdsync.dev/services/bridge/internal/notify"
	"fgdsync.dev/services/bridge/internal/outbox"
	"fgdsync.dev/testkit/grpctest"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

const (
	fabric = 35
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	newer  = "whsec_bmV3ZXItc2VjcmV0LW9mLXRoaXJ0eS1ieXRlcy0uLi4="
	group  = "notifications"
)

// orchestrator knows syncs, names and what is in quarantine.
type orchestrator struct {
	fabricv1.UnimplementedFabricServiceServer
	fabricv1.UnimplementedDirectoryViewServiceServer
	syncv1.UnimplementedSyncServiceServer

	mu      sync.Mutex
	name    string
	created map[int32]*timestamppb.Timestamp // when a fabric was registered; nil for one that is not
	linked  bool
	syncs   map[string]*syncv1.Sync
	order   []string // of syncs, as they were accepted
	kept    int32
	away    bool // of quarantines nothing can be asked
}

// add adds a sync to those of its fabric.
func (o *orchestrator) add(s *syncv1.Sync) {
	o.set(func() { o.syncs[s.GetSyncId()], o.order = s, append(o.order, s.GetSyncId()) })
}

func (o *orchestrator) ListSyncs(_ context.Context, req *syncv1.ListSyncsRequest) (*syncv1.ListSyncsResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []*syncv1.Sync
	for _, id := range slices.Backward(o.order) {
		if o.syncs[id].GetFabricId() == req.GetFabricId() {
			all = append(all, o.syncs[id])
		}
	}
	return &syncv1.ListSyncsResponse{Syncs: all}, nil
}

func (o *orchestrator) GetFabric(
	_ context.Context, req *fabricv1.GetFabricRequest,
) (*fabricv1.GetFabricResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	at, known := o.created[req.GetFabricId()]
	if known && at == nil {
		return nil, errs.NoFabric(req.GetFabricId())
	}
	found := &fabricv1.Fabric{FabricId: req.GetFabricId(), Name: o.name, CreatedAt: at}
	if o.linked {
		found.Netbox = &fabricv1.NetBoxLink{Url: "https://netbox.example.com"}
	}
	return &fabricv1.GetFabricResponse{Fabric: found}, nil
}

func (o *orchestrator) GetSync(_ context.Context, req *syncv1.GetSyncRequest) (*syncv1.GetSyncResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s := o.syncs[req.GetSyncId()]; s != nil {
		return &syncv1.GetSyncResponse{Sync: s}, nil
	}
	return nil, errs.NoSync(req.GetSyncId())
}

func (o *orchestrator) ListQuarantine(
	context.Context, *fabricv1.ListQuarantineRequest,
) (*fabricv1.ListQuarantineResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away {
		return nil, errs.New(errs.ServiceUnavailable, "The Git host is away.")
	}
	return &fabricv1.ListQuarantineResponse{Total: o.kept}, nil
}

func (o *orchestrator) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}

// deliveries is how records are delivered to NetBox.
type deliveries struct {
	mu        sync.Mutex
	conflicts int
	all       []outbox.Trouble
}

func (d *deliveries) Deliveries(context.Context) ([]outbox.Trouble, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all, nil
}

func (d *deliveries) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

func (d *deliveries) Conflicts(context.Context, int32) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conflicts, nil
}

// got is one request that a receiver had.
type got struct {
	header http.Header
	raw    []byte
	body   map[string]any
	data   map[string]any
}

func (g got) id() string { return g.header.Get("webhook-id") }

func (g got) what() string {
	kind, _ := g.body["type"].(string)
	code, _ := g.data["code"].(string)
	return strings.TrimSpace(kind + " " + code)
}

// receiver takes notifications, and can be told to misbehave.
type receiver struct {
	url  string
	news chan got

	mu     sync.Mutex
	answer func(http.ResponseWriter, *http.Request) // nil to take all
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{news: make(chan got, 1000)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		raw, _ := io.ReadAll(req.Body)
		one := got{header: req.Header, raw: raw}
		_ = json.Unmarshal(raw, &one.body)
		one.data, _ = one.body["data"].(map[string]any)
		r.mu.Lock()
		answer := r.answer
		r.mu.Unlock()
		r.news <- one
		if answer != nil {
			answer(w, req)
		}
	}))
	t.Cleanup(server.Close)
	r.url = server.URL + "/planted-path?token=planted"
	return r
}

func (r *receiver) answers(with func(http.ResponseWriter, *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = with
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// expect waits for what a receiver is told next.
func (r *receiver) expect(t *testing.T, what ...string) []got {
	t.Helper()
	var all []got
	for _, want := range what {
		one := <-r.news
		if one.what() != want {
			t.Fatalf("told %q, want %q: %s", one.what(), want, one.raw)
		}
		all = append(all, one)
	}
	return all
}

// world is bridges that tell receivers, with everything real but the orchestrator and what is delivered to NetBox.
type world struct {
	t            *testing.T
	conn         *redisconn.Conn
	orchestrator *orchestrator
	outbox       *deliveries
	peers        *grpc.ClientConn
	file         string
	log          *lockedBuffer
	metrics      *prometheus.Registry
	config       netboxdial.Config
	environment  map[string]string
	clock        time.Time // of events
	timeout      time.Duration
	ahead        atomic.Int64 // how far the clock of bridges is
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func newWorld(t *testing.T, conn *redisconn.Conn, targets string) *world {
	t.Helper()
	w := &world{
		t: t, conn: conn, orchestrator: &orchestrator{
			name: "fabric-1", linked: true, syncs: map[string]*syncv1.Sync{}, created: map[int32]*timestamppb.Timestamp{},
		},
		outbox: &deliveries{}, log: &lockedBuffer{}, file: filepath.Join(t.TempDir(), "targets.yaml"),
		config:      netboxdial.Config{AllowHTTP: true, AllowedPrivateNetworks: []string{"127.0.0.0/8"}},
		environment: map[string]string{"HEDGEHOG_FGD_NOTIFY_SECRET": secret},
		clock:       time.Now().Add(time.Minute),
	}
	w.peers = grpctest.Serve(t, rpc.Services, func(r grpc.ServiceRegistrar) {
		fabricv1.RegisterFabricServiceServer(r, w.orchestrator)
		fabricv1.RegisterDirectoryViewServiceServer(r, w.orchestrator)
		syncv1.RegisterSyncServiceServer(r, w.orchestrator)
	})
	w.write(targets)
	return w
}

func (w *world) write(targets string) {
	w.t.Helper()
	if err := os.WriteFile(w.file, []byte(targets), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// to is a file with one target of the standard form.
func to(r *receiver) string {
	return "targets: [{name: ops, url: '" + r.url + "', secret_ref: 'env:HEDGEHOG_FGD_NOTIFY_SECRET'}]\n"
}

func (w *world) service(conn *redisconn.Conn, instance string) (*notify.Service, error) {
	w.t.Helper()
	transport, err := netboxdial.NewTransport(w.config, notify.Called)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(transport.CloseIdleConnections)
	w.metrics = prometheus.NewRegistry()
	return notify.New(notify.Config{File: w.file, AllowHTTP: w.config.AllowHTTP}, notify.Deps{
		Redis: conn, Transport: transport, Fabrics: fabricv1.NewFabricServiceClient(w.peers),
		Views: fabricv1.NewDirectoryViewServiceClient(w.peers), Syncs: syncv1.NewSyncServiceClient(w.peers),
		Outbox: w.outbox, Instance: instance, Metrics: w.metrics, Log: slog.New(slog.NewJSONHandler(w.log, nil)),
		Now: w.now, Pause: time.Millisecond, Timeout: w.timeout, Period: 20 * time.Millisecond,
		LookupEnv: func(name string) (string, bool) { value, set := w.environment[name]; return value, set },
	})
}

// bridge runs one until the test ends, or what it returns is called.
func (w *world) bridge(conn *redisconn.Conn, instance string) (stop func()) {
	w.t.Helper()
	service, err := w.service(conn, instance)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.run(service)
}

// run runs one.
func (w *world) run(service *notify.Service) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = service.Run(ctx)
	}()
	stop = func() { cancel(); <-ended }
	w.t.Cleanup(stop)
	return stop
}

// emit appends an event, each a second later than the one before.
func (w *world) emit(fabricID int32, kind, correlation string, payload proto.Message) {
	w.t.Helper()
	packed, err := anypb.New(payload)
	if err != nil {
		w.t.Fatal(err)
	}
	w.clock = w.clock.Add(time.Second)
	raw, err := proto.Marshal(&eventv1.Event{
		EventType: kind, Timestamp: timestamppb.New(w.clock), FabricId: fabricID, CorrelationId: correlation, Payload: packed,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.add(fabricID, raw)
}

func (w *world) add(fabricID int32, raw []byte) {
	w.t.Helper()
	if err := w.conn.Main.XAdd(w.t.Context(), &redis.XAddArgs{
		Stream: events.BusStream(events.ShardOf(fabricID)), Values: []any{events.Field, raw},
	}).Err(); err != nil {
		w.t.Fatal(err)
	}
}

// failed has a sync fail.
func (w *world) failed(fabricID int32, syncID, code string) {
	w.t.Helper()
	w.orchestrator.add(&syncv1.Sync{
		SyncId: syncID, FabricId: fabricID, State: syncv1.State_STATE_FAILED, Errors: []*reportv1.Finding{
			{Code: code, Message: "The Git host does not answer.", Remedy: "See whether it runs."},
		},
	})
	w.ended("sync.failed", fabricID, syncID)
}

// completed has a sync end well.
func (w *world) completed(fabricID int32, syncID string, options *syncv1.SyncOptions) {
	w.t.Helper()
	w.orchestrator.add(&syncv1.Sync{
		SyncId: syncID, FabricId: fabricID, State: syncv1.State_STATE_COMPLETED, Options: options,
		Result: &syncv1.Result{CommitSha: "c0ffee", CommitUrl: "https://git.example.com/c0ffee"},
	})
	w.ended("sync.completed", fabricID, syncID)
}

// ended tells that a sync has ended.
func (w *world) ended(kind string, fabricID int32, syncID string) {
	w.t.Helper()
	w.emit(fabricID, kind, syncID, &syncv1.Sync{SyncId: syncID, FabricId: fabricID})
}

// settled waits until every event is read and every notification sent.
func (w *world) settled(fabricID int32, target string) {
	w.t.Helper()
	w.await("everything to be settled", func() bool {
		stream := events.BusStream(events.ShardOf(fabricID))
		last := w.conn.Main.XRevRangeN(w.t.Context(), stream, "+", "-", 1).Val()
		groups := w.conn.Main.XInfoGroups(w.t.Context(), stream).Val()
		left := w.conn.Main.XLen(w.t.Context(), events.NotificationStream(target)).Val()
		return len(groups) == 1 && len(last) == 1 && groups[0].LastDeliveredID == last[0].ID && groups[0].Pending == 0 &&
			left == 0
	})
}

func (w *world) await(what string, holds func() bool) {
	w.t.Helper()
	for !holds() {
		select {
		case <-w.t.Context().Done():
			w.t.Fatalf("waiting for %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// none requires that a receiver was told no more.
func (r *receiver) none(t *testing.T) {
	t.Helper()
	if n := len(r.news); n > 0 {
		t.Errorf("it was told %d times more: %s", n, (<-r.news).raw)
	}
}

// requireSigned verifies what a receiver got, by the words of the specification.
func (g got) requireSigned(t *testing.T, secrets ...string) {
	t.Helper()
	signatures := strings.Split(g.header.Get("webhook-signature"), " ")
	if len(signatures) != len(secrets) {
		t.Fatalf("there are %d signatures", len(signatures))
	}
	for i, one := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(one, "whsec_"))
		if err != nil {
			t.Fatal(err)
		}
		sum := hmac.New(sha256.New, key)
		_, _ = io.WriteString(sum, g.id()+"."+g.header.Get("webhook-timestamp")+"."+string(g.raw))
		if want := "v1," + base64.StdEncoding.EncodeToString(sum.Sum(nil)); signatures[i] != want {
			t.Errorf("signature %d is not that of the secret", i)
		}
	}
}
