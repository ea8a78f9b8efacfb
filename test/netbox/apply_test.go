package netbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"fgdsync.dev/test/netbox/lab"
)

const applyPath = feed + "apply/"

// most is how many items a request may have.
const most = 500

// items are as many switches, each with a number in its spec.
func items(fabric, count, number int) []any {
	all := make([]any, 0, count)
	for i := range count {
		all = append(all, item("Switch", fabric, fmt.Sprintf("s-%d", i), number))
	}
	return all
}

func item(kind string, fabric int, name string, number int) map[string]any {
	return map[string]any{
		"op": "upsert", "kind": kind, "fabric": fabric, "name": name,
		"fields": map[string]any{"spec": map[string]any{"a": number}},
	}
}

// applied is what became of an item.
type applied struct {
	Index       int
	Status      string
	ID          int
	LastUpdated string `json:"last_updated"`
	Errors      map[string][]string
}

// into reads what was said.
func (a answer) into(t *testing.T, value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.raw), value); err != nil {
		t.Fatalf("%d %.300s: %v", a.code, a.raw, err)
	}
}

// order is a request with items.
func order(key string, items ...any) map[string]any {
	return map[string]any{
		"request_key": key, "commit": map[string]any{"sha": "0123abcdef", "subject": "why"},
		"author": map[string]any{"name": "somebody"}, "items": items,
	}
}

// apply sends items, of which all are to have an outcome.
func (n *netbox) apply(key, outcome string, items ...any) (request string, results []applied) {
	n.t.Helper()
	var said struct {
		RequestID string `json:"request_id"`
		Results   []applied
	}
	a := n.ask("POST", applyPath, order(key, items...))
	a.into(n.t, &said)
	if a.code != http.StatusOK || len(said.Results) != len(items) {
		n.t.Fatalf("%d %.600s", a.code, a.raw)
	}
	for _, result := range said.Results {
		if result.Status != outcome {
			n.t.Fatalf("%+v, not %s", result, outcome)
		}
	}
	return said.RequestID, said.Results
}

// entries returns how many the change log has.
func (n *netbox) entries() float64 {
	n.t.Helper()
	count, _ := n.ask("GET", "/api/core/object-changes/?limit=1&fields=id", nil).fields["count"].(float64)
	return count
}

// TestApply: what many items say becomes of records with one request, and once.
func TestApply(t *testing.T) {
	t.Parallel()
	takesLong(t)
	n := start(t)
	fabric := n.fabric("apply")
	before := n.entries()
	all := items(fabric, most, 1)
	request, made := n.apply("first", "created", all...)
	if got := n.entries() - before; got != most {
		t.Errorf("the change log has %.0f entries more", got)
	}
	sent := n.hooked("s", lab.ObjectTypes())
	t.Run("again", func(t *testing.T) { (&netbox{n.NetBox, t}).unchanged(all, made, sent) })
	t.Run("the same request", func(t *testing.T) { (&netbox{n.NetBox, t}).repeated(request, made, all) })
	t.Run("somebody else", func(t *testing.T) { (&netbox{n.NetBox, t}).ofAnother(all[0]) })
	t.Run("at once", func(t *testing.T) { (&netbox{n.NetBox, t}).twice(fabric) })
}

// unchanged: records that are as they shall be are not touched, and nobody is told anything.
func (n *netbox) unchanged(all []any, made []applied, sent <-chan sentHook) {
	before := n.entries()
	_, again := n.apply("again", "unchanged", all...)
	for i, result := range again {
		if result.ID != made[i].ID || result.LastUpdated != made[i].LastUpdated {
			n.t.Fatalf("%+v was %+v", result, made[i])
		}
	}
	if got := n.entries() - before; got != 0 {
		n.t.Errorf("the change log has %.0f entries more", got)
	}
	n.change(made[0].ID, 2)
	n.expect(sent, "s-0 updated map[a:2]")
}

// repeated: a request that is sent again has the answer of before and does nothing, and its key is no other's.
func (n *netbox) repeated(request string, made []applied, all []any) {
	before := n.entries()
	again, results := n.apply("first", "created", all...)
	if again != request || results[0].ID != made[0].ID || results[0].LastUpdated != made[0].LastUpdated {
		n.t.Errorf("%s %+v, not %s %+v", again, results[0], request, made[0])
	}
	if got := n.entries() - before; got != 0 {
		n.t.Errorf("the change log has %.0f entries more", got)
	}
	if other := n.ask("POST", applyPath, order("first", all[1:]...)); other.code != http.StatusConflict {
		n.t.Errorf("%d %.300s", other.code, other.raw)
	}
}

// ofAnother: a key is of its user alone, who may do what their permissions say.
func (n *netbox) ofAnother(one any) {
	who := map[string]any{"username": "other", "password": "Other-password-1"}
	if made := n.ask("POST", "/api/users/users/", who); made.code != http.StatusCreated {
		n.t.Fatalf("%d %s", made.code, made.raw)
	}
	var token struct{ Key, Token string }
	n.ask("POST", "/api/users/tokens/provision/", who).into(n.t, &token)
	other := &netbox{&lab.NetBox{URL: n.URL, Token: fmt.Sprintf("Bearer nbt_%s.%s", token.Key, token.Token)}, n.t}
	said := other.ask("POST", applyPath, order("first", one))
	if said.code != http.StatusMultiStatus || !strings.Contains(said.raw, "permission_denied") {
		n.t.Errorf("%d %s", said.code, said.raw)
	}
}

// twice: of two requests with one key that are sent at once, one is done. The other is told at once to come back, and
// has the same answer then.
func (n *netbox) twice(fabric int) {
	var answers [2]answer
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() { answers[i] = n.persist(order("twice", item("Server", fabric, "twice", 1))) })
	}
	group.Wait()
	if answers[0].code != http.StatusOK || answers[0].raw != answers[1].raw {
		n.t.Errorf("%d %s\n%d %s", answers[0].code, answers[0].raw, answers[1].code, answers[1].raw)
	}
}

// persist sends a request until it is not being done already.
func (n *netbox) persist(request any) answer {
	for {
		a := n.ask("POST", applyPath, request)
		if a.code != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || n.t.Context().Err() != nil {
			return a
		}
	}
}

// TestMeasureApply says how long a change of 1,000 records takes, beside NetBox's own bulk changes.
func TestMeasureApply(t *testing.T) {
	if !*measured {
		t.Skip("-measure measures it")
	}
	n := start(t)
	fabric := n.fabric("measured")
	const records, batch = 2 * most, 100
	all := items(fabric, records, 1)
	_, made := n.apply("made-1", "created", all[:most]...)
	_, more := n.apply("made-2", "created", all[most:]...)
	made = append(made, more...)

	begun := time.Now()
	changed := items(fabric, records, 2)
	n.apply("changed-1", "updated", changed[:most]...)
	n.apply("changed-2", "updated", changed[most:]...)
	own := time.Since(begun)

	begun = time.Now()
	for first := 0; first < records; first += batch {
		var bulk []any
		for _, one := range made[first : first+batch] {
			bulk = append(bulk, map[string]any{
				"id": one.ID, "spec": map[string]any{"a": 3}, "changelog_message": "0123abcd somebody: why",
			})
		}
		n.must(http.StatusOK, "PATCH", "switches/?"+fields, bulk)
	}
	netbox := time.Since(begun)

	begun = time.Now()
	n.apply("same", "unchanged", items(fabric, most, 3)...)
	t.Logf("a change of %d records takes %.1f s, and %.1f s by NetBox's bulk changes (%.2f of that); %d that are as they "+
		"shall be take %.2f s", records, own.Seconds(), netbox.Seconds(), own.Seconds()/netbox.Seconds(), most,
		time.Since(begun).Seconds())
}

// TestApplyAsItIs: also records of which NetBox finds no page are made, changed and deleted, with a webhook for them.
func TestApplyAsItIs(t *testing.T) {
	t.Parallel()
	takesLong(t)
	n := start(t, asItIs())
	fabric := n.fabric("as-it-is")
	sent := n.hooked("s", lab.ObjectTypes())
	before := n.entries()
	kinds := []string{"External", "ExternalAttachment", "ExternalPeering", "VPCAttachment", "VPCPeering"}
	for number, outcome := range []string{"created", "updated"} {
		var all []any
		for _, kind := range kinds {
			all = append(all, item(kind, fabric, "q2", number))
		}
		n.apply(outcome, outcome, all...)
	}
	var gone []any
	for _, kind := range kinds {
		one := item(kind, fabric, "q2", 0)
		one["op"] = "delete"
		gone = append(gone, one)
	}
	n.apply("deleted", "deleted", gone...)
	if got := n.entries() - before; got != float64(3*len(kinds)) {
		t.Errorf("the change log has %.0f entries more", got)
	}
	n.apply("a switch", "created", item("Switch", fabric, "shown", 1))
	n.expect(sent, "shown created map[a:1]")
}
