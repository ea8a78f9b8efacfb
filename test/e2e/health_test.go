package e2e

import (
	"net/http"
	"slices"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// health is the answer of directory:health.
type health struct {
	Status               string         `json:"status"`
	Reasons              []string       `json:"reasons"`
	WaitingFiles         int            `json:"waiting_files"`
	QuarantinedFiles     int            `json:"quarantined_files"`
	QuarantinedByCode    map[string]int `json:"quarantined_by_code"`
	Resources            int            `json:"resources"`
	LastSyncID           string         `json:"last_sync_id"`
	LastSyncState        string         `json:"last_sync_state"`
	ChangedSinceLastSync bool           `json:"changed_since_last_sync"`
	CommitSHA            string         `json:"commit_sha"`
}

// changes is the answer of directory:changes.
type changes struct {
	Changes []struct {
		Path, Change, Part string
	} `json:"changes"`
	Total     int    `json:"total"`
	SinceSHA  string `json:"since_sha"`
	CommitSHA string `json:"commit_sha"`
}

func (c changes) lines() []string {
	var out []string
	for _, change := range c.Changes {
		out = append(out, change.Change+" "+change.Part+" "+change.Path)
	}
	return out
}

// patient is one fabric whose health is looked at.
type patient struct {
	*host
	system *system.System
}

func (p *patient) requireHealth(when, status string, reasons ...string) health {
	p.t.Helper()
	var got health
	p.system.Call(http.MethodGet, "/api/v1/fabrics/1/directory:health", nil, &got)
	if got.Status != status || !slices.Equal(got.Reasons, reasons) {
		p.t.Errorf("%s: %s because of %q, not %s because of %q", when, got.Status, got.Reasons, status, reasons)
	}
	return got
}

func (p *patient) sync(state string) system.Status {
	p.t.Helper()
	var triggered system.Accepted
	p.system.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &triggered)
	status := p.system.Ended(triggered.SyncID)
	if status.State != state {
		p.t.Fatalf("the sync is %s, not %s: %+v", status.State, state, status)
	}
	return status
}

func (p *patient) commit(files map[string]string) {
	p.t.Helper()
	below := map[string]string{}
	for path, content := range files {
		below[directory+"/"+path] = content
	}
	p.Commit(p.t, repository, branch, below)
}

const changedSince = "The directory has changed since a sync completed last."

// TestDirectoryHealth walks a fabric from fresh to healthy and back, with all that makes it ill on the way.
func TestDirectoryHealth(t *testing.T) {
	t.Parallel()
	h := newHost(t, map[string]string{directory + "/prepop.yaml": fabric.VPC("good", 1)})
	p := &patient{h, programs.Up(t, nil)}
	hold, held := make(chan struct{}), make(chan struct{}, 1)
	h.Break(gitserver.Fault{On: gitserver.Receive, Hold: hold, Held: held})
	var registered system.Accepted
	p.system.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	<-held
	fresh := p.requireHealth("fresh", "degraded", "15 things in the structure are repaired by the next sync.",
		"One file waits for the next sync.", "No sync has ended yet.")
	if fresh.WaitingFiles != 1 || fresh.LastSyncID != "" {
		t.Errorf("fresh: %+v", fresh)
	}
	close(hold)
	first := p.system.Ended(registered.SyncID)
	synced := p.requireHealth("synced", "healthy")
	if synced.Resources != 1 || synced.LastSyncID != first.SyncID || synced.LastSyncState != "completed" ||
		synced.CommitSHA != first.Result.CommitSHA {
		t.Errorf("synced: %+v", synced)
	}

	p.commit(map[string]string{
		"raw/bad.yaml": "kind: [\n", "managed/vpcs/good.yaml": gitserver.Removed,
		"notes.txt": "hello\n",
	})
	if pushed := p.requireHealth("a bad file pushed", "degraded", "One file waits for the next sync.",
		changedSince); !pushed.ChangedSinceLastSync {
		t.Errorf("a bad file pushed: %+v", pushed)
	}
	var changed changes
	p.system.Call(http.MethodGet, "/api/v1/fabrics/1/directory:changes", nil, &changed)
	want := []string{"removed managed managed/vpcs/good.yaml", "created other notes.txt", "created raw raw/bad.yaml"}
	if !slices.Equal(changed.lines(), want) || changed.Total != 3 || changed.SinceSHA != first.Result.CommitSHA ||
		changed.CommitSHA != h.Head(t, repository, branch) {
		t.Errorf("changes: %+v, not %q", changed, want)
	}
	p.sync("completed")
	if bad := p.requireHealth("quarantined", "degraded",
		"One file is in quarantine."); bad.QuarantinedByCode["FGD_1001"] != 1 || bad.Resources != 0 {
		t.Errorf("quarantined: %+v", bad)
	}
	p.commit(map[string]string{"unmanaged/bad.yaml": fabric.VPC("mended", 2)})
	p.sync("completed")
	p.requireHealth("mended", "healthy")

	p.commit(map[string]string{"raw/.gitkeep": gitserver.Removed, "raw": "a file\n"})
	p.requireHealth("the structure blocked", "unhealthy", "One error of the structure has to be mended by somebody.",
		changedSince)
	failed := p.sync("failed")
	p.requireHealth("the sync failed", "unhealthy", "One error of the structure has to be mended by somebody.",
		"The last sync failed: "+failed.Errors[0].Message, changedSince)
	p.commit(map[string]string{"raw": gitserver.Removed})
	p.sync("completed")
	p.requireHealth("unblocked", "healthy")

	h.Git(t, repository, "update-ref", "-d", "refs/heads/"+branch)
	p.requireHealth("without its branch", "unhealthy",
		"The directory can't be read: The repository at "+h.Address()+" is empty.")
}
