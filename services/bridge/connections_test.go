package bridge_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestCheckConnection: a location is checked before a fabric has it, with sealed credentials, and a fabric's with those
// it has.
func TestCheckConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	found := b.ok("POST", "/api/v1/connections:check",
		`{"repository_url":" ssh://git@git.example/r.git ","gitops_directory":"d",
			"credentials":{"ssh_private_key":"s3cret"}}`)
	problem := found["problems"].([]any)[0].(map[string]any)
	if found["reachable"] != true || found["can_push"] != false || found["default_branch"] != "trunk" ||
		problem["code"] != "FGD_4006" || problem["remedy"] != "Make it." {
		t.Errorf("found %v", found)
	}
	if _, known := found["branch_protected"]; known {
		t.Errorf("what is not known was said: %v", found)
	}
	if at := b.backend.checked[0]; at.GetRepositoryUrl() != "ssh://git@git.example/r.git" || at.GetBranch() != "main" ||
		at.GetDirectory() != "d" ||
		string(at.GetCredentials().GetSealed()) != "sealed for ssh://git.example 0" ||
		b.backend.sealed[0].GetSshPrivateKey() != "s3cret" {
		t.Errorf("asked for %v", at)
	}
	if len(b.backend.fabrics) != 0 {
		t.Error("a fabric was registered")
	}
	b.ok("POST", "/api/v1/fabrics",
		`{"fabric_id":35,"name":"x","repository_url":"https://git.example/r.git","gitops_directory":"d",
			"credentials":{"ref":"env:A"}}`)
	if again := b.ok("POST", "/api/v1/fabrics/35:checkConnection", "{}"); fmt.Sprint(again) != fmt.Sprint(found) {
		t.Errorf("of the fabric: %v", again)
	}
	if at := b.backend.checked[1]; at.GetRepositoryUrl() != "https://git.example/r.git" || at.GetCredentials().
		GetReference() != "env:A" {
		t.Errorf("asked for %v", at)
	}
	if warning := found["warnings"].([]any)[0].(map[string]any); warning["code"] != "FGD_2001" ||
		warning["remedy"] != "Look." {
		t.Errorf("warned of %v", warning)
	}
	b.problem("POST", "/api/v1/fabrics/36:checkConnection", "{}", 404, "FGD_3006")
	b.problem("POST", "/api/v1/connections:check", "{}", 400, "FGD_1010")
	b.problem("POST", "/api/v1/connections:check",
		`{"repository_url":"u","credentials":{"token":"s3cret","ssh_private_key":"s3cret"}}`, 400, "FGD_1010")
	// What a fabric has stored was sealed for it, and opens for it.
	b.ok("POST", "/api/v1/fabrics",
		`{"fabric_id":37,"name":"y","repository_url":"https://git.example/r.git","gitops_directory":"d",
			"credentials":{"token":"s3cret"}}`)
	b.ok("POST", "/api/v1/fabrics/37:checkConnection", "{}")
	b.requireLastChecked(37)
	if check := b.backend.lastCheck; check.GetDirectoryRequired() || check.GetCommitCommitter() != "" {
		t.Errorf("asked for %v", check)
	}
	b.ok("PATCH", "/api/v1/fabrics/37", `{"options":{"auto_initialize":false,"commit_committer":"Bot <bot@example.com>"}}`)
	b.ok("POST", "/api/v1/fabrics/37:checkConnection", "{}")
	if check := b.backend.lastCheck; !check.GetDirectoryRequired() ||
		check.GetCommitCommitter() != "Bot <bot@example.com>" {
		t.Errorf("asked for %v", check)
	}
	if log := b.log.String(); strings.Contains(log, "s3cret") {
		t.Errorf("the log has a secret: %s", log)
	}
}

// requireLastChecked holds for which fabric github-sync was asked last.
func (b *bundle) requireLastChecked(fabricID int32) {
	b.t.Helper()
	b.backend.mu.Lock()
	defer b.backend.mu.Unlock()
	if at := b.backend.checked[len(b.backend.checked)-1]; at.GetFabricId() != fabricID {
		b.t.Errorf("asked for fabric %d, want %d", at.GetFabricId(), fabricID)
	}
}
