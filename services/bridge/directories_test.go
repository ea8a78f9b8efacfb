package bridge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

func TestValidateDirectory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	b.backend.check = &fabricv1.CheckDirectoryResponse{Commit: "c0ffee", Report: &directoryv1.DirectoryReport{
		FileCounts: map[string]int32{"raw": 1, "managed": 0},
		Issues: []*directoryv1.Issue{{CanAutoRepair: true, Finding: &reportv1.Finding{
			Severity: reportv1.Severity_SEVERITY_ERROR, Code: "FGD_2005", Message: "m", File: "raw", Remedy: "r",
		}}},
	}}
	for _, path := range []string{
		"/api/v1/fabrics/35/directory:validate",
		"/api/plugins/hedgehog/fabrics/35/gitops-directory/validate/",
	} {
		got := fmt.Sprint(b.ok("GET", path, ""))
		want := "map[commit_sha:c0ffee issues:[map[can_auto_repair:true code:FGD_2005 message:m path:raw remedy:r " +
			"severity:error]] structure:map[managed:0 raw:1] valid:false]"
		if got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestDirectorySync(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backend.end(b.fabric(), syncv1.State_STATE_COMPLETED, "sync.completed", nil)
	b.backend.onDirectory = func(id string) {
		b.backend.tell(id, &syncv1.SyncEvent{Type: "sync.started"})
		b.backend.end(id, syncv1.State_STATE_COMPLETED, "sync.completed", func(s *syncv1.Sync) {
			s.Result = &syncv1.Result{CommitSha: "c0ffee", RepairsMade: []string{"Made the folder raw."}}
			s.Warnings = []*reportv1.Finding{{
				Severity: reportv1.Severity_SEVERITY_WARNING, Code: "FGD_2009", Message: "m",
				File: "managed/x",
			}}
		})
	}
	for _, path := range []string{
		"/api/v1/fabrics/35/directory:initialize", "/api/v1/fabrics/35/directory:repair",
		"/api/plugins/hedgehog/fabrics/35/gitops-directory/initialize/",
		"/api/plugins/hedgehog/fabrics/35/gitops-directory/repair/",
	} {
		answer := b.ok("POST", path, "{}")
		got := fmt.Sprintf("%v %v %v %v", answer["success"], answer["repairs_made"], answer["commit_sha"],
			answer["remaining_issues"])
		want := "true [Made the folder raw.] c0ffee [map[can_auto_repair:false code:FGD_2009 message:m path:managed/x " +
			"severity:warning]]"
		if got != want {
			t.Errorf("%s: %s", path, got)
		}
		if scope := b.backend.syncs[answer["sync_id"].(string)].GetOptions().
			GetScope(); scope != syncv1.Scope_SCOPE_DIRECTORY {
			t.Errorf("%s: scope %v", path, scope)
		}
	}
}

func TestDirectorySyncFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backend.end(b.fabric(), syncv1.State_STATE_COMPLETED, "sync.completed", nil)
	ends := func(state syncv1.State, finding *reportv1.Finding) {
		b.backend.onDirectory = func(id string) {
			b.backend.end(id, state, "sync.failed", func(s *syncv1.Sync) {
				if finding != nil {
					s.Errors = []*reportv1.Finding{finding}
				}
			})
		}
	}
	const path = "/api/v1/fabrics/35/directory:repair"
	ends(syncv1.State_STATE_FAILED, errs.NewFinding(errs.GitHubAuthenticationFailed, reportv1.Severity_SEVERITY_ERROR,
		"no"))
	problem := b.problem("POST", path, "{}", 400, "FGD_4002")
	if problem["message"] != "no" || problem["remedy"] == "" || problem["details"].(map[string]any)["sync_id"] == nil {
		t.Errorf("problem %v", problem)
	}
	ends(syncv1.State_STATE_FAILED, errs.NewFinding(errs.GitHubConnectionFailed, reportv1.Severity_SEVERITY_ERROR, "no"))
	b.problem("POST", path, "{}", 503, "FGD_4001")
	// What no waiting mends is not said to pass by itself.
	ends(syncv1.State_STATE_FAILED, errs.NewFinding(errs.InternalError, reportv1.Severity_SEVERITY_ERROR, "no"))
	b.problem("POST", path, "{}", 500, "FGD_5001")
	ends(syncv1.State_STATE_FAILED, errs.NewFinding(errs.ConfigurationInvalid, reportv1.Severity_SEVERITY_ERROR, "no"))
	b.problem("POST", path, "{}", 400, "FGD_5007")
	ends(syncv1.State_STATE_FAILED, nil)
	b.problem("POST", path, "{}", 400, "FGD_2004")
	ends(syncv1.State_STATE_CANCELLED, nil)
	b.problem("POST", path, "{}", 400, "FGD_2004")
	b.problem("POST", "/api/v1/fabrics/36/directory:repair", "{}", 404, "FGD_3006")
}

// TestDirectorySyncTakesLong: who waits is told in time that the sync goes on.
func TestDirectorySyncTakesLong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	const patience = 8 * time.Second // a twentieth of it is left for the answer, and a busy machine needs that
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	b.repairStillRuns(ctx)
}

// TestOrchestratorTellsFirstThatTimeIsOver: the orchestrator counts the same time, and may be the first to say that it
// is over.
func TestOrchestratorTellsFirstThatTimeIsOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	b.backend.onWatch = context.DeadlineExceeded
	b.repairStillRuns(t.Context())
}

func (b *bundle) repairStillRuns(ctx context.Context) {
	b.t.Helper()
	_, err := bridgev1.NewDirectoryServiceClient(b.self).RepairDirectory(ctx,
		&bridgev1.RepairDirectoryRequest{FabricId: 35})
	e := errs.From(err)
	if e.Code.ID != errs.SyncTimeout.ID || e.Meta["sync_id"] == "" ||
		!strings.Contains(e.RemedyText(), "/api/v1/syncs/"+e.Meta["sync_id"]+"/events") {
		b.t.Errorf("%v, remedy %q", err, e.RemedyText())
	}
}

func TestListFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	b.backend.files = &fabricv1.ListFilesResponse{Commit: "c0ffee", Total: 4, Files: []*fabricv1.File{
		{
			Entry:   &gitv1.TreeEntry{Path: "raw/a.yaml", Mode: gitv1.FileMode_FILE_MODE_REGULAR, BlobId: "b1", Size: 5},
			Content: []byte("a: ü"),
		},
		{
			Entry:   &gitv1.TreeEntry{Path: "raw/b.bin", Mode: gitv1.FileMode_FILE_MODE_REGULAR, BlobId: "b2", Size: 1 << 40},
			Content: []byte("\xff"),
		},
		{Entry: &gitv1.TreeEntry{Path: "raw/l", Mode: gitv1.FileMode_FILE_MODE_SYMLINK, BlobId: "b3", Size: 3}},
		{Entry: &gitv1.TreeEntry{Path: "raw/e", Mode: gitv1.FileMode_FILE_MODE_REGULAR, BlobId: "b4"}, Content: []byte{}},
	}}
	for _, path := range []string{
		"/api/v1/fabrics/35/files?directory=raw&include_content=true",
		"/api/plugins/hedgehog/fabrics/35/gitops-files/",
	} {
		list := b.ok("GET", path, "")
		got := fmt.Sprint(list["total"], list["commit_sha"], list["files"])
		want := "4c0ffee[map[blob_sha:b1 content:a: ü name:a.yaml path:raw/a.yaml size:5 type:file] " +
			"map[blob_sha:b2 name:b.bin path:raw/b.bin size:2.147483647e+09 type:file] map[blob_sha:b3 name:l path:raw/l " +
			"size:3 type:symlink] " +
			"map[blob_sha:b4 content: name:e path:raw/e size:0 type:file]]"
		if strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s: %s", path, got)
		}
	}
}
