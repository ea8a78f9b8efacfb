package e2e

import (
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// TestUnreadable: a managed file that somebody broke deletes nothing, and an edit of one is not overwritten by what was
// put into raw/ with it. The orchestrator tells the ingestion what the last sync left.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	h := newHost(t, map[string]string{directory + "/raw/all.yaml": fabric.VPC("a", 1) + "---\n" + fabric.VPC("b", 2) +
		"---\n" + peering})
	s := programs.Up(t, nil)
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	s.Ended(registered.SyncID)

	managed := below(h.Files(t, repository, branch), directory)
	broken := strings.Replace(managed["managed/vpcs/a.yaml"], "spec:", "<<<<<<< HEAD\nspec:\n=======\n>>>>>>> theirs", 1)
	edited := strings.Replace(managed["managed/vpcs/b.yaml"], "vlan: ", "vlan: 1", 1)
	h.Commit(t, repository, branch, map[string]string{
		directory + "/managed/vpcs/a.yaml": broken, directory + "/managed/vpcs/b.yaml": edited,
		directory + "/raw/b.yaml": fabric.VPC("b", 9),
	})
	var triggered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &triggered)
	status := s.Ended(triggered.SyncID)
	requirePlan(t, s, "broken", status, "quarantine VPC b raw/b.yaml unmanaged/b.yaml",
		"update VPC b managed/vpcs/b.yaml managed/vpcs/b.yaml")
	if status.State != "completed" || status.Result.ResourcesTotal != 3 || coded(status.Errors, "FGD_1029") != 1 ||
		coded(status.Errors, "FGD_1005") != 1 || coded(status.Warnings, "FGD_1021") != 0 {
		t.Errorf("%+v", status)
	}
	after := below(h.Files(t, repository, branch), directory)
	if after["managed/vpcs/a.yaml"] != broken || after["managed/vpcs/b.yaml"] != edited {
		t.Errorf("managed: %v", after)
	}
}
