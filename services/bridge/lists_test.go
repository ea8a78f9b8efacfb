package bridge_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Ids of syncs, and the page of a commit.
const (
	firstID   = "018f0000-0000-8000-8000-000000000001"
	secondID  = "018f0000-0000-8000-8000-000000000002"
	thirdID   = "018f0000-0000-8000-8000-000000000003"
	commitURL = "https://github.com/an-organisation/gitops/commit/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

// degradedFabric has all that a list shows.
func degradedFabric(id int32) *fabricv1.Fabric {
	return &fabricv1.Fabric{
		FabricId: id, Name: fmt.Sprint("fabric-", id), SyncIntervalSeconds: 300, CreatedAt: timestamppb.Now(),
		Location: &gitv1.Location{
			RepositoryUrl: "https://github.com/an-organisation/gitops.git", Branch: "main",
			Directory: fmt.Sprint("gitops/hedgehog/fabric-", id),
		},
		UpdatedAt: timestamppb.Now(), NextSyncAt: timestamppb.Now(),
		Status: &fabricv1.FabricStatus{
			State: fabricv1.FabricState_FABRIC_STATE_DEGRADED, ActiveSyncId: thirdID,
			Reason: errs.NewFinding(errs.FilesInQuarantine, reportv1.Severity_SEVERITY_ERROR,
				"2 files are in quarantine."),
			LastSync: &fabricv1.LastSync{
				SyncId: secondID, State: syncv1.State_STATE_FAILED, Trigger: syncv1.Trigger_TRIGGER_WEBHOOK,
				CompletedAt: timestamppb.Now(),
			},
			Published: &fabricv1.PublishedState{
				SyncId: firstID, Commit: strings.Repeat("a", 40), CommitUrl: commitURL,
				CompletedAt: timestamppb.Now(), ResourcesTotal: 47, QuarantinedFiles: proto.Int32(2),
			},
		},
	}
}

// TestAListOfFabricsShowsHowTheyAre: in the words of the contract, in one answer, and no more than is asked for.
func TestAListOfFabricsShowsHowTheyAre(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backend.mu.Lock()
	for id := range int32(40) {
		b.backend.fabrics[id+1] = degradedFabric(id + 1)
	}
	b.backend.mu.Unlock()
	answer := b.call("GET", "/api/v1/fabrics?search=%20Fab&state=degraded&order_by=last_success%20desc&repository=r", "")
	if answer.status != 200 || len(answer.raw) > 60_000 {
		t.Errorf("%d: %d bytes", answer.status, len(answer.raw))
	}
	b.requireAsked(&fabricv1.ListFabricsRequest{
		Limit: 40, WithStatus: true, Search: "Fab", Repository: "r", State: fabricv1.FabricState_FABRIC_STATE_DEGRADED,
		Order: fabricv1.FabricOrder_FABRIC_ORDER_LAST_SUCCESS, Descending: true,
	})
	list := b.ok("GET", "/api/v1/fabrics", "")
	b.requireAsked(&fabricv1.ListFabricsRequest{
		Limit: 40, WithStatus: true, Order: fabricv1.FabricOrder_FABRIC_ORDER_FABRIC_ID,
	})
	if got := fmt.Sprint(list["counts"]); got != "map[degraded:40 failing:0 ok:0 overdue:0 running:0 suspended:0]" {
		t.Errorf("counts %s", got)
	}
	one := list["fabrics"].([]any)[0].(object)
	reason, last, success := one["reason"].(object), one["last_sync"].(object), one["last_success"].(object)
	for what, is := range map[string]bool{
		"state": one["state"] == "degraded", "active_sync_id": one["active_sync_id"] == thirdID,
		"reason":  reason["name"] == "FILES_IN_QUARANTINE" && reason["remedy"] != "",
		"last":    last["state"] == "failed" && last["trigger"] == "webhook" && last["sync_id"] == secondID,
		"success": success["resources_total"] == 47.0 && success["quarantined_files"] == 2.0,
		"commit":  success["commit_url"] == commitURL && success["completed_at"] != nil,
	} {
		if !is {
			t.Errorf("%s is not right: %v", what, one)
		}
	}
}

// TestSyncsOfAllFabricsAreListed: with the names of their fabrics, and a total of those that are active.
func TestSyncsOfAllFabricsAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.fabric()
	list := b.ok("GET",
		"/api/v1/syncs?active=true&trigger=manual&limit=3&page_token=t&fabric_id=35&start_date=2026-02-28", "")
	one := list["syncs"].([]any)[0].(object)
	if one["sync_id"] != id || one["fabric_name"] != "fabric-1" || list["total"] != 1.0 ||
		list["next_page_token"] != "next" {
		t.Errorf("listed %v", list)
	}
	b.requireAsked(&syncv1.ListAllSyncsRequest{
		Active: true, Trigger: syncv1.Trigger_TRIGGER_MANUAL, Limit: 3, PageToken: "t", OnlySome: true,
		FabricIds: []int32{35}, StartDate: &timestamppb.Timestamp{Seconds: 1772236800},
	})
	list = b.ok("GET", "/api/v1/syncs?status=failed", "")
	b.requireAsked(&syncv1.ListAllSyncsRequest{Limit: 50, State: syncv1.State_STATE_FAILED})
	if _, there := list["total"]; there {
		t.Errorf("a total that nobody has counted: %v", list)
	}
}

// TestSyncsOfAllFabricsAreTheCallers: of those that a caller may not see there are none, also where it names one.
func TestSyncsOfAllFabricsAreTheCallers(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	viewer := g.grant("viewer", "35,7")
	for _, c := range []struct {
		token, query string
		some         bool
		ids          []int32
	}{
		{g.bootstrap, "", false, nil},
		{g.bootstrap, "?fabric_id=36", true, []int32{36}},
		{viewer, "", true, []int32{7, 35}},
		{viewer, "?fabric_id=7", true, []int32{7}},
		{viewer, "?fabric_id=36", true, nil},
	} {
		g.ok("GET", "/api/v1/syncs"+c.query, "", bearer(c.token))
		g.backend.mu.Lock()
		asked, _ := g.backend.asked.(*syncv1.ListAllSyncsRequest)
		g.backend.mu.Unlock()
		if asked.GetOnlySome() != c.some || fmt.Sprint(asked.GetFabricIds()) != fmt.Sprint(c.ids) {
			t.Errorf("%q: asked for %v", c.query, asked)
		}
	}
}
