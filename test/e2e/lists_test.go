package e2e

import (
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// TestListsOfTheFrontPage: one call says how all fabrics are, why, and what their last syncs left; another one lists
// the syncs of all of them, newest first, and a third one counts those that run or wait.
func TestListsOfTheFrontPage(t *testing.T) {
	t.Parallel()
	bad := strings.Replace(fabric.VPC("bad", 7), "vlan: 8", "vlan: eight", 1)
	h := newHost(t, map[string]string{
		directory + "/raw/bad.yaml": bad, directory + "/raw/good.yaml": fabric.VPC("good", 1),
	})
	s := programs.Up(t, nil)
	var registered, triggered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	s.Ended(registered.SyncID)
	s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &triggered)
	s.Ended(triggered.SyncID)

	var fabrics struct {
		Fabrics []struct {
			State    string `json:"state"`
			Reason   struct{ Name, Remedy string }
			LastSync struct {
				SyncID string `json:"sync_id"`
				State  string `json:"state"`
			} `json:"last_sync"`
			LastSuccess struct {
				CommitSHA   string `json:"commit_sha"`
				Resources   int    `json:"resources_total"`
				Quarantined int    `json:"quarantined_files"`
			} `json:"last_success"`
		} `json:"fabrics"`
		Counts map[string]int `json:"counts"`
	}
	s.Call(http.MethodGet, "/api/v1/fabrics?state=degraded&order_by=name", nil, &fabrics)
	if len(fabrics.Fabrics) != 1 || fabrics.Counts["degraded"] != 1 || fabrics.Counts["ok"] != 0 {
		t.Fatalf("fabrics %+v", fabrics)
	}
	one := fabrics.Fabrics[0]
	if one.State != "degraded" || one.Reason.Remedy == "" || one.LastSync.SyncID != triggered.SyncID ||
		one.LastSync.State != "completed" {
		t.Errorf("the fabric is %+v", one)
	}
	if left := one.LastSuccess; left.Resources != 1 || left.Quarantined != 1 || len(left.CommitSHA) != 40 {
		t.Errorf("its last success left %+v", left)
	}

	var syncs struct {
		Syncs []struct {
			SyncID string `json:"sync_id"`
			Name   string `json:"fabric_name"`
		} `json:"syncs"`
		Total *int   `json:"total"`
		Next  string `json:"next_page_token"`
	}
	s.Call(http.MethodGet, "/api/v1/syncs?limit=1", nil, &syncs)
	if len(syncs.Syncs) != 1 || syncs.Syncs[0].SyncID != triggered.SyncID || syncs.Syncs[0].Name == "" ||
		syncs.Next == "" {
		t.Fatalf("syncs %+v", syncs)
	}
	s.Call(http.MethodGet, "/api/v1/syncs?limit=1&page_token="+syncs.Next, nil, &syncs)
	if len(syncs.Syncs) != 1 || syncs.Syncs[0].SyncID != registered.SyncID || syncs.Next != "" {
		t.Errorf("the next page %+v", syncs)
	}
	s.Call(http.MethodGet, "/api/v1/syncs?active=true", nil, &syncs)
	if syncs.Total == nil || *syncs.Total != 0 {
		t.Errorf("at rest %+v", syncs)
	}
}
