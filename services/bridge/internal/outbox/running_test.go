package outbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/secret"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/testkit/netboxtest"
)

// running is a bridge that delivers by itself: fabrics with the same files each, and a NetBox that is spoken to.
type running struct {
	t      *testing.T
	git    *listed
	netbox *netboxserver.Server
	redis  *redisconn.Conn
	box    *Outbox
	brake  *brake
	log    *lines

	mu    sync.Mutex
	gates map[http.RoundTripper]bool // that connections go through
}

// listed is the files, and the fabrics that are linked.
type listed struct {
	*git
	mu     sync.Mutex
	linked map[int32]*fabricv1.LinkedFabric
}

// ListLinkedFabrics answers as the orchestrator does.
func (l *listed) ListLinkedFabrics(
	context.Context, *fabricv1.ListLinkedFabricsRequest, ...grpc.CallOption,
) (*fabricv1.ListLinkedFabricsResponse, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &fabricv1.ListLinkedFabricsResponse{Fabrics: slices.Collect(maps.Values(l.linked))}, nil
}

// brake is a way to NetBox. Of some requests the answer is held back.
type brake struct {
	next http.RoundTripper

	mu    sync.Mutex
	holds func(*http.Request) bool // nil for none
	came  chan struct{}            // has something when an answer is held back
	free  chan struct{}
}

// hold holds back answers, until it is let go.
func (b *brake) hold(which func(*http.Request) bool) (letGo func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holds, b.came, b.free = which, make(chan struct{}, 100), make(chan struct{})
	free := b.free
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.holds = nil
		close(free)
	})
}

// RoundTrip makes a request.
func (b *brake) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	held, came, free := b.holds != nil && b.holds(r), b.came, b.free
	b.mu.Unlock()
	answer, err := b.next.RoundTrip(r)
	if err != nil || !held {
		return answer, err
	}
	came <- struct{}{}
	select {
	case <-free:
		return answer, nil
	case <-r.Context().Done():
		_ = answer.Body.Close()
		return nil, r.Context().Err()
	}
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes a line.
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// count returns how many lines say something.
func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// newRunning returns one with so many fabrics, which are 1, 2, … here and in NetBox. It does not run yet.
func newRunning(t *testing.T, fabrics int32) *running {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	s := &running{
		t: t, git: &listed{git: newGit(), linked: map[int32]*fabricv1.LinkedFabric{}}, netbox: netboxtest.Start(t),
		redis: redisFor(t), brake: &brake{next: transport}, log: &lines{}, gates: map[http.RoundTripper]bool{},
	}
	for id := int32(1); id <= fabrics; id++ {
		s.git.linked[id] = &fabricv1.LinkedFabric{FabricId: id, Netbox: &fabricv1.NetBoxLink{
			Url: s.netbox.URL, Fabric: int32(s.netbox.AddFabric("fabric")), TokenRef: "env:T",
			Direction: fabricv1.Direction_DIRECTION_GIT_TO_NETBOX,
		}}
	}
	registry := prometheus.NewRegistry()
	metrics, err := NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	heard, err := hearing.NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	store := NewStore(s.redis, t.TempDir()+"/outbox.db")
	t.Cleanup(func() { _ = store.Close() })
	s.box = New(Deps{
		Store: store, Resources: s.git, Connect: s.connect, Metrics: metrics, Now: time.Now, Heard: heard,
		Log: slog.New(slog.NewTextHandler(s.log, nil)), Lease: time.Second,
	})
	return s
}

func (s *running) connect(
	url, _ string, wrap func(http.RoundTripper) http.RoundTripper,
) (*hnp.Client, error) {
	way := wrap(s.brake)
	s.mu.Lock()
	s.gates[way] = true
	s.mu.Unlock()
	return hnp.New(url, secret.New(netboxserver.Token), way)
}

// run has it deliver until the test ends.
func (s *running) run() {
	ctx, end := context.WithCancel(s.t.Context())
	var work sync.WaitGroup
	work.Go(func() { _ = s.box.Run(ctx) })
	s.t.Cleanup(func() { end(); work.Wait() })
}

// publish has a sync of some fabrics complete with what is in Git.
func (s *running) publish(fabrics ...int32) {
	commit := s.git.commit()
	s.git.mu.Lock()
	defer s.git.mu.Unlock()
	for _, id := range fabrics {
		now := timestamppb.Now()
		s.git.linked[id] = clone(s.git.linked[id])
		s.git.linked[id].LastSyncAt = now
		s.git.linked[id].Published = &fabricv1.PublishedState{Commit: commit, CompletedAt: now, SyncId: "sync"}
	}
}

// receipt returns that of a record as it is written down, nil when there is none.
func (s *running) receipt(fabric int32, k key) *netboxv1.Receipt {
	s.t.Helper()
	status, err := s.box.Status(s.t.Context(), fabric)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range status.Receipts {
		if keyOf(r) == k {
			return r
		}
	}
	return nil
}

// await waits until a record is in a state.
func (s *running) await(fabric int32, k key, state netboxv1.State) *netboxv1.Receipt {
	s.t.Helper()
	for {
		if r := s.receipt(fabric, k); r.GetState() == state {
			return r
		}
		s.pause(fabric, k)
	}
}

// pause waits a moment. Who waits too long is told for what.
func (s *running) pause(fabric int32, k key) {
	s.t.Helper()
	select {
	case <-s.t.Context().Done():
		s.t.Fatal(s.t.Context().Err())
	case <-time.After(10 * time.Millisecond):
	}
	if deadline, is := s.t.Deadline(); is && time.Until(deadline) < 10*time.Second {
		s.t.Fatalf("waited for %v of fabric %d: it is %v", k, fabric, s.receipt(fabric, k))
	}
}

// person does something in NetBox to a record of a fabric.
func (s *running) person(method string, fabric int32, k key, body string) {
	s.t.Helper()
	path := s.netbox.URL + "/api/plugins/hedgehog/servers/"
	if method != http.MethodPost {
		path += idText(s.receipt(fabric, k)) + "/"
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, path+"?fields=id,fabric,name,namespace,spec",
		strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", netboxserver.Token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := s.brake.next.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	said, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode >= http.StatusMultipleChoices {
		s.t.Fatalf("%s %s: %d %s", method, path, answer.StatusCode, said)
	}
}

// editUntilHeard has somebody change a record until it is known who did it: what happens before NetBox is heard is
// found by a comparison, which does not say who.
func (s *running) editUntilHeard(fabric int32, k key) {
	s.t.Helper()
	for n := 0; s.receipt(fabric, k).GetProblem().GetUser() != "admin"; n++ {
		s.person(http.MethodPatch, fabric, k, fmt.Sprintf(`{"spec":{"a":"people %d"}}`, n))
		s.pause(fabric, k)
	}
}

// changed returns which records somebody else was heard to have changed of a fabric.
func (s *running) changed(fabric int32) []string {
	s.t.Helper()
	changes, _, err := hearing.Read(s.t.Context(), s.redis, fabric, "0", 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, c := range changes {
		names = append(names, c.Identity.Name)
	}
	return names
}
