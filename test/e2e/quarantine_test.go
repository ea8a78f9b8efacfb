package e2e

import (
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// TestQuarantineIsLeft: what is in quarantine comes out when somebody mends it in its place, or when it is asked for
// under rules that have changed; and never by itself.
func TestQuarantineIsLeft(t *testing.T) {
	bad := strings.Replace(fabric.VPC("bad", 7), "vlan: 8", "vlan: eight", 1)
	odd := fabric.VPC("odd", 8) + "  unheard: of\n"
	h := newHost(t, map[string]string{directory + "/raw/bad.yaml": bad, directory + "/raw/odd.yaml": odd})
	s := programs.Up(t, nil)
	definition := h.fabric()
	definition["options"] = map[string]any{"unknown_fields": "reject"}
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", definition, &registered)
	if first := s.Ended(registered.SyncID); first.Result.FilesQuarantined != 2 {
		t.Fatalf("first: %+v", first)
	}
	trigger := func(options map[string]any, resources int) {
		t.Helper()
		var triggered system.Accepted
		s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{"options": options}, &triggered)
		if status := s.Ended(triggered.SyncID); status.State != "completed" || status.Result.ResourcesTotal != resources {
			t.Errorf("not %d resources: %+v", resources, status)
		}
	}
	trigger(nil, 0)
	h.Commit(t, repository, branch, map[string]string{directory + "/unmanaged/bad.yaml": strings.Replace(bad, "eight", "8", 1)})
	trigger(nil, 1)
	s.Call(http.MethodPatch, "/api/v1/fabrics/1", map[string]any{"options": map[string]any{"unknown_fields": "warn"}}, &map[string]any{})
	trigger(nil, 1)
	trigger(map[string]any{"retry_quarantined": true}, 2)
	after := below(h.Files(t, repository, branch), directory)
	if after["managed/vpcs/bad.yaml"] == "" || after["managed/vpcs/odd.yaml"] == "" || after["unmanaged/bad.yaml"]+after["unmanaged/odd.yaml"] != "" {
		t.Errorf("afterwards: %v", after)
	}
}
