package bridge_test

import (
	"fmt"
	"testing"

	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// TestPlanAndDiffHavePathsOfTheirOwn: in pages, with limits of their own.
func TestPlanAndDiffHavePathsOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.fabric()
	b.backend.end(id, syncv1.State_STATE_COMPLETED, "sync.completed", func(s *syncv1.Sync) {
		s.Result = &syncv1.Result{Diff: "+a\n", Plan: &syncv1.Plan{
			Counts: &syncv1.PlanCounts{Creates: 7}, Actions: []*syncv1.PlannedAction{{Action: "create", To: "managed/x.yaml"}},
			Orphans: []*reportv1.DanglingReference{{Field: "spec.vpc"}},
		}}
	})
	got := b.ok("GET", "/api/v1/syncs/"+id+"/plan", "")
	plan := got["plan"].(map[string]any)
	if plan["creates"] != 7.0 || len(plan["actions"].([]any)) != 1 || len(plan["orphans"].([]any)) != 1 ||
		got["total"] != 7.0 || got["next_page_token"] != "next" {
		t.Errorf("plan %v", got)
	}
	b.requireAsked(&syncv1.GetSyncPlanRequest{SyncId: id, Limit: 200})
	if got := b.ok("GET", "/api/v1/syncs/"+id+"/diff?limit=3&page_token=t", ""); fmt.Sprint(got) !=
		"map[diff:+a\n next_page_token:next same_meaning:[] total:9]" {
		t.Errorf("diff %v", got)
	}
	b.requireAsked(&syncv1.GetSyncDiffRequest{SyncId: id, Limit: 3, PageToken: "t"})
	b.problem("GET", "/api/v1/syncs/nope/plan", "", 404, "FGD_3007")
	b.problem("GET", "/api/v1/syncs/nope/diff", "", 404, "FGD_3007")
}

// TestAFabricIsSyncedByItself: every 300 seconds when nobody says otherwise, and never when somebody says so.
func TestAFabricIsSyncedByItself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for fields, want := range map[string]float64{
		``: 300, `,"sync_interval_seconds":0`: 0, `,"sync_interval_seconds":10`: 10,
	} {
		created := b.ok("POST", "/api/v1/fabrics", fmt.Sprintf(
			`{"name":"f-%.0f","repository_url":"https://git.example/r.git","gitops_directory":"d-%.0f"%s}`, want, want, fields))
		if got := created["fabric"].(map[string]any)["sync_interval_seconds"]; got != want {
			t.Errorf("%q: every %v seconds, want %v", fields, got, want)
		}
	}
}
