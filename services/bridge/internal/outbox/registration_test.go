package outbox

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

// registered has the fabric's number be that of another registration, which is unregistered through another bridge.
func (w *world) registered(t *testing.T) {
	t.Helper()
	other := NewStore(w.redis, t.TempDir()+"/outbox.db")
	if err := other.forget(t.Context(), w.fabric); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	w.clock = w.clock.Add(time.Hour)
	w.linked = clone(w.linked)
	w.linked.RegisteredAt = timestamppb.New(w.clock)
}

// TestANumberThatIsUsedAgain has nothing of the fabric that had it before, though the ledger of this bridge was not
// told that it is gone.
func TestANumberThatIsUsedAgain(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.linked.RegisteredAt = timestamppb.New(w.clock)
	a, b := server("a"), server("b")
	w.git.now[a], w.git.now[b] = 1, 1
	w.synced(t)
	for _, record := range w.records() {
		w.person(http.MethodDelete, record.ID, "")
	}
	w.registered(t)
	w.end()
	w.begin()
	w.fence = time.Now().Add(time.Minute).UnixMicro() // numbers follow the clock of Redis
	delete(w.git.now, b)
	w.synced(t)
	if diff := w.same(); diff != "" || len(w.d.receipts) != 1 {
		t.Errorf("%s; known are %v", diff, w.d.receipts)
	}
}

// TestALedgerIsTidied: it forgets what is not linked any more, and never for what may be a fault.
func TestALedgerIsTidied(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.linked.RegisteredAt = timestamppb.New(w.clock)
	w.git.now[server("a")] = 1
	w.synced(t)
	tidier := &tidier{
		store: w.store, now: func() time.Time { return w.clock }, log: slog.New(slog.DiscardHandler),
		missing: map[int32]time.Time{},
	}
	others := []*fabricv1.LinkedFabric{{FabricId: w.fabric + 1}}
	look := func(what string, linked []*fabricv1.LinkedFabric, after time.Duration, kept bool) {
		t.Helper()
		w.clock = w.clock.Add(after)
		tidier.look(t.Context(), linked)
		ledger, err := w.store.ledger()
		if err != nil {
			t.Fatal(err)
		}
		d, receipts, err := ledger.read(w.fabric)
		if err != nil || (d != nil) != kept || (len(receipts) > 0) != kept {
			t.Errorf("%s: kept are %v and %v: %v", what, d, receipts, err)
		}
	}
	look("it is linked", []*fabricv1.LinkedFabric{w.linked}, tidyPeriod, true)
	look("none is linked, or the orchestrator is away", nil, 2*missingFor, true)
	look("others are", others, 2*missingFor, true)
	look("for less than an hour", others, missingFor-time.Second, true)
	look("it is back", []*fabricv1.LinkedFabric{w.linked}, tidyPeriod, true)
	look("and gone again", others, missingFor, true)
	look("for less than an hour again", others, missingFor-time.Second, true)
	look("and no list was to be had", nil, time.Second, true)
	look("so that it counts anew", others, tidyPeriod, true)
	look("an orchestrator does not say when it was registered",
		[]*fabricv1.LinkedFabric{{FabricId: w.fabric}}, tidyPeriod, true)
	look("gone once more", others, tidyPeriod, true)
	look("for an hour", others, missingFor, false)
	if err := w.d.save(t.Context()); err != nil { // by whoever delivers still
		t.Fatal(err)
	}
	another := clone(w.linked)
	another.RegisteredAt = timestamppb.New(w.clock)
	w.d.touch(w.d.receipts[server("a")])
	if err := w.d.save(t.Context()); err != nil {
		t.Fatal(err)
	}
	look("another one has its number", []*fabricv1.LinkedFabric{another}, tidyPeriod, false)
	if state := w.d.receipts[server("a")].GetState(); state != netboxv1.State_STATE_PROVEN {
		t.Errorf("what is under way was touched: %v", state)
	}
}

// TestAFabricDeletedThroughAnotherBridge and registered again with its number leaves the records of the earlier one as
// they are: they are nobody's that is known here.
func TestAFabricDeletedThroughAnotherBridge(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.linked.RegisteredAt = timestamppb.New(w.clock)
	w.some(t, 5)
	w.registered(t)
	w.git.now = map[key]any{server("new"): 1}
	w.commit()
	w.end()
	w.begin()
	w.fence = time.Now().Add(time.Minute).UnixMicro()
	w.settled(t.Context())
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.settled(t.Context())
	if there := len(w.records()); there != 6 || len(w.states()[held]) != 5 {
		t.Errorf("%d records are left of 6: %v", there, w.d.receipts)
	}
}
