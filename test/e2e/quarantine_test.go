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
	t.Parallel()
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
	h.Commit(t, repository, branch, map[string]string{directory +
		"/unmanaged/bad.yaml": strings.Replace(bad, "eight", "8", 1)})
	trigger(nil, 1)
	s.Call(http.MethodPatch, "/api/v1/fabrics/1", map[string]any{"options": map[string]any{"unknown_fields": "warn"}},
		&map[string]any{})
	trigger(nil, 1)
	trigger(map[string]any{"retry_quarantined": true}, 2)
	after := below(h.Files(t, repository, branch), directory)
	if after["managed/vpcs/bad.yaml"] == "" || after["managed/vpcs/odd.yaml"] == "" ||
		after["unmanaged/bad.yaml"]+after["unmanaged/odd.yaml"] != "" {
		t.Errorf("afterwards: %v", after)
	}
}

// TestQuarantineCommands: a person looks at what is in quarantine, has one file judged again under other rules, puts
// one back, and after that nothing happens any more.
func TestQuarantineCommands(t *testing.T) {
	t.Parallel()
	bad := strings.Replace(fabric.VPC("bad", 7), "vlan: 8", "vlan: eight", 1)
	h := newHost(t, map[string]string{
		directory + "/raw/two.yaml": fabric.VPC("good", 1) + "---\n" + bad, directory + "/raw/notes.txt": "for people\n",
		directory + "/raw/b.yaml": "kind: [\n",
	})
	run := func(code int, args ...string) string {
		t.Helper()
		args = append(args, "--repo", h.url(), "--branch", branch, "--dir", directory,
			"--allow-http", "--allow-network=127.0.0.0/8")
		result := programs.Run(t, credentials(), args...)
		if result.Code != code {
			t.Errorf("%v: exit %d, not %d:\n%s", args[:2], result.Code, code, result.Output())
		}
		return result.Output()
	}
	requireParts := func(output string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(output, part) {
				t.Errorf("%q is not in\n%s", part, output)
			}
		}
	}
	run(3, "sync")
	requireParts(run(0, "quarantine", "list"), "unmanaged/two.doc-1.yaml:11:7: FGD_1004 SCHEMA_MISMATCH",
		"unmanaged/notes.txt: FGD_1007", "unmanaged/b.yaml:1:1: FGD_1001", "in quarantine: 3")
	requireParts(run(0, "quarantine", "list", "-o=json"), `"origin": "raw/two.yaml"`, `"origin_document": 1`)
	requireParts(run(0, "quarantine", "show", "unmanaged/two.doc-1.yaml"), bad, "raw/two.yaml", "FGD_1004")
	requireParts(run(1, "quarantine", "show", "unmanaged/none.yaml"), "FGD_1019")
	run(2, "quarantine", "retry")
	run(2, "quarantine", "release")
	requireParts(run(3, "quarantine", "retry", "unmanaged/b.yaml"), "FGD_1001")
	commits := h.Commits(t, repository, branch)
	requireParts(run(3, "quarantine", "release", "unmanaged/none.txt"), "FGD_1019")
	if now := h.Commits(t, repository, branch); now != commits {
		t.Errorf("%d commits for nothing", now-commits)
	}
	run(0, "quarantine", "release", "unmanaged/notes.txt", "unmanaged/two.doc-1.yaml")
	after := below(h.Files(t, repository, branch), directory)
	if after["raw/notes.txt"] != "for people\n" || after["raw/two.doc-1.yaml"] != bad ||
		after["unmanaged/notes.txt"]+after["unmanaged/two.doc-1.yaml"] != "" ||
		after[".fgdignore"] != "/raw/notes.txt\n/raw/two.doc-1.yaml\n" {
		t.Errorf("released: %v", after)
	}
	run(3, "quarantine", "retry", "--all")
	run(0, "sync")
	if now := h.Commits(t, repository, branch); now != commits+1 {
		t.Errorf("%d commits for one release", now-commits)
	}
	h.RequireSound(t, repository)
}
