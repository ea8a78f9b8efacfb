package orchestrator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// listed asks for fabrics, and returns their names and the answer.
func (n *node) listed(req *fabricv1.ListFabricsRequest) ([]string, *fabricv1.ListFabricsResponse) {
	n.t.Helper()
	response, err := n.ListFabrics(n.t.Context(), req)
	var names []string
	for _, f := range must(n.t, response, err).GetFabrics() {
		names = append(names, strings.TrimPrefix(f.GetName(), "fabric of "))
	}
	return names, response
}

// TestAListOfFabricsSaysHowTheyAre: each with its state, its last sync and what it left, and how many are in each
// state, of those that the caller may see and that match but for the state.
func TestAListOfFabricsSaysHowTheyAre(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		for i, name := range []string{"Beta", "alpha", "gamma", "delta"} {
			b.fabric(b.stages, int32(i+1), name)
		}
		b.drop("gamma", "bad one")
		b.expect(b.sync(3, nil), completed)
		_, err := b.SuspendFabric(t.Context(), &fabricv1.SuspendFabricRequest{FabricId: 4, Reason: "moved"})
		if err != nil {
			t.Fatal(err)
		}
		asked := func(change func(*fabricv1.ListFabricsRequest)) ([]string, *fabricv1.ListFabricsResponse) {
			req := &fabricv1.ListFabricsRequest{WithStatus: true}
			change(req)
			return b.listed(req)
		}
		all, response := asked(func(*fabricv1.ListFabricsRequest) {})
		if c := response.GetCounts(); c.GetOk() != 2 || c.GetDegraded() != 1 || c.GetSuspended() != 1 || len(all) != 4 {
			t.Errorf("%q: %v", all, c)
		}
		gamma := response.GetFabrics()[2].GetStatus()
		if gamma.GetLastSync().GetState() != completed || gamma.GetPublished().GetQuarantinedFiles() != 1 ||
			gamma.GetPublished().GetCommit() == "" || gamma.GetReason() == nil {
			t.Errorf("gamma is %v", gamma)
		}
		one, err := b.GetFabric(t.Context(), &fabricv1.GetFabricRequest{FabricId: 3})
		if got := must(t, one, err).GetFabric().GetStatus(); got.String() != gamma.String() {
			t.Errorf("by itself it is %v, and in a list %v", got, gamma)
		}
		for _, c := range []struct {
			want   string
			change func(*fabricv1.ListFabricsRequest)
		}{
			{"[alpha Beta delta gamma]", func(r *fabricv1.ListFabricsRequest) {
				r.Order = fabricv1.FabricOrder_FABRIC_ORDER_NAME
			}},
			{"[gamma delta Beta alpha]", func(r *fabricv1.ListFabricsRequest) {
				r.Order = fabricv1.FabricOrder_FABRIC_ORDER_STATE
			}},
			{"[gamma delta alpha Beta]", func(r *fabricv1.ListFabricsRequest) {
				r.Order, r.Descending = fabricv1.FabricOrder_FABRIC_ORDER_LAST_SUCCESS, true
			}},
			{"[Beta alpha]", func(r *fabricv1.ListFabricsRequest) { r.State = fabricv1.FabricState_FABRIC_STATE_OK }},
			{"[Beta]", func(r *fabricv1.ListFabricsRequest) { // and not what it may not see
				r.Search, r.OnlySome, r.FabricIds = "TA", true, []int32{1, 2}
			}},
			{"[alpha]", func(r *fabricv1.ListFabricsRequest) { r.Search = "LPH" }},
			{"[]", func(r *fabricv1.ListFabricsRequest) { r.Repository = "https://elsewhere/repo.git" }},
		} {
			got, response := asked(c.change)
			if fmt.Sprint(got) != c.want || int(response.GetTotal()) != len(got) {
				t.Errorf("%q, %d in all, want %s", got, response.GetTotal(), c.want)
			}
		}
		_, response = asked(func(r *fabricv1.ListFabricsRequest) {
			r.State, r.OnlySome, r.FabricIds = fabricv1.FabricState_FABRIC_STATE_OK, true, []int32{1, 4}
		})
		if c := response.GetCounts(); c.GetOk() != 1 || c.GetSuspended() != 1 || c.GetDegraded() != 0 {
			t.Errorf("of two fabrics the counts are %v", c)
		}
	})
}

// TestPagesOfFabricsStayRight: while fabrics go, the pages in each order have the others once, forwards and backwards.
func TestPagesOfFabricsStayRight(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		for i, name := range []string{"e", "d", "c", "b", "a"} {
			b.fabric(b.stages, int32(i+1), name)
		}
		req := &fabricv1.ListFabricsRequest{
			Limit: 2, Order: fabricv1.FabricOrder_FABRIC_ORDER_NAME, Descending: true,
		}
		got, response := b.listed(req)
		_, err := b.DeleteFabric(t.Context(), &fabricv1.DeleteFabricRequest{FabricId: 2}) // the last one that was shown
		if err != nil {
			t.Fatal(err)
		}
		for response.GetNextPageToken() != "" {
			req.PageToken = response.GetNextPageToken()
			var more []string
			more, response = b.listed(req)
			got = append(got, more...)
		}
		if want := []string{"e", "d", "c", "b", "a"}; !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		req.Descending, req.PageToken = false, ""
		_, first := b.listed(req)
		req.Order, req.PageToken = fabricv1.FabricOrder_FABRIC_ORDER_STATE, first.GetNextPageToken()
		_, err = b.ListFabrics(t.Context(), req)
		refusesField(t, "another order", err, "page_token")
	})
}

// TestSyncsOfAllFabrics: in pages, newest first, with the names of their fabrics; of those that the caller may see.
func TestSyncsOfAllFabrics(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		var want []string
		for i := range int32(3) {
			b.fabric(b.stages, i+1, fmt.Sprint("f", i+1))
		}
		for i := range int32(5) {
			want = append(want, b.sync(i%3+1, nil).GetSyncId())
		}
		slices.Reverse(want)
		list := func(req *syncv1.ListAllSyncsRequest) *syncv1.ListAllSyncsResponse {
			t.Helper()
			response, err := b.ListAllSyncs(t.Context(), req)
			return must(t, response, err)
		}
		req, got := &syncv1.ListAllSyncsRequest{Limit: 2, Trigger: syncv1.Trigger_TRIGGER_MANUAL}, []string(nil)
		for more := true; more; more = req.GetPageToken() != "" {
			page := list(req)
			for _, s := range page.GetSyncs() {
				got = append(got, s.GetSyncId())
				if name := page.GetFabricNames()[s.GetFabricId()]; name != fmt.Sprint("fabric of f", s.GetFabricId()) {
					t.Errorf("the fabric %d is %q", s.GetFabricId(), name)
				}
			}
			req.PageToken = page.GetNextPageToken()
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if some := list(&syncv1.ListAllSyncsRequest{OnlySome: true, FabricIds: []int32{2}}); len(some.GetSyncs()) != 3 {
			t.Errorf("of one fabric: %v", some)
		}
		if none := list(&syncv1.ListAllSyncsRequest{OnlySome: true}); len(none.GetSyncs()) != 0 {
			t.Errorf("of none: %v", none)
		}
		if active := list(&syncv1.ListAllSyncsRequest{Active: true}); active.Total == nil || active.GetTotal() != 0 {
			t.Errorf("active: %v", active)
		}
		_, err := b.ListAllSyncs(t.Context(), &syncv1.ListAllSyncsRequest{PageToken: "nonsense"})
		refusesField(t, "all syncs", err, "page_token")
	})
}
