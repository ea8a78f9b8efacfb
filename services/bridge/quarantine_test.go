package bridge_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

func TestQuarantine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backend.end(b.fabric(), syncv1.State_STATE_COMPLETED, "sync.completed", nil)
	number := int32(12)
	b.backend.kept = &fabricv1.ListQuarantineResponse{Commit: "c0ffee", Total: 1, Files: []*fabricv1.QuarantinedFile{{
		Content: []byte("kind: [\n"),
		File: &reportv1.QuarantinedFile{
			Path: "unmanaged/prepop.doc-12.yaml", BlobId: "b", Size: 9, Origin: "prepop.yaml", OriginDocument: &number,
			OriginBlobId: "o", OriginCommit: "c",
			QuarantinedAt: timestamppb.New(time.Unix(0, 0)), Changed: true,
			Reason: &reportv1.Finding{
				Code: "FGD_1001", Name: "INVALID_YAML", Message: "m", File: "unmanaged/prepop.doc-12.yaml",
				Line: 1, Column: 7, Remedy: "r",
			},
		},
	}}}
	file := "map[blob_sha:b changed:true content:kind: [\n origin:prepop.yaml origin_blob_sha:o origin_commit_sha:c " +
		"origin_document:12 path:unmanaged/prepop.doc-12.yaml " +
		"quarantined_at:1970-01-01T00:00:00Z reason:map[code:FGD_1001 column:7 file:unmanaged/prepop.doc-12.yaml line:1 " +
		"message:m name:INVALID_YAML remedy:r] size:9]"
	if got, want := fmt.Sprint(b.ok("GET", "/api/v1/fabrics/35/quarantine",
		"")), "map[commit_sha:c0ffee files:["+file+"] next_page_token: total:1]"; got != want {
		t.Errorf("list: %s", got)
	}
	if got := fmt.Sprint(b.ok("GET", "/api/v1/fabrics/35/quarantine/unmanaged/prepop.doc-12.yaml", "")); got != file {
		t.Errorf("show: %s", got)
	}
	for _, path := range []string{"unmanaged%2Fprepop.doc-12.yaml", "unmanaged%2fprepop.doc-12.yaml"} { // as some clients
		if got := fmt.Sprint(b.ok("GET", "/api/v1/fabrics/35/quarantine/"+path, "")); got != file {
			t.Errorf("show %s: %s", path, got)
		}
	}
	b.problem("GET", "/api/v1/fabrics/36/quarantine", "", 404, "FGD_3006")
	b.backend.kept = &fabricv1.ListQuarantineResponse{}
	if nope := b.problem("GET", "/api/v1/fabrics/35/quarantine/nope", "", 404, "FGD_1019"); nope["message"] !=
		`"nope" is not in quarantine.` {
		t.Errorf("no such file: %v", nope)
	}
	b.problem("GET", "/api/v1/fabrics/35/quarantine/unmanaged%2F..%2Fraw", "", 404, "FGD_1022")
}

func TestOutOfQuarantine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backend.end(b.fabric(), syncv1.State_STATE_COMPLETED, "sync.completed", nil)
	for _, test := range []struct {
		action, body   string
		all            bool
		retry, release []string
	}{
		{"retry", `{"all":true}`, true, nil, nil},
		{
			"retry", `{"paths":["unmanaged/a.yaml","unmanaged/b.yaml"]}`, false,
			[]string{"unmanaged/a.yaml", "unmanaged/b.yaml"},
			nil,
		},
		{"release", `{"paths":["unmanaged/a.txt"]}`, false, nil, []string{"unmanaged/a.txt"}},
	} {
		answer := b.ok("POST", "/api/v1/fabrics/35/quarantine:"+test.action, test.body)
		id := answer["sync_id"].(string)
		if answer["success"] != true || answer["status"] != "started" || answer["message"] == nil ||
			answer["status_url"] != "/api/sync-status/"+id+"/" ||
			answer["tracking_url"] != "/api/v1/syncs/"+id+"/events" ||
			answer["websocket_url"] != "/ws/sync-progress/"+id+"/" {
			t.Errorf("%s: %v", test.action, answer)
		}
		o := b.backend.syncs[id].GetOptions()
		if o.GetRetryQuarantined() != test.all || !slices.Equal(o.GetRetryPaths(), test.retry) ||
			!slices.Equal(o.GetReleasePaths(), test.release) {
			t.Errorf("%s %s: options %v", test.action, test.body, o)
		}
		b.backend.end(id, syncv1.State_STATE_COMPLETED, "sync.completed", nil)
	}
	b.problem("POST", "/api/v1/fabrics/35/quarantine:retry", `{}`, 400, "FGD_1010")
	b.problem("POST", "/api/v1/fabrics/35/quarantine:retry", `{"all":true,"paths":["unmanaged/a.yaml"]}`, 400, "FGD_1010")
	b.problem("POST", "/api/v1/fabrics/35/quarantine:release", `{"paths":[]}`, 400, "FGD_1010")
	b.problem("POST", "/api/v1/fabrics/36/quarantine:retry", `{"all":true}`, 404, "FGD_3006")
}

func TestDirectoryChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	b.backend.changes = &fabricv1.ListChangesResponse{
		SinceCommit: "5ea", Commit: "c0ffee", Total: 9,
		NextPageToken: "next", Changes: []*gitv1.FileChange{
			{Path: ".hnp/manifest.yaml", Kind: gitv1.FileChangeKind_FILE_CHANGE_KIND_UPDATED, OldBlobId: "1", NewBlobId: "2"},
			{Path: "managed/vpcs/a.yaml", Kind: gitv1.FileChangeKind_FILE_CHANGE_KIND_REMOVED, OldBlobId: "3"},
			{Path: "raw/a.yaml", Kind: gitv1.FileChangeKind_FILE_CHANGE_KIND_CREATED, NewBlobId: "4"},
			{Path: "x.yaml", Kind: gitv1.FileChangeKind_FILE_CHANGE_KIND_CREATED, NewBlobId: "5"},
		},
	}
	got := fmt.Sprint(b.ok("GET", "/api/v1/fabrics/35/directory:changes?since="+commitB+"&limit=3&page_token=t", ""))
	want := "map[changes:[map[change:updated new_blob_sha:2 old_blob_sha:1 part:metadata path:.hnp/manifest.yaml] " +
		"map[change:removed old_blob_sha:3 part:managed path:managed/vpcs/a.yaml] " +
		"map[change:created new_blob_sha:4 part:raw path:raw/a.yaml] " +
		"map[change:created new_blob_sha:5 part:other path:x.yaml]] commit_sha:c0ffee next_page_token:next " +
		"since_sha:5ea total:9]"
	if got != want {
		t.Errorf("%s", got)
	}
	b.requireAsked(&fabricv1.ListChangesRequest{FabricId: 35, SinceCommit: commitB, Limit: 3, PageToken: "t"})
	b.ok("GET", "/api/v1/fabrics/35/directory:changes", "")
	b.requireAsked(&fabricv1.ListChangesRequest{FabricId: 35, Limit: 1000})
	b.ok("GET", "/api/v1/fabrics/35/quarantine", "")
	b.requireAsked(&fabricv1.ListQuarantineRequest{FabricId: 35, Limit: 500})
}

func TestDirectoryHealth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	b.backend.health = &fabricv1.GetDirectoryHealthResponse{
		Status: fabricv1.DirectoryStatus_DIRECTORY_STATUS_UNHEALTHY, Reasons: []string{"so"}, Commit: "c0ffee",
		Report: &directoryv1.DirectoryReport{FileCounts: map[string]int32{"raw": 1}}, WaitingFiles: 1, QuarantinedFiles: 2,
		QuarantinedByCode: map[string]int32{"": 1, "FGD_1001": 1}, Resources: 7, ChangedSinceLastSync: true,
		LastSync: &syncv1.Sync{SyncId: "id", State: syncv1.State_STATE_FAILED, CompletedAt: timestamppb.New(time.Unix(0, 0))},
	}
	got := fmt.Sprint(b.ok("GET", "/api/v1/fabrics/35/directory:health", ""))
	want := "map[changed_since_last_sync:true commit_sha:c0ffee issues:[] last_sync_at:1970-01-01T00:00:00Z " +
		"last_sync_id:id last_sync_state:failed " +
		"quarantined_by_code:map[FGD_1001:1 unknown:1] quarantined_files:2 reasons:[so] resources:7 status:unhealthy " +
		"structure:map[raw:1] waiting_files:1]"
	if got != want {
		t.Errorf("%s", got)
	}
}
