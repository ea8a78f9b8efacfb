package outbox

import (
	"testing"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// TestAKindWithoutAModelIsNobodysFault: it is counted apart, keeps no commit from being proven, and stands in the way
// of nothing; asking for a delivery does not change that. Its receipt goes with its file.
func TestAKindWithoutAModelIsNobodysFault(t *testing.T) {
	t.Parallel()
	w, agent := one(t), key{"Agent", "default", "leaf-1"}
	w.git.now[server("a")], w.git.now[agent] = 1, 1
	for _, asked := range []Asked{{}, {Number: 1, Overwrite: true, Said: 1}} {
		w.asked = asked
		w.synced(t)
		r := w.d.receipts[agent]
		if r.GetState() != netboxv1.State_STATE_WITHOUT_MODEL || r.GetUnprovenSince() != nil ||
			r.GetProblem().GetReason() != netboxv1.Reason_REASON_NO_MODEL {
			t.Fatalf("its receipt is %v", r)
		}
		s := *w.d.summed.Load()
		if troubleOf(s).Is() || s.count[netboxv1.State_STATE_WITHOUT_MODEL] != 1 || len(s.reasons) != 0 {
			t.Errorf("it is trouble: %+v", s)
		}
		if w.d.state.GetProvenCommit() != w.linked.GetPublished().GetCommit() ||
			w.d.state.GetTold().GetSyncStatus() != hnp.InSync {
			t.Errorf("the delivery is %v", w.d.state)
		}
	}
	delete(w.git.now, agent)
	w.synced(t)
	if diff := w.same(); diff != "" || w.d.receipts[agent] != nil {
		t.Error(diff, w.d.receipts[agent])
	}
}

// TestARefusedRecordIsTrouble beside a kind without a model: the one is counted, and the other is not.
func TestARefusedRecordIsTrouble(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.git.now[server("Bad")], w.git.now[key{"Agent", "default", "leaf-1"}] = 1, 1
	w.synced(t)
	found := troubleOf(*w.d.summed.Load())
	if !found.Is() || found.Undeliverable != 1 || len(found.Reasons) != 1 || found.Reasons[0] != "refused" {
		t.Errorf("the trouble is %+v", found)
	}
}
