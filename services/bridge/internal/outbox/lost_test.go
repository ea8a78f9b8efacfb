package outbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"fgdsync.dev/libs/redisconn"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/testkit/redistest"
)

// some has a number of servers delivered, s0 and so on.
func (w *world) some(t *testing.T, number int) {
	t.Helper()
	for i := range number {
		w.git.now[server(fmt.Sprint("s", i))] = 1
	}
	w.synced(t)
}

// loses has Redis lose everything, or the receipts alone.
func (w *world) loses(t *testing.T, what string) {
	t.Helper()
	if err := lose(t.Context(), w.redis, w.fabric, what == "receipts"); err != nil {
		t.Fatal(err)
	}
}

// lose has Redis lose everything, or the receipts of a fabric alone.
func lose(ctx context.Context, conn *redisconn.Conn, fabric int32, receiptsAlone bool) error {
	if receiptsAlone {
		return conn.Main.Del(ctx, receiptsKey(fabric)).Err()
	}
	return conn.Main.FlushAll(ctx).Err()
}

// atRest holds that all is as Git says, each record proven.
func (w *world) atRest(t *testing.T) {
	t.Helper()
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.settled(t.Context())
	if diff := w.same(); diff != "" || len(w.states()[proven]) != len(w.d.receipts) {
		t.Errorf("%s; %v", diff, w.d.receipts)
	}
	if got := w.d.state.GetProvenCommit(); got != w.linked.GetPublished().GetCommit() {
		t.Errorf("proven is %q", got)
	}
}

// TestRedisLosesReceiptsUnderway: the bridge goes on, and Redis has all receipts again with the next that it writes. So
// whoever begins anew knows what was agreed on, and holds nothing as somebody else's.
func TestRedisLosesReceiptsUnderway(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"everything", "receipts"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := one(t)
			w.some(t, 5)
			w.loses(t, what)
			w.git.now[server("s0")] = 2
			w.synced(t)
			w.isKept()
			w.end()
			w.begin()
			delete(w.git.now, server("s1"))
			w.git.now[server("s2")] = 7
			w.synced(t)
			w.atRest(t)
		})
	}
}

// TestRedisLosesReceiptsAlone while no bridge runs: the ledger has them.
func TestRedisLosesReceiptsAlone(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.some(t, 5)
	w.loses(t, "receipts")
	w.end()
	w.begin()
	delete(w.git.now, server("s1"))
	w.git.now[server("s2")] = 7
	w.synced(t)
	w.atRest(t)
}

// TestALedgerHasWhatOthersWrote before the bridge took over: what it wrote itself long ago is not taken for the newest.
func TestALedgerHasWhatOthersWrote(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.some(t, 5)
	own := w.path
	turn := func(path string) {
		w.end()
		w.path = path
		w.begin()
	}
	turn(filepath.Join(t.TempDir(), "outbox.db"))
	w.git.now[server("s1")], w.git.now[server("new")] = 2, 1
	delete(w.git.now, server("s4"))
	w.synced(t)
	turn(own)
	w.git.now[server("s2")] = 2
	w.synced(t)
	w.loses(t, "everything")
	turn(own)
	w.git.now[server("s1")] = 3
	delete(w.git.now, server("new"))
	w.synced(t)
	w.atRest(t)
}

// TestAnotherBridgeFindsReceiptsMissing: it knows that it does not know, reads what is wanted whole, and takes nothing
// for its own that it does not see to be so.
func TestAnotherBridgeFindsReceiptsMissing(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.some(t, 5)
	w.loses(t, "receipts")
	w.end()
	w.path = filepath.Join(t.TempDir(), "outbox.db")
	w.begin()
	w.git.now[server("s2")] = 7
	w.synced(t)
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for k, r := range w.d.receipts {
		want := proven
		if k == server("s2") {
			want = held
		}
		if r.GetState() != want {
			t.Errorf("%v: %v", k, r)
		}
	}
	w.isKept()
}

// isKept holds that Redis and the ledger have all receipts.
func (w *world) isKept() {
	w.t.Helper()
	d, receipts, err := w.store.read(context.Background(), w.fabric)
	if err != nil || !isWhole(d, receipts) || len(receipts) != len(w.d.receipts) {
		w.t.Fatalf("Redis has %d receipts of %d: %v", len(receipts), d.GetReceipts(), err)
	}
	ledger, err := w.store.ledger()
	if err != nil {
		w.t.Fatal(err)
	}
	if d, known, err := ledger.read(w.fabric); err != nil || !isWhole(d, known) || len(known) != len(w.d.receipts) {
		w.t.Fatalf("the ledger has %d receipts of %d: %v", len(known), d.GetReceipts(), err)
	}
}

// TestNoCommitIsProven while NetBox has a record that no file is of: it may be one whose file is gone.
func TestNoCommitIsProven(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.some(t, 2)
	before := w.d.state.GetProvenCommit()
	w.loses(t, "everything")
	w.end()
	w.path = filepath.Join(t.TempDir(), "outbox.db")
	w.begin()
	w.git.broken = errGitAway
	_ = w.deliver(t.Context())
	w.git.broken = nil
	delete(w.git.now, server("s1"))
	w.synced(t)
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.synced(t)
	theirs := w.d.receipts[server("s1")]
	if theirs.GetProblem().GetReason() != netboxv1.Reason_REASON_ONLY_IN_NETBOX {
		t.Fatal(theirs)
	}
	if got := w.d.state.GetProvenCommit(); got == w.linked.GetPublished().GetCommit() || got == before {
		t.Errorf("proven is %s, and NetBox has %v", got, theirs)
	}
}

// TestManyReceipts are written by several scripts, and Redis gets all of them again where it has lost them in between.
func TestManyReceipts(t *testing.T) {
	t.Parallel()
	w := one(t)
	c := change{fence: 1, delivery: &netboxv1.Delivery{FabricId: w.fabric, Revision: 1}}
	for i := range 2*batchFields + 500 {
		k := server(fmt.Sprint("s", i))
		c.put = append(c.put, &netboxv1.Receipt{Kind: k.kind, Namespace: k.namespace, Name: k.name})
	}
	for _, r := range c.put[:batchFields] {
		c.gone = append(c.gone, key{r.GetKind(), r.GetNamespace(), r.GetName() + "-old"})
	}
	c.delivery.Receipts = int32(len(c.put))
	has, err := w.store.store(t.Context(), c, anew())
	if want := (stored{1, len(c.put)}); err != nil || has != want {
		t.Fatalf("Redis has %v, want %v: %v", has, want, err)
	}
	c.delivery.Revision, c.put, c.gone = 2, c.put[:1], nil
	if _, err := w.store.store(t.Context(), c, stored{1, len(c.put)}); !errors.Is(err, errLost) {
		t.Errorf("some are missing, and it ends with %v", err)
	}
	if _, err := w.store.store(t.Context(), c, stored{7, has.receipts}); !errors.Is(err, errLost) {
		t.Errorf("another revision is there, and it ends with %v", err)
	}
	if has, err = w.store.store(t.Context(), c, has); err != nil || has.revision != 2 {
		t.Errorf("Redis has %v: %v", has, err)
	}
}

// TestAReplyThatIsLost is asked for again, and nothing is taken for lost: neither a part of many receipts nor the last.
func TestAReplyThatIsLost(t *testing.T) {
	t.Parallel()
	lossy := redistest.Start(t).Lossy(t)
	store := NewStore(lossy.Conn(t), filepath.Join(t.TempDir(), "outbox.db"))
	c := change{fence: 1, delivery: &netboxv1.Delivery{FabricId: 1, Revision: 1}}
	has, err := store.store(t.Context(), c, anew())
	if err != nil {
		t.Fatal(err)
	}
	for i := range batchFields + 1 {
		c.put = append(c.put, &netboxv1.Receipt{Kind: "Server", Namespace: "default", Name: fmt.Sprint("s", i)})
	}
	for i, some := range [][]*netboxv1.Receipt{c.put, c.put[:1], nil} {
		c.put, c.delivery.Revision = some, int64(i+2)
		lossy.LoseReplyTo("evalsha")
		if has, err = store.store(t.Context(), c, has); err != nil || has != (stored{int64(i + 2), batchFields + 1}) {
			t.Fatalf("Redis has %v: %v", has, err)
		}
	}
	if lossy.Lost() != 3 {
		t.Errorf("%d replies were lost", lossy.Lost())
	}
}

// TestRedisGetsBackWhatItHasLost: all receipts of the bridge that goes on, those too that nothing happens to. So
// another bridge, whose ledger has nothing, knows later what was agreed, and holds what people change.
func TestRedisGetsBackWhatItHasLost(t *testing.T) {
	t.Parallel()
	w, held, quiet := one(t), server("held"), server("quiet")
	w.git.now[held], w.git.now[quiet] = 1, 1
	w.synced(t)
	w.edited(t, held, "people")
	w.settled(t.Context())
	if err := w.redis.Main.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	w.end()
	w.begin()
	w.settled(t.Context())
	w.end()
	w.path = filepath.Join(t.TempDir(), "another.db")
	w.begin()
	if err := w.deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	for k, want := range map[key]netboxv1.State{
		held: netboxv1.State_STATE_HELD, quiet: netboxv1.State_STATE_PROVEN,
	} {
		if r := w.d.receipts[k]; r.GetState() != want || r.GetAgreed() == nil {
			t.Errorf("of %v the other bridge knows %v", k, r)
		}
	}
	w.person(http.MethodPatch, w.records()[quiet].ID, `{"spec":{"a":"later"}}`)
	w.git.now[quiet] = 2
	w.synced(t)
	w.stays(t, quiet, "later")
}
