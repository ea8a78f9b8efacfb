package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Commits that requests name.
const (
	commitA = "c0ffee0000000000000000000000000000000000"
	commitB = "5ea0000000000000000000000000000000000000"
)

// requireAsked holds what the orchestrator was asked last.
func (b *bundle) requireAsked(want proto.Message) {
	b.t.Helper()
	b.backend.mu.Lock()
	defer b.backend.mu.Unlock()
	if !proto.Equal(b.backend.asked, want) {
		b.t.Errorf("asked for %v, not %v", b.backend.asked, want)
	}
}

func TestCommits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	at := timestamppb.New(time.Unix(0, 0))
	b.backend.commits = &fabricv1.ListCommitsResponse{
		Commit: "c0ffee", NextPageToken: "next", Truncated: true,
		Commits: []*gitv1.Commit{{
			Commit: "c1", Parents: []string{"c0"}, Author: &gitv1.Signature{Name: "Ada", Email: "a@b"}, AuthorTime: at,
			Committer:  &gitv1.Signature{Name: "FGD", Email: "f@g"},
			CommitTime: at, Subject: "s", Message: "s\n", SyncId: "id", Fabric: "f1 (35)", Trigger: "manual", RequestedBy: "Ada",
			Counts: &gitv1.ChangeCounts{Created: 1, Updated: 2, Removed: 3},
			Origin: gitv1.ChangeOrigin_CHANGE_ORIGIN_NETBOX, NetboxRequestId: "req", NetboxChangeIds: []int64{1 << 60},
		}, {Commit: "c0"}},
	}
	got := fmt.Sprint(b.ok("GET",
		"/api/v1/fabrics/35/commits?path=managed&path=raw/a.yaml&since=1970-01-01T00:00:00Z&until=1970-01-01T00:00:00Z&limit=7&page_token=t", ""))
	want := "map[commit_sha:c0ffee commits:[map[author_email:a@b author_name:Ada authored_at:1970-01-01T00:00:00Z " +
		"commit_sha:c1 committed_at:1970-01-01T00:00:00Z " +
		"committer_email:f@g committer_name:FGD files_created:1 files_removed:3 files_updated:2 message:s\n " +
		"netbox_change_ids:[1152921504606846976] netbox_request_id:req origin:netbox " +
		"parent_shas:[c0] requested_by:Ada subject:s sync_id:id trigger:manual] " +
		"map[commit_sha:c0 files_created:0 files_removed:0 files_updated:0 netbox_change_ids:[] parent_shas:[]]] " +
		"next_page_token:next truncated:true]"
	if got != want {
		t.Errorf("%s", got)
	}
	b.requireAsked(&fabricv1.ListCommitsRequest{
		FabricId: 35, Paths: []string{"managed", "raw/a.yaml"}, Since: at,
		Until: at, Limit: 7, PageToken: "t",
	})
	b.problem("GET", "/api/v1/fabrics/35/commits?since=yesterday", "", 400, "FGD_1010")
	b.problem("GET", "/api/v1/fabrics/36/commits", "", 404, "FGD_3006")
}

func TestDirectoryDiff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	b.backend.diff = &fabricv1.DiffCommitsResponse{
		FromCommit: "c0", ToCommit: "c1",
		Counts: &gitv1.ChangeCounts{Created: 1, Updated: 2, Removed: 3}, Diff: "+a\n", SameMeaning: []string{"a"},
	}
	got := fmt.Sprint(b.ok("GET", "/api/v1/fabrics/35/directory:diff?from="+commitA+"&to="+commitB+"&path=managed", ""))
	if want := "map[diff:+a\n files_created:1 files_removed:3 files_updated:2 from_sha:c0 same_meaning:[a] to_sha:c1]"; got != want {
		t.Errorf("%s", got)
	}
	b.requireAsked(&fabricv1.DiffCommitsRequest{
		FabricId: 35, FromCommit: commitA, ToCommit: commitB,
		Paths: []string{"managed"},
	})
	b.problem("GET", "/api/v1/fabrics/36/directory:diff?from="+commitA, "", 404, "FGD_3006")
}

func TestFilesAsTheyWere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	b.backend.files = &fabricv1.ListFilesResponse{Commit: "c0"}
	b.ok("GET", "/api/v1/fabrics/35/files?commit="+commitA, "")
	b.requireAsked(&fabricv1.ListFilesRequest{
		FabricId: 35, Limit: 1000,
		At: &fabricv1.ListFilesRequest_Commit{Commit: commitA},
	})
	b.ok("GET", "/api/v1/fabrics/35/files?as_of=1970-01-01T00:00:01Z", "")
	b.requireAsked(&fabricv1.ListFilesRequest{
		FabricId: 35, Limit: 1000,
		At: &fabricv1.ListFilesRequest_AsOf{AsOf: timestamppb.New(time.Unix(1, 0))},
	})
	b.problem("GET", "/api/v1/fabrics/35/files?commit="+commitA+"&as_of=1970-01-01T00:00:01Z", "", 400, "FGD_1010")
}

func TestRestore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backend.end(b.fabric(), syncv1.State_STATE_COMPLETED, "sync.completed", nil)
	b.backend.commits = &fabricv1.ListCommitsResponse{Commits: []*gitv1.Commit{{Commit: commitB}}}
	for body, want := range map[string]*syncv1.SyncOptions{
		`{"commit":"` + commitA + `"}`: {RestoreCommit: commitA, Scope: syncv1.Scope_SCOPE_FULL},
		`{"commit":"` + commitA + `","paths":["managed/a.yaml","raw"],"force":true,"validate_only":true}`: {
			RestoreCommit: commitA, RestorePaths: []string{"managed/a.yaml", "raw"}, Force: true, ValidateOnly: true,
			Scope: syncv1.Scope_SCOPE_FULL,
		},
		`{"as_of":"1970-01-01T00:00:05Z"}`: {RestoreCommit: commitB, Scope: syncv1.Scope_SCOPE_FULL},
	} {
		answer := b.ok("POST", "/api/v1/fabrics/35/directory:restore", body)
		id := answer["sync_id"].(string)
		keys := fmt.Sprintln(answer["success"], answer["status"], answer["message"], answer["status_url"],
			answer["tracking_url"], answer["websocket_url"])
		wantKeys := "true started The sync has been started. /api/sync-status/" + id + "/ /api/v1/syncs/" + id + "/events " +
			"/ws/sync-progress/" + id + "/\n"
		if keys != wantKeys {
			t.Errorf("%s: %v", body, answer)
		}
		if got := b.backend.syncs[id].GetOptions(); !proto.Equal(got, want) {
			t.Errorf("%s: options %v", body, got)
		}
		b.backend.end(id, syncv1.State_STATE_COMPLETED, "sync.completed", nil)
	}
	b.backend.asked = nil
	b.backend.end(b.ok("POST", "/api/v1/fabrics/35/directory:restore",
		`{"as_of":"1970-01-01T00:00:05Z"}`)["sync_id"].(string), syncv1.State_STATE_COMPLETED, "sync.completed", nil)
	b.requireAsked(&fabricv1.ListCommitsRequest{
		FabricId: 35, Until: timestamppb.New(time.Unix(5, 0)), FirstParent: true,
		Limit: 1,
	})
	b.backend.commits = &fabricv1.ListCommitsResponse{}
	b.problem("POST", "/api/v1/fabrics/35/directory:restore", `{"as_of":"1970-01-01T00:00:05Z"}`, 404, "FGD_4013")
	for _, body := range []string{`{}`, `{"commit":"` + commitA + `","as_of":"1970-01-01T00:00:05Z"}`} {
		b.problem("POST", "/api/v1/fabrics/35/directory:restore", body, 400, "FGD_1010")
	}
	b.problem("POST", "/api/v1/fabrics/36/directory:restore", `{"commit":"`+commitA+`"}`, 404, "FGD_3006")
}
