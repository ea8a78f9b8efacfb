package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

// stuckGit has files that can't be read of one fabric, for as long as somebody waits.
type stuckGit struct {
	*listed
	stuck int32
	asked chan time.Time // until when they are waited for
}

// ReadResources waits, or answers as the orchestrator does.
func (g stuckGit) ReadResources(
	ctx context.Context, req *fabricv1.ReadResourcesRequest, options ...grpc.CallOption,
) (grpc.ServerStreamingClient[fabricv1.ReadResourcesResponse], error) {
	if req.GetFabricId() != g.stuck {
		return g.listed.ReadResources(ctx, req, options...)
	}
	until, _ := ctx.Deadline()
	g.asked <- until
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestFilesThatCantBeRead of one fabric hold up no comparison of the others, and are not waited for without an end.
func TestFilesThatCantBeRead(t *testing.T) {
	t.Parallel()
	s, a, theirs := newRunning(t, 2), server("a"), server("theirs")
	git := stuckGit{s.git, 2, make(chan time.Time, 100)}
	s.box.deps.Resources = git
	s.git.now[a] = 1
	s.publish(1, 2)
	s.person("POST", 1, theirs, `{"fabric":1,"name":"theirs","namespace":"default","spec":{"a":7}}`)
	s.run()
	if until := <-git.asked; until.IsZero() {
		t.Error("they are waited for without an end")
	}
	s.await(1, theirs, held)
}

// TestFilesThatAreNotReadInTime are told as that.
func TestFilesThatAreNotReadInTime(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.some(t, 1)
	late, end := context.WithDeadline(t.Context(), w.clock.Add(-time.Minute))
	defer end()
	w.git.broken = context.DeadlineExceeded
	err := w.d.read(late, w.linked.GetPublished(), true)
	if problem, remedy := explain(err); !strings.Contains(problem, "in time") || !strings.Contains(remedy, "Git host") {
		t.Errorf("%q: %q", problem, remedy)
	}
}

// TestAFabricThatIsLinkedLater is compared when it is delivered, and not with the next comparison of everything.
func TestAFabricThatIsLinkedLater(t *testing.T) {
	t.Parallel()
	s, a, theirs := newRunning(t, 2), server("a"), server("theirs")
	later := s.git.linked[2]
	delete(s.git.linked, 2)
	s.git.now[a] = 1
	s.publish(1)
	s.person("POST", 2, theirs, `{"fabric":2,"name":"theirs","namespace":"default","spec":{"a":7}}`)
	s.run()
	s.await(1, a, proven)
	s.editUntilHeard(1, a) // the comparison at the beginning is over
	s.git.mu.Lock()
	s.git.linked[2] = later
	s.git.mu.Unlock()
	s.publish(2)
	s.await(2, theirs, held)
}

// TestALedgerThatCantBeWritten: the bridge whose file it is says so everywhere, and gives the delivery back to another
// one, which goes on.
func TestALedgerThatCantBeWritten(t *testing.T) {
	t.Parallel()
	s, a := newRunning(t, 1), server("a")
	s.git.now[a] = 1
	s.publish(1)
	n := newNetBox(s.box, place{s.netbox.URL, "env:T"}, nil)
	n.give([]*fabricv1.LinkedFabric{s.git.linked[1]})
	ended := make(chan error, 1)
	go func() { ended <- n.lead(t.Context()) }()
	s.await(1, a, proven)
	d := n.deliveries()[0]
	if err := s.box.deps.Store.Close(); err != nil {
		t.Fatal(err)
	}
	s.git.now[a] = 2
	s.publish(1)
	n.give([]*fabricv1.LinkedFabric{s.git.linked[1]})
	if err := <-ended; !errs.HasCode(err, errs.DatabaseError) || !strings.Contains(err.Error(), "ledger") {
		t.Fatalf("it ends with %v", err)
	}
	if sum := d.summed.Load(); sum.problem == "" {
		t.Errorf("the metrics say %v", *sum)
	}
	status, err := s.box.Status(t.Context(), 1)
	if err != nil || !strings.Contains(status.Delivery.GetProblem(), "ledger") || status.Delivery.GetRemedy() == "" {
		t.Errorf("the status says %v: %v", status.Delivery, err)
	}
	deps := s.box.deps
	deps.Store = NewStore(s.redis, filepath.Join(t.TempDir(), "outbox.db"))
	t.Cleanup(func() { _ = deps.Store.Close() })
	deps.Log = slog.New(slog.DiscardHandler)
	s.box = New(deps)
	s.run()
	for s.receipt(1, a).GetAgreed().GetBlobId() != "2" {
		s.pause(1, a)
	}
	s.await(1, a, proven)
}

// TestAReceiptThatCantBeKept is counted all the same, nothing is asked of NetBox, and what is known in Redis stays.
func TestAReceiptThatCantBeKept(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.some(t, 2)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	w.git.now[server("s0")] = 2
	w.commit()
	w.wire.writes = nil
	if err := w.deliver(t.Context()); !errors.Is(err, errLedger) || len(w.wire.writes) > 0 {
		t.Fatalf("it ends with %v, and wrote %v", err, w.wire.writes)
	}
	if sum := w.d.summed.Load(); sum.count[netboxv1.State_STATE_PENDING] != 1 || sum.problem == "" {
		t.Errorf("the metrics say %v", *sum)
	}
	w.end()
	w.begin()
	w.synced(t)
	w.atRest(t)
}

// TestALedgerIsLookedAtFirst: a bridge that can't keep receipts does not take the delivery.
func TestALedgerIsLookedAtFirst(t *testing.T) {
	t.Parallel()
	s := newRunning(t, 1)
	other := NewStore(s.redis, filepath.Join(t.TempDir(), "outbox.db"))
	if _, err := other.ledger(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	s.box.deps.Store = NewStore(s.redis, other.path) // which another bridge has
	n := newNetBox(s.box, place{s.netbox.URL, "env:T"}, nil)
	n.give([]*fabricv1.LinkedFabric{s.git.linked[1]})
	if err := n.lead(t.Context()); !errs.HasCode(err, errs.LedgerUnusable) || n.stuck != 1 {
		t.Errorf("it ends with %v, and %d fabrics are stuck", err, n.stuck)
	}
}

// TestRedisLosesEverythingWhileABridgeRuns: it goes on, under another lease, and knows what is its own.
func TestRedisLosesEverythingWhileABridgeRuns(t *testing.T) {
	t.Parallel()
	s, a, b := newRunning(t, 1), server("a"), server("b")
	s.git.now[a], s.git.now[b] = 1, 1
	s.publish(1)
	s.run()
	s.await(1, a, proven)
	s.await(1, b, proven)
	if err := lose(t.Context(), s.redis, 1, false); err != nil {
		t.Fatal(err)
	}
	s.git.now[a] = 2
	s.publish(1)
	for s.receipt(1, a).GetAgreed().GetBlobId() != "2" {
		s.pause(1, a)
	}
	s.await(1, a, proven)
	s.await(1, b, proven)
	delete(s.git.now, b)
	s.publish(1)
	for !buried(s.receipt(1, b)) {
		s.pause(1, b)
	}
	s.await(1, a, proven)
}

// TestAProblemThatCannotBeNoted is noted with the next pass, though nothing else is new; and so it is when it is over.
func TestAProblemThatCannotBeNoted(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.git.now[server("a")] = 1
	w.synced(t)
	gone := redisFor(t)
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	says := func() string {
		d, err := w.store.delivery(t.Context(), w.fabric)
		if err != nil {
			t.Fatal(err)
		}
		return d.GetProblem()
	}
	for _, down := range []bool{true, false} {
		w.wire.down = down
		w.d.state.Untold = true // NetBox is asked
		w.linked = clone(w.linked)
		w.linked.LastError = fmt.Sprint("it is down: ", down)
		there := w.store.redis
		w.store.redis = gone
		if err := w.deliver(t.Context()); err == nil {
			t.Fatal("it is noted without Redis")
		}
		w.store.redis = there
		before := says()
		err := w.deliver(t.Context())
		if after := says(); (before == "") != down || (after != "") != down || (err != nil) != down {
			t.Errorf("down %v: %q, then %q; %v", down, before, after, err)
		}
	}
	w.end()
	w.wire.down = true
	w.linked.LastError = "another one"
	w.begin()
	there := w.store.redis
	if err := w.deliver(t.Context()); err == nil {
		t.Fatal("NetBox was reached")
	}
	if err := there.Main.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	w.end()
	w.begin()
	if err := w.deliver(t.Context()); err == nil || says() == "" {
		t.Errorf("another bridge says nothing of what the ledger has: %v", err)
	}
}
