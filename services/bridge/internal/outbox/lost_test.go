package outbox

import (
	"net/http"
	"path/filepath"
	"testing"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

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
