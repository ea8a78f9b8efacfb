package outbox

import (
	"fmt"
	"net/http"
	"testing"

	"fgdsync.dev/libs/netboxserver"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

// synced has a sync complete, and what it left delivered.
func (w *world) synced(t *testing.T) {
	t.Helper()
	w.commit()
	w.settled(t.Context())
}

// edited has somebody change a record in NetBox, which a comparison finds.
func (w *world) edited(t *testing.T, k key, value string) {
	t.Helper()
	w.person(http.MethodPatch, w.records()[k].ID, fmt.Sprintf(`{"spec":{"a":%q}}`, value))
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// stays holds that a record says what somebody made it say.
func (w *world) stays(t *testing.T, k key, value string) {
	t.Helper()
	if spec := fmt.Sprint(w.records()[k].Spec); spec != "map[a:"+value+"]" {
		t.Errorf("%v says %s, and %v", k, spec, w.d.receipts[k])
	}
}

// TestAnInvalidCopyOfAFile takes no record along when it goes.
func TestAnInvalidCopyOfAFile(t *testing.T) {
	t.Parallel()
	w, a := one(t), server("a")
	w.git.now[a] = 1
	w.synced(t)
	w.git.copies["Server/default/a-copy"] = a
	w.synced(t)
	if r := w.d.receipts[a]; r.GetState() != netboxv1.State_STATE_PROVEN {
		t.Errorf("the copy counts: %v", r)
	}
	if bad := w.states()[netboxv1.State_STATE_UNDELIVERABLE]; len(bad) != 1 {
		t.Errorf("nobody is told of the copy: %v", bad)
	}
	delete(w.git.copies, "Server/default/a-copy")
	w.synced(t)
	if diff := w.same(); diff != "" || len(w.d.receipts) != 1 {
		t.Error(diff, w.d.receipts)
	}
}

// TestAnInvalidFileKeepsItsRecord, and is delivered when it is valid again.
func TestAnInvalidFileKeepsItsRecord(t *testing.T) {
	t.Parallel()
	w, a := one(t), server("a")
	w.git.now[a] = 1
	w.synced(t)
	w.git.now[a] = badFile
	w.synced(t)
	if r := w.d.receipts[a]; r.GetProblem().GetReason() != netboxv1.Reason_REASON_INVALID_FILE {
		t.Error(r)
	}
	w.stays(t, a, "1")
	w.git.now[a] = 2
	w.synced(t)
	if diff := w.same(); diff != "" {
		t.Error(diff)
	}
}

// TestWhatIsHeldStaysHeld: neither a file that is invalid for a while, nor a word that was for an earlier change, lets
// go of what somebody has changed since.
func TestWhatIsHeldStaysHeld(t *testing.T) {
	t.Parallel()
	w, a := one(t), server("a")
	w.git.now[a] = 1
	w.synced(t)
	w.edited(t, a, "people")
	w.git.now[a] = badFile
	w.synced(t)
	w.git.now[a] = 3
	w.synced(t)
	w.stays(t, a, "people")
	delete(w.git.now, a)
	w.synced(t)
	w.stays(t, a, "people")
	w.git.now[a] = "people" // both agree now
	w.synced(t)
	w.asked = Asked{Number: 7, Overwrite: true, Said: 7}
	w.settled(t.Context())
	if r := w.d.receipts[a]; r.GetState() != netboxv1.State_STATE_PROVEN || r.GetForced() {
		t.Error(r)
	}
	w.edited(t, a, "later")
	w.settled(t.Context())
	w.stays(t, a, "later")
}

// TestAWordIsForOnce: it is forgotten when it is noted, whatever becomes of the rest of the delivery.
func TestAWordIsForOnce(t *testing.T) {
	t.Parallel()
	w, a := one(t), server("a")
	w.git.now[a] = 1
	w.synced(t)
	if err := w.store.ask(t.Context(), w.fabric, Asked{Number: 3, Overwrite: true, ConfirmDeletions: true}); err != nil {
		t.Fatal(err)
	}
	read := func() Asked {
		all, err := w.store.asked(t.Context(), []int32{w.fabric})
		if err != nil {
			t.Fatal(err)
		}
		return all[w.fabric]
	}
	w.asked = read()
	w.git.now[a] = 2
	w.commit()
	w.wire.down = true
	if err := w.deliver(t.Context()); err == nil {
		t.Fatal("NetBox was reached")
	}
	if left := read(); left.Overwrite || left.ConfirmDeletions {
		t.Errorf("%+v is left for who asks next", left)
	}
}

// TestARecordThatMakesNetBoxFail stops no other, and is put aside and tried again.
func TestARecordThatMakesNetBoxFail(t *testing.T) {
	t.Parallel()
	w := one(t)
	for i := range 4 {
		w.git.now[server(fmt.Sprint("s", i))] = 1
	}
	w.synced(t)
	bad := w.records()[server("s1")].ID
	w.netbox.Break(netboxserver.Fault{
		Method: http.MethodPatch, Path: fmt.Sprintf("/api/plugins/hedgehog/servers/%d/", bad), Status: 500,
		Body: `{"exception":"ValueError"}`,
	})
	for i := range 4 {
		w.git.now[server(fmt.Sprint("s", i))] = 2
	}
	w.synced(t)
	for k, r := range w.d.receipts {
		want := netboxv1.State_STATE_PROVEN
		if k == server("s1") {
			want = netboxv1.State_STATE_UNDELIVERABLE
		}
		if r.GetState() != want {
			t.Errorf("%v: %v", k, r)
		}
	}
	w.netbox.Mend()
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.settled(t.Context())
	if diff := w.same(); diff != "" {
		t.Error(diff)
	}
}

// TestWhatTheGuardHolds is let go by a word alone: not by some of the files that come back. Records that nobody here
// has made are not deleted for being equal to a file that goes.
func TestWhatTheGuardHolds(t *testing.T) {
	t.Parallel()
	w := one(t)
	for i := range 30 {
		w.git.now[server(fmt.Sprint("s", i))] = 1
	}
	w.synced(t)
	for i := range 12 {
		delete(w.git.now, server(fmt.Sprint("s", i)))
	}
	w.synced(t)
	w.git.now[server("s0")], w.git.now[server("s1")] = 1, 1
	w.synced(t)
	if held := w.states()[netboxv1.State_STATE_HELD]; len(held) != 10 || len(w.records()) != 30 {
		t.Errorf("%d records; held %v", len(w.records()), held)
	}
	w.wire.down = true
	w.git.now[server("theirs")] = 9
	w.commit()
	_ = w.deliver(t.Context()) // NetBox is away
	w.wire.down = false
	w.person(http.MethodPost, 0, fmt.Sprintf(`{"fabric":%d,"name":"theirs","namespace":"default","spec":{"a":9}}`,
		w.linked.GetNetbox().GetFabric()))
	delete(w.git.now, server("theirs"))
	w.d.receipts[server("theirs")].Doubted = nil // nothing was sent
	w.synced(t)
	w.stays(t, server("theirs"), "9")
}

// TestARecordThatIsMadeAgain by somebody, after it was deleted in NetBox, is no longer said to be deleted: a word
// that is given for the one does not count for the other.
func TestARecordThatIsMadeAgain(t *testing.T) {
	t.Parallel()
	w, a := one(t), server("a")
	w.git.now[a] = 1
	w.synced(t)
	w.person(http.MethodDelete, w.records()[a].ID, "")
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.d.receipts[a].GetProblem().GetReason(); got != netboxv1.Reason_REASON_DELETED_IN_NETBOX {
		t.Fatalf("it is held as %v", got)
	}
	w.person(http.MethodPost, 0, fmt.Sprintf(`{"fabric":%d,"name":"a","namespace":"default","spec":{"a":"again"}}`,
		w.linked.GetNetbox().GetFabric()))
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.d.receipts[a].GetProblem().GetReason(); got != netboxv1.Reason_REASON_CHANGED_IN_NETBOX {
		t.Errorf("it is held as %v", got)
	}
	w.stays(t, a, "again")
}

// TestAnInvalidFileIsNotProven, whatever its record says.
func TestAnInvalidFileIsNotProven(t *testing.T) {
	t.Parallel()
	w, a := one(t), server("a")
	w.git.now[a] = 1
	w.synced(t)
	w.edited(t, a, "people")
	w.git.now[a] = badFile
	w.synced(t)
	w.person(http.MethodPatch, w.records()[a].ID, `{"spec":{"a":1}}`)
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.settled(t.Context())
	if got := w.d.receipts[a]; got.GetProblem().GetReason() != netboxv1.Reason_REASON_INVALID_FILE ||
		w.d.state.GetProvenCommit() == w.linked.GetPublished().GetCommit() {
		t.Errorf("its receipt is %v, proven is %s", got, w.d.state.GetProvenCommit())
	}
}

// TestAWordCountsOnce, though somebody asks for something else before it is noted that it was done.
func TestAWordCountsOnce(t *testing.T) {
	t.Parallel()
	w, a := one(t), server("a")
	w.git.now[a] = 1
	w.synced(t)
	w.edited(t, a, "first")
	for i, overwrite := range []bool{true, false} {
		if err := w.store.ask(t.Context(), w.fabric, Asked{Number: int64(i + 1), Overwrite: overwrite}); err != nil {
			t.Fatal(err)
		}
	}
	between, err := w.store.asked(t.Context(), []int32{w.fabric})
	if err != nil {
		t.Fatal(err)
	}
	w.asked = Asked{Number: 1, Overwrite: true, Said: 1}
	w.settled(t.Context())
	if diff := w.same(); diff != "" {
		t.Fatal(diff)
	}
	w.edited(t, a, "second")
	after, err := w.store.asked(t.Context(), []int32{w.fabric})
	if err != nil {
		t.Fatal(err)
	}
	for _, w.asked = range []Asked{between[w.fabric], after[w.fabric]} {
		w.settled(t.Context())
		w.stays(t, a, "second")
	}
	if between[w.fabric].Number != 2 || after[w.fabric].Overwrite {
		t.Errorf("it was asked for %+v, then %+v", between[w.fabric], after[w.fabric])
	}
}
