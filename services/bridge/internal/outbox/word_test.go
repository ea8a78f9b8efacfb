package outbox

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

// fewer has a number of the servers that some made have no file any more.
func (w *world) fewer(t *testing.T, number int) {
	t.Helper()
	for i := range number {
		delete(w.git.now, server(fmt.Sprint("s", i)))
	}
	w.synced(t)
}

// read returns what is asked for, as it is noted.
func (w *world) read(t *testing.T) Asked {
	t.Helper()
	all, err := w.store.asked(t.Context(), []int32{w.fabric})
	if err != nil {
		t.Fatal(err)
	}
	return all[w.fabric]
}

// holds holds how many records there are, and how many are held.
func (w *world) holds(t *testing.T, what string, records, heldOnes int) {
	t.Helper()
	if there, kept := len(w.records()), len(w.states()[held]); there != records || kept != heldOnes {
		t.Errorf("%s: %d records, %d of them held; want %d and %d", what, there, kept, records, heldOnes)
	}
}

// TestAWordIsForWhatWasHeld: what somebody does after it was given, while NetBox or Git can't be reached, is not
// overwritten.
func TestAWordIsForWhatWasHeld(t *testing.T) {
	t.Parallel()
	for _, away := range []string{"NetBox", "Git"} {
		t.Run(away, func(t *testing.T) {
			t.Parallel()
			w, a, b := one(t), server("a"), server("b")
			w.git.now[a], w.git.now[b] = 1, 1
			w.synced(t)
			w.edited(t, a, "first")
			w.person(http.MethodDelete, w.records()[b].ID, "")
			if err := w.compare(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.asked = Asked{Number: 5, Overwrite: true, Said: 5}
			w.wire.down = away == "NetBox"
			if away == "Git" {
				w.git.broken = errGitAway
			}
			if err := w.deliver(t.Context()); err == nil {
				t.Fatal("it was delivered")
			}
			w.wire.down = false
			w.edited(t, a, "second")
			w.person(http.MethodPost, 0, fmt.Sprintf(`{"fabric":%d,"name":"b","namespace":"default","spec":{"a":"anew"}}`,
				w.linked.GetNetbox().GetFabric()))
			if err := w.compare(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.git.broken = nil
			w.clock = w.clock.Add(10 * time.Hour)
			w.settled(t.Context())
			w.stays(t, a, "second")
			w.stays(t, b, "anew")
			w.asked = Asked{Number: 6, Overwrite: true, Said: 6}
			w.settled(t.Context())
			if diff := w.same(); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAWordIsForWhatIsHeldNow: somebody who has changed a held record once more is overwritten by a word after that.
func TestAWordIsForWhatIsHeldNow(t *testing.T) {
	t.Parallel()
	w, a := one(t), server("a")
	w.git.now[a] = 1
	w.synced(t)
	w.edited(t, a, "first")
	w.edited(t, a, "second")
	w.asked = Asked{Number: 5, Overwrite: true, Said: 5}
	w.settled(t.Context())
	if diff := w.same(); diff != "" {
		t.Error(diff)
	}
}

// TestAWordIsForWhatIsLookedAt too: whoever gives it while a record that was held is looked at again, for one who asked
// without that word or because its file has changed, means what it was held for.
func TestAWordIsForWhatIsLookedAt(t *testing.T) {
	t.Parallel()
	for _, why := range []string{"asked", "committed"} {
		for _, what := range []string{"changed", "deleted", "changed since"} {
			t.Run(why+" "+what, func(t *testing.T) {
				t.Parallel()
				w, a := one(t), server("a")
				w.git.now[a] = 1
				w.synced(t)
				if what == "deleted" {
					w.person(http.MethodDelete, w.records()[a].ID, "")
				} else {
					w.person(http.MethodPatch, w.records()[a].ID, `{"spec":{"a":"first"}}`)
				}
				if err := w.compare(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.wire.down = true
				w.asked = Asked{Number: 5}
				if why == "committed" {
					w.git.now[a] = 2
					w.commit()
				}
				for range 2 {
					if err := w.deliver(t.Context()); err == nil {
						t.Fatal("NetBox was reached")
					}
					w.asked = Asked{Number: 6, Overwrite: true, Said: 6}
				}
				w.wire.down = false
				if what == "changed since" {
					w.person(http.MethodPatch, w.records()[a].ID, `{"spec":{"a":"second"}}`)
				}
				w.settled(t.Context())
				if what == "changed since" {
					w.stays(t, a, "second")
				} else if diff := w.same(); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// TestAConfirmationIsUsedUp when another commit is wanted: the one that it was for may be wanted again by mistake.
func TestAConfirmationIsUsedUp(t *testing.T) {
	t.Parallel()
	for _, forced := range []bool{false, true} {
		t.Run(fmt.Sprintf("forced=%t", forced), func(t *testing.T) {
			t.Parallel()
			w := one(t)
			w.some(t, 30)
			full := w.linked.GetPublished().GetCommit()
			w.fewer(t, 12)
			few := w.linked.GetPublished().GetCommit()
			w.holds(t, "without a word", 30, 12)
			publish := func(commit, sync string, forced bool) {
				w.commit()
				w.linked.Published.Commit, w.linked.Published.SyncId, w.linked.Published.Forced = commit, sync, forced
				w.settled(t.Context())
			}
			if forced {
				publish(few, "forced", true)
			} else {
				w.asked = Asked{Number: 1, Commit: few, ConfirmDeletions: true}
				w.settled(t.Context())
			}
			w.holds(t, "with a word", 18, 0)
			publish(full, "restored", false)
			w.holds(t, "restored", 30, 0)
			publish(few, "reset", false)
			w.holds(t, "reset by mistake", 30, 12)
		})
	}
}

// TestAConfirmationIsForOneCommit: it does not go over to what is wanted when somebody asks for something else.
func TestAConfirmationIsForOneCommit(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.some(t, 30)
	w.fewer(t, 12)
	seen := w.d.state.GetWantedCommit()
	if err := w.store.ask(t.Context(), w.fabric, Asked{Number: 1, Commit: seen, ConfirmDeletions: true}); err != nil {
		t.Fatal(err)
	}
	w.fewer(t, 29)
	now := w.d.state.GetWantedCommit()
	if err := w.store.ask(t.Context(), w.fabric, Asked{Number: 2, Commit: now}); err != nil {
		t.Fatal(err)
	}
	w.asked = w.read(t)
	w.settled(t.Context())
	w.holds(t, "confirmed for another commit", 30, 29)
	if err := w.store.ask(t.Context(), w.fabric, Asked{Number: 3, Commit: now, ConfirmDeletions: true}); err != nil {
		t.Fatal(err)
	}
	w.asked = w.read(t)
	w.settled(t.Context())
	w.holds(t, "confirmed for this one", 1, 0)
}

// TestARecordThatIsAlwaysChanged says why it waits, and is tried again.
func TestARecordThatIsAlwaysChanged(t *testing.T) {
	t.Parallel()
	w, a := one(t), server("a")
	w.git.now[a] = 1
	w.synced(t)
	w.refuses(http.MethodPatch, w.records()[a].ID, http.StatusPreconditionFailed)
	w.git.now[a] = 2
	w.synced(t)
	if r := w.d.receipts[a]; r.GetProblem().GetReason() != netboxv1.Reason_REASON_NETBOX_FAILS {
		t.Error(r)
	}
	w.netbox.Mend()
	w.atRest(t)
}
