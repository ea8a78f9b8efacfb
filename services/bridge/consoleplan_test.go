package bridge_test

import (
	"net/url"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// withDryRun puts a dry run of fabric 35 into the backend, that would take away so many of 40 resources.
func (v *visitor) withDryRun(deletes int32) {
	v.register(35)
	key := func(kind, name string) *reportv1.ResourceKey {
		return &reportv1.ResourceKey{Kind: kind, Namespace: "default", Name: name}
	}
	v.backend.mu.Lock()
	defer v.backend.mu.Unlock()
	delete(v.backend.active, 35) // its first sync is over
	v.backend.syncs["sync-of-35"] = &syncv1.Sync{
		SyncId: "sync-of-35", FabricId: 35, State: syncv1.State_STATE_COMPLETED, AcceptedAt: timestamppb.Now(),
		Options: &syncv1.SyncOptions{ValidateOnly: true},
		Result: &syncv1.Result{
			BaseCommit: commitA, SameMeaning: []string{"managed/<b>.yaml"},
			Diff: "diff --git a/managed/<b>.yaml b/managed/<b>.yaml\n-\u202eold <script>alert(1)</script>\n",
			Plan: &syncv1.Plan{
				Counts: &syncv1.PlanCounts{Deletes: deletes, ResourcesBefore: 40, DeletesAllowed: 9},
				Actions: []*syncv1.PlannedAction{
					{Action: "delete", Resource: key("VPC", "named"), From: "managed/named.yaml"},
					{Action: "delete", Resource: key("VPC", "alone"), From: "managed/alone.yaml"},
				},
				Orphans: []*reportv1.DanglingReference{
					{From: key("VPCAttachment", "left"), To: key("VPC", "named"), Field: "spec.subnet"},
				},
			},
		},
	}
}

// TestAPlanShowsWhatGoesAway: each removal with what still names it, how many may go, and that it can be done as it was
// seen.
func TestAPlanShowsWhatGoesAway(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	v.withDryRun(2)
	v.signIn(v.grant("operator", "35"))
	page := v.page("/syncs/sync-of-35/plan?view=side")
	for _, part := range []string{
		`VPCAttachment left</a> still names it in <code>spec.subnet</code>`, "Nothing names it any more",
		`<meter min="0" max="40" high="9" value="2"`, "Sync exactly this", "side-by-side", "&lt;script&gt;alert",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("%q is not in %s", part, page)
		}
	}
	if strings.Contains(page, "<script>alert") {
		t.Error("a script of others is in the page")
	}
	if meaning := v.page("/syncs/sync-of-35/plan?meaning=1"); strings.Contains(meaning, "diff-file") ||
		!strings.Contains(meaning, "1 file in which nothing that means something differs is not shown") {
		t.Errorf("with what means something alone: %s", meaning)
	}
	a := v.post("/fabrics/35/sync", url.Values{"expected_commit": {commitA}})
	id, leads := strings.CutPrefix(a.header.Get("Location"), "/syncs/")
	if !leads {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	v.backend.mu.Lock()
	started := v.backend.syncs[id]
	v.backend.mu.Unlock()
	if o := started.GetOptions(); o.GetExpectedCommit() != commitA || o.GetValidateOnly() || !o.GetRefuseIfRunning() {
		t.Errorf("started %v", started)
	}
}

// TestWhatIsTooMuchIsNotOffered: nobody is led to a sync that would be refused, nor is a viewer to any.
func TestWhatIsTooMuchIsNotOffered(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	v.withDryRun(10)
	v.signIn(v.grant("operator", "35"))
	page := v.page("/syncs/sync-of-35/plan")
	if strings.Contains(page, "Sync exactly this") || !strings.Contains(page, "Too many") {
		t.Errorf("10 of 40: %s", page)
	}
	viewer, _ := visiting(t)
	viewer.withDryRun(2)
	viewer.signIn(viewer.grant("viewer", "35"))
	if strings.Contains(viewer.page("/syncs/sync-of-35/plan"), "Sync exactly this") {
		t.Error("a viewer is led to a sync")
	}
}
