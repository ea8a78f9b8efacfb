package e2e

import (
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// TestAFileInQuarantineIsMended: what somebody writes becomes a commit of this file alone. One that is still not valid
// stays, as it was written, and who has seen another file than there is changes nothing.
func TestAFileInQuarantineIsMended(t *testing.T) {
	t.Parallel()
	const kept, waits = "unmanaged/bad.yaml", "raw/waits.yaml"
	good := fabric.VPC("bad", 7)
	worse := strings.Replace(good, "vlan: 8", "vlan: nine # no number either", 1)
	h := newHost(t, map[string]string{directory + "/raw/bad.yaml": strings.Replace(good, "vlan: 8", "vlan: eight", 1)})
	s := programs.Up(t, nil)
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	s.Ended(registered.SyncID)
	h.Commit(t, repository, branch, map[string]string{directory + "/" + waits: fabric.VPC("waits", 8)})
	type quarantined struct {
		Blob    string `json:"blob_sha"`
		Changed bool
	}
	seen := func() (file quarantined) {
		t.Helper()
		s.Call(http.MethodGet, "/api/v1/fabrics/1/quarantine/"+kept, nil, &file)
		return file
	}
	mend := func(path, content, blob string) system.Status {
		t.Helper()
		var started system.Accepted
		s.Call(http.MethodPost, "/api/v1/fabrics/1/quarantine:mend",
			map[string]any{"path": path, "content": content, "if_match": blob}, &started)
		return s.Ended(started.SyncID)
	}
	commits := h.Commits(t, repository, branch)
	for path, code := range map[string]string{kept: "FGD_1069", "unmanaged/none.yaml": "FGD_1019"} {
		if status := mend(path, good, strings.Repeat("0", 40)); status.State != "failed" || status.Errors[0].Code != code {
			t.Errorf("%s: %+v", path, status)
		}
	}
	if made := h.Commits(t, repository, branch) - commits; made != 0 {
		t.Errorf("%d commits by those that are refused", made)
	}
	if status := mend(kept, worse, seen().Blob); status.State != "completed" {
		t.Errorf("still not valid: %+v", status)
	}
	after := below(h.Files(t, repository, branch), directory)
	if after[kept] != worse || seen().Changed {
		t.Errorf("it is not kept as it was written, with its reason: %v", after)
	}
	if status := mend(kept, good, seen().Blob); status.State != "completed" || status.Result.ResourcesTotal != 1 {
		t.Errorf("mended: %+v", status)
	}
	after = below(h.Files(t, repository, branch), directory)
	if !strings.Contains(after["managed/vpcs/bad.yaml"], "vlan: 8") || after[kept] != "" || after[waits] == "" {
		t.Errorf("afterwards: %v", after)
	}
	if subject := h.Git(t, repository, "log", "-1", "--format=%s", branch); !strings.Contains(subject, "mend "+kept) {
		t.Errorf("the commit says %s", subject)
	}
}
