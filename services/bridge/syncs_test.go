package bridge_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

func TestTrigger(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.fabric()
	b.backend.end(first, syncv1.State_STATE_COMPLETED, "sync.completed", nil)
	started := b.ok("POST", "/api/plugins/hedgehog/fabrics/35/gitops-sync/",
		`{"trigger":"webhook","options":{"force_refresh":true,"validate_only":false,"include_github_sync":true}}`)
	id := started["sync_id"].(string)
	want := map[string]any{
		"success": true, "sync_id": id, "status": "started", "message": "The sync has been started.",
		"tracking_url": "/api/v1/syncs/" + id + "/events", "status_url": "/api/sync-status/" + id + "/",
		"websocket_url": "/ws/sync-progress/" + id + "/",
	}
	if !maps.Equal(started, want) {
		t.Errorf("answer %v, want %v", started, want)
	}
	record := b.backend.syncs[id]
	if record.GetTrigger() != syncv1.Trigger_TRIGGER_WEBHOOK || !record.GetOptions().GetForceRefresh() ||
		record.GetOptions().GetValidateOnly() || record.GetRequestedBy() != "api" {
		t.Errorf("record %v", record)
	}
	if queued := b.ok("POST", "/api/v1/fabrics/35/syncs", ""); queued["status"] != "queued" || queued["success"] != true {
		t.Errorf("queued %v", queued)
	}
	problem := b.problem("POST", "/api/v1/fabrics/35/syncs", `{"options":{"if_running":"refuse"}}`, 409, "FGD_3001")
	if problem["name"] != "SYNC_ALREADY_IN_PROGRESS" || problem["details"].(map[string]any)["sync_id"] != id {
		t.Errorf("refused %v", problem)
	}
	dry := b.ok("POST", "/api/v1/fabrics/35/syncs/", `{"options":{"include_github_sync":false}}`)
	if !b.backend.syncs[dry["sync_id"].(string)].GetOptions().GetValidateOnly() {
		t.Error("without the push is not validate_only")
	}
	b.problem("POST", "/api/v1/fabrics/35/syncs", `{"trigger":"whim"}`, 400, "FGD_1010")
	b.problem("POST", "/api/v1/fabrics/35/syncs", `{"options":{"if_running":"whim"}}`, 400, "FGD_1010")
	b.problem("POST", "/api/v1/fabrics/36/syncs", `{}`, 404, "FGD_3006")
}

func TestRequestedBy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	for given, want := range map[string]string{
		"ada":                    "ada",
		"  Jürgen Ä. ":           "Jürgen Ä.",
		strings.Repeat("x", 300): strings.Repeat("x", 99) + "…",
		"\xff\xfe":               "api",
		"":                       "api",
	} {
		started := b.ok("POST", "/api/v1/fabrics/35/syncs", "{}", header{"X-Requested-By", given})
		if got := b.backend.syncs[started["sync_id"].(string)].GetRequestedBy(); got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
	// Over gRPC there is no HTTP parser that refuses line ends.
	for key, value := range map[string]string{
		"x-requested-by-bin": "eve\r\nFgd-Fabric: 1\x00",
		"x-requested-by":     "eve  Fgd-Fabric: 1",
	} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), key, value)
		started, err := bridgev1.NewSyncServiceClient(b.self).TriggerSync(ctx, &bridgev1.TriggerSyncRequest{FabricId: 35})
		if err != nil {
			t.Fatal(err)
		}
		if got := b.backend.syncs[started.GetSyncId()].GetRequestedBy(); got != "eve  Fgd-Fabric: 1" {
			t.Errorf("%s became %q", key, got)
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	for _, id := range []string{"", "9f0c.A-b_c", strings.Repeat("x", 64)} {
		started := b.ok("POST", "/api/v1/fabrics/35/syncs", fmt.Sprintf(`{"request_id":%q}`, id))
		if got := b.backend.requests[started["sync_id"].(string)]; got != id {
			t.Errorf("%q became %q", id, got)
		}
	}
	for _, id := range []string{"scheduled:35:1", "a b", "é", "a\n", strings.Repeat("x", 65)} {
		b.problem("POST", "/api/v1/fabrics/35/syncs", fmt.Sprintf(`{"request_id":%q}`, id), 400, "FGD_1010")
	}
}

func TestStatusShape(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.fabric()
	pending := b.ok("GET", "/api/v1/syncs/"+id, "")
	for _, absent := range []string{"started_at", "completed_at", "result"} {
		if _, ok := pending[absent]; ok {
			t.Errorf("%s is there before its time", absent)
		}
	}
	for _, empty := range []string{"errors", "warnings", "transitions"} {
		if list, ok := pending[empty].([]any); !ok || len(list) != 0 {
			t.Errorf("%s is %v", empty, pending[empty])
		}
	}
	record := b.backend.syncs[id]
	record.State, record.StartedAt = syncv1.State_STATE_PROCESSING, timestamppb.New(time.Date(2026, 3, 1, 12, 0, 0, 0,
		time.UTC))
	record.Progress = &syncv1.Progress{
		CurrentStage: syncv1.Stage_STAGE_FILE_INGESTION, StagesCompleted: []syncv1.Stage{
			syncv1.Stage_STAGE_VALIDATION,
			syncv1.Stage_STAGE_DISCOVERY,
		},
		FilesProcessed: 3, TotalFiles: 7, DocumentsProcessed: 11, PercentComplete: 42,
	}
	record.Warnings = []*reportv1.Finding{{
		Severity: reportv1.Severity_SEVERITY_WARNING, Code: "FGD_1008",
		Name: "UNKNOWN_FIELD", Message: "m", File: "raw/a.yaml", Line: 3, Column: 5, Remedy: "r",
	}}
	record.Result = &syncv1.Result{
		CommitSha: "c0ffee", Files: &gitv1.ChangeCounts{Created: 1, Updated: 2, Removed: 3},
		FilesQuarantined: 4, ResourcesTotal: 5,
	}
	record.Result.Plan = &syncv1.Plan{
		Counts: &syncv1.PlanCounts{
			Creates: 1, Updates: 2, Moves: 3, Quarantines: 4, Deletes: 5, Duplicates: 6, Releases: 7,
			Orphans: 1,
		},
		Actions: []*syncv1.PlannedAction{{
			Action: "create", Resource: &reportv1.ResourceKey{Group: "g", Kind: "VPC", Namespace: "ns", Name: "n"},
			From: "raw/a.yaml", To: "managed/vpcs/n.yaml",
		}},
		Orphans: []*reportv1.DanglingReference{{
			From: &reportv1.ResourceKey{Kind: "VPCPeering", Namespace: "ns", Name: "p"}, Field: "f",
			To: &reportv1.ResourceKey{Kind: "VPC", Namespace: "ns", Name: "gone"},
		}},
	}
	for _, path := range []string{
		"/api/v1/syncs/" + id, "/api/sync-status/" + id + "/",
		"/api/plugins/hedgehog/sync-status/" + id + "/",
	} {
		status := b.ok("GET", path, "")
		got := fmt.Sprint(status["state"], status["trigger"], status["started_at"], status["progress"], status["warnings"],
			status["result"])
		want := "processing fabric_created 2026-03-01T12:00:00Z " +
			"map[current_stage:file_ingestion documents_processed:11 files_processed:3 percent_complete:42 " +
			"stages_completed:[validation discovery] stages_pending:[github_sync reconciliation] total_files:7] " +
			"[map[code:FGD_1008 column:5 file:raw/a.yaml line:3 message:m name:UNKNOWN_FIELD remedy:r]] " +
			"map[commit_sha:c0ffee counts:map[creates:1 deletes:5 duplicates:6 moves:3 quarantines:4 releases:7 updates:2] " +
			"files_created:1 files_quarantined:4 files_removed:3 files_updated:2 " +
			"resources_total:5]"
		if strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s: %s", path, got)
		}
	}
	record.State = syncv1.State_STATE_COMPLETED
	if pending := b.ok("GET", "/api/v1/syncs/"+id,
		"")["progress"].(map[string]any)["stages_pending"].([]any); len(pending) != 0 {
		t.Errorf("a completed sync has stages to come: %v", pending)
	}
	b.problem("GET", "/api/v1/syncs/nope", "", 404, "FGD_3007")
}

func TestCancelAndHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.fabric()
	for _, path := range []string{"/api/v1/syncs/" + first + ":cancel", "/api/plugins/hedgehog/sync-status/" + first +
		"/cancel/"} {
		if status := b.ok("POST", path, "{}"); status["state"] != "cancelled" {
			t.Errorf("%s: %v", path, status)
		}
	}
	second := b.ok("POST", "/api/v1/fabrics/35/syncs", "{}")["sync_id"].(string)
	all := b.ok("GET", "/api/plugins/hedgehog/fabrics/35/sync-history/?limit=1", "")
	if syncs := all["syncs"].([]any); all["total"] != 2.0 || len(syncs) != 1 ||
		syncs[0].(map[string]any)["sync_id"] != second {
		t.Errorf("history %v", all)
	}
	some := b.ok("GET", "/api/v1/fabrics/35/syncs?status=cancelled&trigger=fabric_created&start_date=2020-01-01T00:00:00Z&offset=0", "")
	if syncs := some["syncs"].([]any); len(syncs) != 1 || syncs[0].(map[string]any)["sync_id"] != first {
		t.Errorf("filtered %v", some)
	}
	none := b.ok("GET", "/api/v1/fabrics/35/syncs?trigger=webhook", "")
	if syncs := none["syncs"].([]any); len(syncs) != 0 || none["total"] != 0.0 {
		t.Errorf("nothing matches %v", none)
	}
	b.problem("GET", "/api/v1/fabrics/35/syncs?status=odd", "", 400, "FGD_1010")
	b.problem("GET", "/api/v1/fabrics/35/syncs?limit=many", "", 400, "FGD_1010")
	b.problem("GET", "/api/v1/fabrics/35/syncs?start_date=yesterday", "", 400, "FGD_1010")
}

func TestErrorsOfTheBackend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backend.fail(errs.New(errs.WorkerPoolExhausted, "Too much.").WithRetryAfter(1500 * time.Millisecond))
	a := b.call("GET", "/api/v1/fabrics", "", header{"X-Correlation-Id", "abc-1"})
	b.checkProblem("limited", a, 429, "FGD_5004")
	if a.header.Get("Retry-After") != "2" || a.header.Get("X-Correlation-Id") != "abc-1" {
		t.Errorf("headers %v", a.header)
	}
	b.backend.fail(fmt.Errorf("dial tcp 10.0.0.7:6379: s3cret"))
	problem := b.problem("GET", "/api/v1/fabrics", "", 500, "FGD_5001", header{"X-Correlation-Id", "abc-2"})
	if strings.Contains(fmt.Sprint(problem), "10.0.0.7") {
		t.Errorf("the error tells internals: %v", problem)
	}
	if log := b.log.String(); !strings.Contains(log, `"correlation_id":"abc-2"`) {
		t.Errorf("the log does not know the correlation id: %s", log)
	}
	for kind, status := range map[errs.Kind]int{
		errs.Precondition: 400, errs.Conflict: 409, errs.Unavailable: 503, errs.Deadline: 504, errs.PermissionDenied: 403,
		errs.Unauthenticated: 401,
	} {
		code := errs.SyncFailed
		code.Kind = kind
		b.backend.fail(errs.New(code, "No."))
		b.problem("GET", "/api/v1/fabrics", "", status, "FGD_3004")
	}
}
