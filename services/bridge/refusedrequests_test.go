package bridge_test

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// refusedRequests returns what is refused of every RPC.
func refusedRequests() map[string][]refused {
	out := map[string][]refused{
		"HealthService.GetHealth":         {{"verbose", "GET /api/v1/health?verbose=true", nil}},
		"MaintenanceService.RebuildState": {{"fabric_id", `POST /api/v1/state:rebuild {"fabric_id":35}`, nil}},
		"MaintenanceService.ListDeadLetters": {
			{"limit", "GET /api/v1/dead-letters?limit=1001", &bridgev1.ListDeadLettersRequest{Limit: 1001}},
		},
		"MaintenanceService.ReplayDeadLetters": {
			{"ids", "POST /api/v1/dead-letters:replay {}", &bridgev1.ReplayDeadLettersRequest{}},
			{"ids", `POST /api/v1/dead-letters:replay {"ids":"x"}`, nil},
		},
	}
	for _, some := range []map[string][]refused{
		refusedTokens(), refusedFabrics(), refusedNetBox(), refusedSyncs(), refusedDirectories(), refusedHistory(),
		refusedResources(), refusedConflicts(),
	} {
		for name, cases := range some {
			out[name] = cases
		}
	}
	return out
}

// refusedPolicies returns a change of a link to policies for paths of a kind, that is refused for a part of them.
func refusedPolicies(part, kind string, paths ...string) refused {
	all, words := &bridgev1.ConflictPolicies{}, []string{}
	for _, path := range paths {
		all.Policies = append(all.Policies, &bridgev1.ConflictPolicy{Kind: kind, Path: path, Winner: "hold"})
		words = append(words, fmt.Sprintf(`{"kind":%q,"path":%q,"winner":"hold"}`, kind, path))
	}
	return refused{
		strings.TrimSuffix("netbox.conflict_policies."+part, "."),
		`PATCH /api/v1/fabrics/35 {"netbox":{"conflict_policies":{"policies":[` + strings.Join(words, ",") + `]}}}`,
		&bridgev1.UpdateFabricRequest{FabricId: 35, Netbox: &bridgev1.NetBoxLink{ConflictPolicies: all}},
	}
}

func refusedTokens() map[string][]refused {
	const tokens = "POST /api/v1/tokens "
	grants := []*bridgev1.Grant{{Role: "viewer", AllFabrics: true}}
	return map[string][]refused{
		"AuditService.ListAudit": {
			{"limit", "GET /api/v1/audit?limit=1001", &bridgev1.ListAuditRequest{Limit: 1001}},
		},
		"AuditService.VerifyAudit": {
			{"verbose", "GET /api/v1/audit:verify?verbose=true", nil},
			{
				"retired_logs[1]", "GET /api/v1/audit:verify?retired_logs=0123456789abcdef&retired_logs=0123",
				&bridgev1.VerifyAuditRequest{RetiredLogs: []string{"0123456789abcdef", "0123"}},
			},
		},
		"AuditService.ExportAudit": {
			{"format", "GET /api/v1/audit:export?format=csv", &bridgev1.ExportAuditRequest{Format: "csv"}},
		},
		"AccessService.GetCaller": {{"verbose", "GET /api/v1/caller?verbose=true", nil}},
		"AccessService.GetLogin":  {{"access_token", "GET /api/v1/login?access_token=x", nil}},
		"AccessService.CreateToken": {
			{"name", tokens + `{"grants":[{"role":"viewer","all_fabrics":true}]}`, &bridgev1.CreateTokenRequest{Grants: grants}},
			{"grants", tokens + `{"name":"x"}`, &bridgev1.CreateTokenRequest{Name: "x"}},
			{
				"networks[0]", tokens + `{"name":"x","grants":[{"role":"viewer","all_fabrics":true}],"networks":["home"]}`,
				&bridgev1.CreateTokenRequest{Name: "x", Grants: grants, Networks: []string{"home"}},
			},
			{
				"lifetime_seconds", tokens + `{"name":"x","grants":[{"role":"viewer","all_fabrics":true}],"lifetime_seconds":5}`,
				&bridgev1.CreateTokenRequest{Name: "x", Grants: grants, LifetimeSeconds: new(int32(5))},
			},
		},
		"NotificationService.GetNotifications": {{"verbose", "GET /api/v1/notifications?verbose=true", nil}},
		"NotificationService.TestNotification": {
			{"target", "POST /api/v1/notifications:test {}", &bridgev1.TestNotificationRequest{}},
			{
				"target", `POST /api/v1/notifications:test {"target":"none"}`,
				&bridgev1.TestNotificationRequest{Target: "none"},
			},
		},
		"WebhookService.GetFabricWebhook": {
			{"verbose", "GET /api/v1/fabrics/35/webhook?verbose=true", nil},
			{"fabric_id", "GET /api/v1/fabrics/0/webhook", &bridgev1.GetFabricWebhookRequest{}},
		},
		"AccessService.ListTokens": {
			{"limit", "GET /api/v1/tokens?limit=1001", &bridgev1.ListTokensRequest{Limit: 1001}},
		},
		"AccessService.RotateToken": {
			{
				"lifetime_seconds", `POST /api/v1/tokens/000000000000:rotate {"lifetime_seconds":1}`,
				&bridgev1.RotateTokenRequest{TokenId: "000000000000", LifetimeSeconds: new(int32(1))},
			},
		},
		"AccessService.RevokeToken": {{"token_id", "DELETE /api/v1/tokens/x", &bridgev1.RevokeTokenRequest{TokenId: "x"}}},
	}
}

func refusedFabrics() map[string][]refused {
	const fabrics = "POST /api/v1/fabrics "
	twoWays := &bridgev1.Credentials{Token: "t", Ref: "env:A"}
	oddReference := &bridgev1.Credentials{Ref: "file:../key"}
	named := func(change func(*bridgev1.CreateFabricRequest)) *bridgev1.CreateFabricRequest {
		req := &bridgev1.CreateFabricRequest{Name: "x", RepositoryUrl: "u"}
		change(req)
		return req
	}
	return map[string][]refused{
		"FabricService.CreateFabric": {
			{
				"name", fabrics + `{"name":" ","repository_url":"u"}`,
				&bridgev1.CreateFabricRequest{Name: " ", RepositoryUrl: "u"},
			},
			{
				"name", fabrics + `{"name":"a\u0007b","repository_url":"u"}`,
				&bridgev1.CreateFabricRequest{Name: "a\ab", RepositoryUrl: "u"},
			},
			{"repository_url", fabrics + `{"name":"x"}`, &bridgev1.CreateFabricRequest{Name: "x"}},
			{
				"fabric_id", fabrics + `{"fabric_id":-1,"name":"x","repository_url":"u"}`,
				named(func(r *bridgev1.CreateFabricRequest) { r.FabricId = -1 }),
			},
			{
				"sync_interval_seconds", fabrics + `{"name":"x","repository_url":"u","sync_interval_seconds":-1}`,
				named(func(r *bridgev1.CreateFabricRequest) { r.SyncIntervalSeconds = new(int32(-1)) }),
			},
			{
				"sync_interval_seconds", fabrics + `{"name":"x","repository_url":"u","sync_interval_seconds":9}`,
				named(func(r *bridgev1.CreateFabricRequest) { r.SyncIntervalSeconds = new(int32(9)) }),
			},
			{
				"options.on_conflict", fabrics + `{"name":"x","repository_url":"u","options":{"on_conflict":"shrug"}}`,
				named(func(r *bridgev1.CreateFabricRequest) {
					r.Options = &bridgev1.FabricOptions{OnConflict: new("shrug")}
				}),
			},
			{
				"credentials", fabrics + `{"name":"x","repository_url":"u","credentials":{"token":"t","ref":"env:A"}}`,
				named(func(r *bridgev1.CreateFabricRequest) { r.Credentials = twoWays }),
			},
			{
				"credentials.ref", fabrics + `{"name":"x","repository_url":"u","credentials":{"ref":"file:../key"}}`,
				named(func(r *bridgev1.CreateFabricRequest) { r.Credentials = oddReference }),
			},
			{"name", fabrics + `{"name":7}`, nil},
			{"repo", fabrics + `{"name":"x","repo":"u"}`, nil},
			{"options.upgrade_api_versions", fabrics + `{"options":{"upgradeApiVersions":"yes"}}`, nil},
			{"credentials", fabrics + `{"credentials":"token"}`, nil},
			{"credentials.github_app.app_id", fabrics + `{"credentials":{"github_app":{"app_id":"x"}}}`, nil},
		},
		"FabricService.GetFabric": {
			{"fabric_id", "GET /api/v1/fabrics/0", &bridgev1.GetFabricRequest{}},
			{"fabric_id", "GET /api/v1/fabrics/abc", nil},
			{"fabric_id", "GET /api/v1/fabrics/99999999999", nil},
		},
		"FabricService.ListFabrics": {
			{"limit", "GET /api/v1/fabrics?limit=-1", &bridgev1.ListFabricsRequest{Limit: -1}},
			{"limit", "GET /api/v1/fabrics?limit=many", nil},
			{"limit", "GET /api/v1/fabrics?limit=1&limit=2", nil},
			{"lmit", "GET /api/v1/fabrics?lmit=5", nil},
			{"state", "GET /api/v1/fabrics?state=odd", &bridgev1.ListFabricsRequest{State: "odd"}},
			{"order_by", "GET /api/v1/fabrics?order_by=-name", &bridgev1.ListFabricsRequest{OrderBy: "-name"}},
			{"search", "GET /api/v1/fabrics?search=" + strings.Repeat("a", 201), nil},
			{"repository", "GET /api/v1/fabrics?repository=" + strings.Repeat("a", 2001), nil},
		},
		"FabricService.WatchFabrics": {
			{"fabric_ids", "GET /api/v1/fabrics:watch", &bridgev1.WatchFabricsRequest{}},
			{"fabric_ids", "GET /api/v1/fabrics:watch?fabric_ids=x", nil},
		},
		"FabricService.UpdateFabric": {
			{
				"name", `PATCH /api/v1/fabrics/35 {"name":""}`,
				&bridgev1.UpdateFabricRequest{FabricId: 35, Name: new("")},
			},
			{
				"branch", `PATCH /api/v1/fabrics/35 {"branch":""}`,
				&bridgev1.UpdateFabricRequest{FabricId: 35, Branch: new("")},
			},
			refusedPolicies("policies[0].path", "", "spec["),
			refusedPolicies("policies[0].kind", "Vpc", "spec"),
			refusedPolicies("policies[0].kind", "Fabric", "."),
			refusedPolicies("policies[1].path", "VPC", "spec", "a b"),
			refusedPolicies("", "VPC", "spec.subnets", `"spec".subnets`),
		},
		"FabricService.SuspendFabric": {
			{"reason", "POST /api/v1/fabrics/35:suspend {}", &bridgev1.SuspendFabricRequest{FabricId: 35}},
			{
				"reason", `POST /api/v1/fabrics/35:suspend {"reason":"a\nb"}`,
				&bridgev1.SuspendFabricRequest{FabricId: 35, Reason: "a\nb"},
			},
		},
		"FabricService.ResumeFabric": {
			{"fabric_id", "POST /api/v1/fabrics/0:resume {}", &bridgev1.ResumeFabricRequest{}},
		},
		"FabricService.DeleteFabric": {
			{"fabric_id", "DELETE /api/v1/fabrics/-5", &bridgev1.DeleteFabricRequest{FabricId: -5}},
		},
		"FabricService.CheckConnection": {
			{"repository_url", "POST /api/v1/connections:check {}", &bridgev1.CheckConnectionRequest{}},
		},
		"FabricService.CheckFabricConnection": {
			{"fabric_id", "POST /api/v1/fabrics/0:checkConnection {}", &bridgev1.CheckFabricConnectionRequest{}},
		},
	}
}

func refusedSyncs() map[string][]refused {
	const syncs = "POST /api/v1/fabrics/35/syncs "
	long := strings.Repeat("x", 65)
	trigger := func(change func(*bridgev1.TriggerSyncRequest)) *bridgev1.TriggerSyncRequest {
		req := &bridgev1.TriggerSyncRequest{FabricId: 35}
		change(req)
		return req
	}
	return map[string][]refused{
		"SyncService.TriggerSync": {
			{
				"trigger", syncs + `{"trigger":"whim"}`,
				trigger(func(r *bridgev1.TriggerSyncRequest) { r.Trigger = "whim" }),
			},
			{
				"options.if_running", syncs + `{"options":{"if_running":"whim"}}`,
				trigger(func(r *bridgev1.TriggerSyncRequest) {
					r.Options = &bridgev1.TriggerOptions{IfRunning: "whim"}
				}),
			},
			{
				"request_id", syncs + `{"request_id":"a b"}`,
				trigger(func(r *bridgev1.TriggerSyncRequest) { r.RequestId = "a b" }),
			},
			{
				"request_id", syncs + `{"request_id":"` + long + `"}`,
				trigger(func(r *bridgev1.TriggerSyncRequest) { r.RequestId = long }),
			},
			{"validate_only", "POST /api/v1/fabrics/35/syncs?validate_only=true {}", nil},
			{"options", syncs + `{"options":[]}`, nil},
		},
		"SyncService.GetSyncStatus": {
			{"sync_id", "GET /api/v1/syncs/" + long, &bridgev1.GetSyncStatusRequest{SyncId: long}},
		},
		"SyncService.CancelSync": {
			{"sync_id", "POST /api/v1/syncs/" + long + ":cancel {}", &bridgev1.CancelSyncRequest{SyncId: long}},
		},
		"SyncService.ListSyncs": {
			{
				"status", "GET /api/v1/fabrics/35/syncs?status=odd",
				&bridgev1.ListSyncsRequest{FabricId: 35, Status: "odd"},
			},
			{
				"trigger", "GET /api/v1/fabrics/35/syncs?trigger=odd",
				&bridgev1.ListSyncsRequest{FabricId: 35, Trigger: "odd"},
			},
			{"limit", "GET /api/v1/fabrics/35/syncs?limit=501", &bridgev1.ListSyncsRequest{FabricId: 35, Limit: 501}},
			{"offset", "GET /api/v1/fabrics/35/syncs?offset=-1", &bridgev1.ListSyncsRequest{FabricId: 35, Offset: -1}},
			{"start_date", "GET /api/v1/fabrics/35/syncs?start_date=yesterday", nil},
		},
		"SyncService.ListAllSyncs": {
			{"status", "GET /api/v1/syncs?status=odd", &bridgev1.ListAllSyncsRequest{Status: "odd"}},
			{"trigger", "GET /api/v1/syncs?trigger=odd", &bridgev1.ListAllSyncsRequest{Trigger: "odd"}},
			{"limit", "GET /api/v1/syncs?limit=501", &bridgev1.ListAllSyncsRequest{Limit: 501}},
			{"fabric_id", "GET /api/v1/syncs?fabric_id=-1", &bridgev1.ListAllSyncsRequest{FabricId: -1}},
			{"active", "GET /api/v1/syncs?active=perhaps", nil},
			{"end_date", "GET /api/v1/syncs?end_date=tomorrow", nil},
		},
		"SyncService.GetSyncPlan": {
			{"sync_id", "GET /api/v1/syncs/" + long + "/plan", &bridgev1.GetSyncPlanRequest{SyncId: long}},
			{"limit", "GET /api/v1/syncs/x/plan?limit=1001", &bridgev1.GetSyncPlanRequest{SyncId: "x", Limit: 1001}},
		},
		"SyncService.GetSyncDiff": {
			{"sync_id", "GET /api/v1/syncs/" + long + "/diff", &bridgev1.GetSyncDiffRequest{SyncId: long}},
			{"limit", "GET /api/v1/syncs/x/diff?limit=50001", &bridgev1.GetSyncDiffRequest{SyncId: "x", Limit: 50001}},
		},
		"SyncService.StreamSyncEvents": {
			{"sync_id", "GET /api/v1/syncs/" + long + "/events", &bridgev1.StreamSyncEventsRequest{SyncId: long}},
		},
	}
}

func refusedDirectories() map[string][]refused {
	const zero, mend = "/api/v1/fabrics/0/directory:", "POST /api/v1/fabrics/35/quarantine:mend "
	odd := []string{"raw/a.yaml"}
	return map[string][]refused{
		"DirectoryService.ValidateDirectory": {
			{"fabric_id", "GET " + zero + "validate", &bridgev1.ValidateDirectoryRequest{}},
		},
		"DirectoryService.InitializeDirectory": {
			{"fabric_id", "POST " + zero + "initialize {}", &bridgev1.InitializeDirectoryRequest{}},
			{"create_samples", `POST /api/v1/fabrics/35/directory:initialize {"create_samples":1}`, nil},
		},
		"DirectoryService.RepairDirectory": {
			{"fabric_id", "POST " + zero + "repair {}", &bridgev1.RepairDirectoryRequest{}},
		},
		"DirectoryService.GetDirectoryHealth": {
			{"fabric_id", "GET " + zero + "health", &bridgev1.GetDirectoryHealthRequest{}},
		},
		"DirectoryService.ListFiles": {
			{
				"commit", "GET /api/v1/fabrics/35/files?commit=coffee",
				&bridgev1.ListFilesRequest{FabricId: 35, Commit: "coffee"},
			},
			{
				"as_of", "GET /api/v1/fabrics/35/files?as_of=1970-01-01T00:00:01Z&commit=" + commitA,
				&bridgev1.ListFilesRequest{FabricId: 35, Commit: commitA, AsOf: &timestamppb.Timestamp{Seconds: 1}},
			},
			{"include_content", "GET /api/v1/fabrics/35/files?include_content=maybe", nil},
		},
		"DirectoryService.ListDirectoryChanges": {
			{
				"since", "GET /api/v1/fabrics/35/directory:changes?since=main",
				&bridgev1.ListDirectoryChangesRequest{FabricId: 35, Since: "main"},
			},
		},
		"QuarantineService.ListQuarantine": {
			{
				"limit", "GET /api/v1/fabrics/35/quarantine?limit=1001",
				&bridgev1.ListQuarantineRequest{FabricId: 35, Limit: 1001},
			},
		},
		"QuarantineService.GetQuarantinedFile": {
			{
				"fabric_id", "GET /api/v1/fabrics/0/quarantine/unmanaged/a.yaml",
				&bridgev1.GetQuarantinedFileRequest{Path: "unmanaged/a.yaml"},
			},
		},
		"QuarantineService.RetryQuarantined": {
			{"paths", "POST /api/v1/fabrics/35/quarantine:retry {}", &bridgev1.RetryQuarantinedRequest{FabricId: 35}},
			{
				"paths[0]", `POST /api/v1/fabrics/35/quarantine:retry {"paths":["raw/a.yaml"]}`,
				&bridgev1.RetryQuarantinedRequest{FabricId: 35, Paths: odd},
			},
		},
		"QuarantineService.MendQuarantined": {
			{
				"path", mend + `{"path":"raw/a.yaml","content":"a","if_match":"` + commitA + `"}`,
				&bridgev1.MendQuarantinedRequest{FabricId: 35, Path: "raw/a.yaml", Content: "a", IfMatch: commitA},
			},
			{
				"content", mend + `{"path":"unmanaged/a.yaml","if_match":"` + commitA + `"}`,
				&bridgev1.MendQuarantinedRequest{FabricId: 35, Path: "unmanaged/a.yaml", IfMatch: commitA},
			},
			{
				"if_match", mend + `{"path":"unmanaged/a.yaml","content":"a"}`,
				&bridgev1.MendQuarantinedRequest{FabricId: 35, Path: "unmanaged/a.yaml", Content: "a"},
			},
		},
		"QuarantineService.ReleaseQuarantined": {
			{"paths", "POST /api/v1/fabrics/35/quarantine:release {}", &bridgev1.ReleaseQuarantinedRequest{FabricId: 35}},
		},
	}
}

func refusedHistory() map[string][]refused {
	const restore = "POST /api/v1/fabrics/35/directory:restore "
	return map[string][]refused{
		"HistoryService.ListCommits": {
			{"limit", "GET /api/v1/fabrics/35/commits?limit=501", &bridgev1.ListCommitsRequest{FabricId: 35, Limit: 501}},
			{"since", "GET /api/v1/fabrics/35/commits?since=yesterday", nil},
		},
		"HistoryService.DiffDirectory": {
			{"from", "GET /api/v1/fabrics/35/directory:diff", &bridgev1.DiffDirectoryRequest{FabricId: 35}},
			{
				"to", "GET /api/v1/fabrics/35/directory:diff?to=x&from=" + commitA,
				&bridgev1.DiffDirectoryRequest{FabricId: 35, From: commitA, To: "x"},
			},
		},
		"HistoryService.RestoreDirectory": {
			{"commit", restore + "{}", &bridgev1.RestoreDirectoryRequest{FabricId: 35}},
			{
				"commit", restore + `{"commit":"` + commitA + `","as_of":"1970-01-01T00:00:01Z"}`,
				&bridgev1.RestoreDirectoryRequest{
					FabricId: 35, Commit: commitA, AsOf: &timestamppb.Timestamp{Seconds: 1},
				},
			},
			{"as_of", restore + `{"as_of":"yesterday"}`, nil},
			{"paths", restore + `{"paths":[7]}`, nil},
		},
	}
}
