package outbox

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/reach"
	"fgdsync.dev/libs/secret"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// way is a way to NetBox.
type way func(*http.Request) (*http.Response, error)

// RoundTrip makes a request.
func (w way) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

// through has what is delivered from now on go through a way.
func (w *world) through(t *testing.T, by way) {
	t.Helper()
	client, err := hnp.New("http://netbox.test", secret.New(netboxserver.Token), by)
	if err != nil {
		t.Fatal(err)
	}
	w.d.client = client
}

// refuses has NetBox answer each request of a method for a server with a status.
func (w *world) refuses(method string, id int64, status int) {
	w.netbox.Break(netboxserver.Fault{
		Method: method, Path: fmt.Sprintf("/api/plugins/hedgehog/servers/%d/", id), Status: status,
		Body: `{"detail":"Precondition failed."}`,
	})
}

func (w *world) wins() { w.linked.Netbox.ConflictWinner = fabricv1.Winner_WINNER_GIT_WINS }

// TestGitWinsForAWhile against something in NetBox that changes each record which is saved: then it is held, until
// somebody asks. When that is mended all is well.
func TestGitWinsForAWhile(t *testing.T) {
	t.Parallel()
	w, a := one(t), server("a")
	w.git.now[a] = 1
	w.synced(t)
	w.wins()
	id, writes, stamps := int(w.records()[a].ID), 0, true
	w.through(t, func(r *http.Request) (*http.Response, error) {
		answer, err := w.wire.RoundTrip(r)
		if r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/servers/") {
			writes++
			if stamps {
				w.netbox.Plant("servers", id, map[string]any{"labels": map[string]any{"stamp": "x"}})
			}
		}
		return answer, err
	})
	w.git.now[a] = 2
	w.synced(t)
	for range 10 {
		if err := w.compare(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.settled(t.Context())
	}
	r := w.d.receipts[a]
	if writes > 1+mostFights || r.GetState() != held || !keepsChanging(r) || RemedyOf(r.GetProblem().GetReason()) == "" {
		t.Errorf("written %d times, and it is %v", writes, r)
	}
	stamps = false
	w.asked = Asked{Number: 1, Overwrite: true, Said: 1}
	w.settled(t.Context())
	w.atRest(t)
}

// TestTwoLinksToOneRecord that want different things write it a few times, and then somebody has to decide.
func TestTwoLinksToOneRecord(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.wins()
	other := *w
	deps := *w.deps
	other.fabric, other.git, other.d, other.deps = 2, newGit(), nil, &deps
	deps.Resources = other.git
	other.linked = clone(w.linked)
	other.linked.FabricId = 2
	w.git.now[server("a")], other.git.now[server("a")] = 1, 2
	w.synced(t)
	other.synced(t)
	w.wire.writes = nil
	for range 20 {
		for _, x := range []*world{w, &other} {
			if err := x.compare(t.Context()); err != nil {
				t.Fatal(err)
			}
			x.settled(t.Context())
		}
	}
	if writes := len(w.wire.writes); writes > 2*mostFights+2 {
		t.Errorf("written %d times", writes)
	}
	if !keepsChanging(w.d.receipts[server("a")]) && !keepsChanging(other.d.receipts[server("a")]) {
		t.Errorf("%v and %v", w.d.receipts, other.d.receipts)
	}
}

// TestAnAddressThatIsNotPermitted is named as that, however often it is tried, and not as a NetBox that does not
// answer.
func TestAnAddressThatIsNotPermitted(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.some(t, 1)
	refused := reach.Networks(nil).Check("NetBox host", netip.MustParseAddr("10.1.2.3"))
	gate := newGate("x", way(func(*http.Request) (*http.Response, error) { return nil, refused }), w.deps.Now)
	w.through(t, gate.RoundTrip)
	w.git.now[server("s0")] = 2
	w.commit()
	for range restAfter + 2 {
		if err := w.deliver(t.Context()); !errors.Is(err, refused) {
			t.Fatalf("it fails with %v", err)
		}
	}
	problem, remedy := w.d.state.GetProblem(), w.d.state.GetRemedy()
	if !strings.Contains(problem, "not permitted") || !strings.Contains(remedy, reach.NetworksKey) {
		t.Errorf("%q: %q", problem, remedy)
	}
	if r := w.d.receipts[server("s0")]; r.GetState() != netboxv1.State_STATE_PENDING {
		t.Error(r)
	}
}
