package bridge_test

import (
	"fmt"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

func TestFabricLife(t *testing.T) {
	t.Parallel()
	b := setup(t)
	created := b.ok("POST", "/api/v1/fabrics", `{"fabric_id":35,"name":"fabric-1","repository_url":"https://git.example/r.git",
		"gitops_directory":"gitops/hedgehog/fabric-1","credentials":{"token":"s3cret"},"sync_interval_seconds":300,
		"options":{"archive_strategy":"move_to_archive_dir","upgrade_api_versions":false}}`, header{"X-Requested-By", "ada"})
	fabric := created["fabric"].(map[string]any)
	for key, want := range map[string]any{
		"fabric_id": 35.0, "name": "fabric-1", "repository_url": "https://git.example/r.git", "branch": "main",
		"gitops_directory": "gitops/hedgehog/fabric-1", "credentials_configured": true, "sync_interval_seconds": 300.0,
	} {
		if fabric[key] != want {
			t.Errorf("%s is %v, want %v", key, fabric[key], want)
		}
	}
	wantOptions := "map[allow_repository_root:false archive_strategy:move_to_archive_dir auto_initialize:true " +
		"commit_author: commit_committer: foreign_files:leave managed_invalid:report mode:on on_conflict:update " +
		"publish_mode:direct references:warn server_fields:warn unknown_fields:warn upgrade_api_versions:false]"
	if got := fmt.Sprint(fabric["options"]); got != wantOptions {
		t.Errorf("options %s", got)
	}
	if created["sync_id"] == "" {
		t.Error("no sync was started")
	}
	if sync := b.ok("GET", "/api/v1/syncs/"+created["sync_id"].(string), ""); sync["trigger"] != "fabric_created" ||
		sync["requested_by"] != "ada" {
		t.Errorf("first sync %v", sync)
	}

	changed := b.ok("PATCH", "/api/v1/fabrics/35", `{"sync_interval_seconds":0,"options":{"on_conflict":"quarantine"}}`)
	if changed["sync_interval_seconds"] != 0.0 || changed["name"] != "fabric-1" ||
		changed["credentials_configured"] != true {
		t.Errorf("changed %v", changed)
	}
	options := changed["options"].(map[string]any)
	if options["on_conflict"] != "quarantine" || options["archive_strategy"] != "move_to_archive_dir" ||
		options["upgrade_api_versions"] != false {
		t.Errorf("options %v", options)
	}
	if got := b.ok("GET", "/api/v1/fabrics/35", ""); fmt.Sprint(got) != fmt.Sprint(changed) {
		t.Errorf("read %v, want %v", got, changed)
	}
	listed := b.ok("GET", "/api/v1/fabrics?limit=7&page_token=t", "")
	if list := listed["fabrics"].([]any); len(list) != 1 || listed["total"] != 1.0 || listed["next_page_token"] != "next" {
		t.Errorf("list %v", listed)
	}
	b.requireAsked(&fabricv1.ListFabricsRequest{
		Limit: 7, PageToken: "t", WithStatus: true, Order: fabricv1.FabricOrder_FABRIC_ORDER_FABRIC_ID,
	})
	if deleted := b.ok("DELETE", "/api/v1/fabrics/35", ""); deleted["success"] != true {
		t.Errorf("deleted %v", deleted)
	}
	b.problem("GET", "/api/v1/fabrics/35", "", 404, "FGD_3006")
	if list := b.ok("GET", "/api/v1/fabrics", "")["fabrics"].([]any); len(list) != 0 {
		t.Errorf("list %v", list)
	}
}

// TestCredentialsAreReadable: all that shows a fabric says whether a sync can read its credentials; of a fabric without
// any, and when nobody knows, it says nothing.
func TestCredentialsAreReadable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, body := range []string{
		`{"fabric_id":35,"name":"a","credentials":{"token":"s3cret"}`, `{"fabric_id":36,"name":"b"`,
		`{"fabric_id":37,"name":"c","credentials":{"ref":"env:A"}`,
	} {
		b.ok("POST", "/api/v1/fabrics", body+`,"repository_url":"https://git.example/r.git","gitops_directory":"d"}`)
	}
	readable := func() string {
		t.Helper()
		one := b.ok("GET", "/api/v1/fabrics/35", "")["credentials_readable"]
		suspended := b.ok("POST", "/api/v1/fabrics/35:suspend", `{"reason":"r"}`)["credentials_readable"]
		resumed := b.ok("POST", "/api/v1/fabrics/35:resume", "{}")["fabric"].(map[string]any)["credentials_readable"]
		changed := b.ok("PATCH", "/api/v1/fabrics/35", `{"name":"a"}`)["credentials_readable"]
		list := []any{}
		for _, f := range b.ok("GET", "/api/v1/fabrics", "")["fabrics"].([]any) {
			list = append(list, f.(map[string]any)["credentials_readable"])
		}
		return fmt.Sprint(one, suspended, resumed, changed, list)
	}
	set := func(keyLost bool, onReadable error) {
		b.backend.mu.Lock()
		defer b.backend.mu.Unlock()
		b.backend.keyLost, b.backend.onReadable = keyLost, onReadable
	}
	if got := readable(); got != "true true true true [true <nil> true]" {
		t.Errorf("with the key: %s", got)
	}
	set(true, nil)
	if got := readable(); got != "false false false false [false <nil> true]" {
		t.Errorf("without the key: %s", got)
	}
	set(false, errs.New(errs.ServiceUnavailable, "github-sync is away."))
	if got := readable(); got != "<nil> <nil> <nil> <nil> [<nil> <nil> <nil>]" {
		t.Errorf("when nobody knows: %s", got)
	}
}

func TestCredentialsAreSealedAndNeverShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, c := range []string{
		`{"token":"tok-s3cret"}`, `{"username":"ada","password":"pass-s3cret"}`, `{"ref":"env:GIT_TOKEN"}`,
		`{"ssh_private_key":"ssh-s3cret"}`, `{"github_app":{"app_id":7,"installation_id":8,"private_key":"app-s3cret"}}`,
	} {
		a := b.call("POST", "/api/v1/fabrics",
			fmt.Sprintf(`{"name":"f%d","repository_url":"https://git.example/r.git","gitops_directory":"d",
			"credentials":%s}`, i, c))
		if a.status != 200 || strings.Contains(a.raw, "s3cret") || strings.Contains(a.raw, "GIT_TOKEN") ||
			strings.Contains(a.raw, "sealed") {
			t.Errorf("%s: %d %s", c, a.status, a.raw)
		}
	}
	if n := len(b.backend.sealed); n != 4 || b.backend.sealed[0].GetToken() != "tok-s3cret" ||
		b.backend.sealed[1].GetPassword() != "pass-s3cret" {
		t.Errorf("sealed %d", n)
	}
	key, app := b.backend.sealed[2].GetSshPrivateKey(), b.backend.sealed[3].GetGithubApp()
	if key != "ssh-s3cret" || app.GetAppId() != 7 || app.GetInstallationId() != 8 || app.GetPrivateKey() != "app-s3cret" {
		t.Error("a key or an app did not arrive whole")
	}
	if ref := b.backend.fabrics[3].GetLocation().GetCredentials().GetReference(); ref != "env:GIT_TOKEN" {
		t.Errorf("reference %q", ref)
	}
	if _, sealed := b.backend.fabrics[1].GetLocation().GetCredentials().GetSource().(*gitv1.Credentials_Sealed); !sealed {
		t.Error("credentials went on in clear")
	}
	if log := b.log.String(); strings.Contains(log, "s3cret") {
		t.Errorf("the log has a secret: %s", log)
	}
}

func TestInvalidFabrics(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct{ body, field string }{
		"a name of blanks":  {`{"name":" ","repository_url":"https://git.example/r.git"}`, "name"},
		"no url":            {`{"name":"x"}`, "repository_url"},
		"negative id":       {`{"fabric_id":-1,"name":"x","repository_url":"u"}`, "fabric_id"},
		"negative interval": {`{"name":"x","repository_url":"u","sync_interval_seconds":-1}`, "sync_interval_seconds"},
		"unknown word":      {`{"name":"x","repository_url":"u","options":{"on_conflict":"shrug"}}`, "options.on_conflict"},
		"no way":            {`{"name":"x","repository_url":"u","credentials":{}}`, "credentials"},
		"two ways": {
			`{"name":"x","repository_url":"u","credentials":{"token":"s3cret","ref":"env:A"}}`,
			"credentials",
		},
		"half a way": {`{"name":"x","repository_url":"u","credentials":{"username":"ada"}}`, "credentials"},
		"two ways again": {
			`{"name":"x","repository_url":"u","credentials":{"ssh_private_key":"s3cret","token":"s3cret"}}`,
			"credentials",
		},
		"half an app":   {`{"name":"x","repository_url":"u","credentials":{"github_app":{"app_id":1,"private_key":"s3cret"}}}`, "credentials.github_app.installation_id"},
		"odd reference": {`{"name":"x","repository_url":"u","credentials":{"ref":"file:../key"}}`, "credentials.ref"},
		"unknown field": {`{"name":"x","repo":"u"}`, "repo"},
	} {
		problem := b.problem("POST", "/api/v1/fabrics", c.body, 400, "FGD_1010")
		if got := problem["details"].(map[string]any)["field"]; got != c.field {
			t.Errorf("%s: field %v, want %s", name, got, c.field)
		}
		if strings.Contains(fmt.Sprint(problem), "s3cret") {
			t.Errorf("%s: the error shows a secret", name)
		}
	}
	if len(b.backend.fabrics) != 0 || len(b.backend.sealed) != 0 {
		t.Error("an invalid fabric went on")
	}
	b.fabric()
	b.problem("POST", "/api/v1/fabrics", `{"fabric_id":35,"name":"y","repository_url":"u","gitops_directory":"d"}`, 409,
		"FGD_3008")
	b.problem("PATCH", "/api/v1/fabrics/35", `{"name":""}`, 400, "FGD_1010")
	b.problem("PATCH", "/api/v1/fabrics/36", `{"name":"z"}`, 404, "FGD_3006")
}

// TestTheDirectoryIsNamed: one that is left out, or says nothing, would mean the whole repository.
func TestTheDirectoryIsNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	for _, request := range [][3]string{
		{"POST", "/api/v1/fabrics", `{"name":"x","repository_url":"u"}`},
		{"POST", "/api/v1/fabrics", `{"name":"x","repository_url":"u","gitops_directory":" "}`},
		{"POST", "/api/v1/fabrics", `{"name":"x","repository_url":"u","options":{"allow_repository_root":true}}`},
		{"PATCH", "/api/v1/fabrics/35", `{"gitops_directory":""}`},
	} {
		problem := b.problem(request[0], request[1], request[2], 400, "FGD_2007")
		if got := problem["details"].(map[string]any)["field"]; got != "gitops_directory" {
			t.Errorf("%v: field %v", request, got)
		}
	}
	if len(b.backend.fabrics) != 1 {
		t.Error("a fabric without a directory went on")
	}
}

// TestCredentialsStayWithTheirHost: who may change a fabric can't have its stored credentials sent elsewhere.
// github-sync refuses them, and the bridge asks it for the new URL before anything is stored.
func TestCredentialsStayWithTheirHost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ok("POST", "/api/v1/fabrics",
		`{"fabric_id":1,"name":"a","repository_url":"https://git.example/a.git","gitops_directory":"d",
			"credentials":{"token":"t"}}`)
	b.ok("PATCH", "/api/v1/fabrics/1", `{"repository_url":"https://GIT.example/b.git"}`)
	for _, url := range []string{
		"https://evil.example/a.git", "http://git.example/a.git", "https://git.example:8443/a.git", "git.example/a.git",
	} {
		problem := b.problem("PATCH", "/api/v1/fabrics/1", fmt.Sprintf(`{"repository_url":%q}`, url), 400, "FGD_4027")
		if problem["details"].(map[string]any)["field"] != "credentials" {
			t.Errorf("%s: %v", url, problem)
		}
	}
	if got := b.ok("GET", "/api/v1/fabrics/1", ""); got["repository_url"] != "https://GIT.example/b.git" {
		t.Errorf("a refused change was stored: %v", got)
	}
	b.ok("PATCH", "/api/v1/fabrics/1", `{"repository_url":"https://other.example/a.git","credentials":{"token":"u"}}`)
	b.ok("POST", "/api/v1/fabrics/1:checkConnection", "{}")
	b.ok("POST", "/api/v1/fabrics", `{"fabric_id":2,"name":"b","repository_url":"https://git.example/a.git","gitops_directory":"d"}`)
	b.ok("PATCH", "/api/v1/fabrics/2", `{"repository_url":"https://other.example/a.git"}`)
}

// TestCredentialsAreSealedForTheirFabric: the seal says for which host and fabric it is, also when the system chooses
// the number.
func TestCredentialsAreSealedForTheirFabric(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, id := range map[string]int32{
		`{"fabric_id":7,"name":"a","repository_url":" https://git.example/a.git ","gitops_directory":"d",
			"credentials":{"token":"t"}}`: 7,
		`{"name":"b","repository_url":"https://git.example/b.git","gitops_directory":"d",
			"credentials":{"token":"t"}}`: 1,
	} {
		b.backend.mu.Lock()
		clear(b.backend.fabrics)
		b.backend.mu.Unlock()
		b.ok("POST", "/api/v1/fabrics", body)
		seal := b.backend.fabrics[id].GetLocation().GetCredentials().GetSealed()
		if want := string(sealFor("https://git.example", id)); string(seal) != want {
			t.Errorf("%s: %q, want %q", body, seal, want)
		}
	}
}

// TestCredentialsAreResealed: whenever a fabric is changed, its stored credentials are sealed with the key that seals
// now. When no key opens them the fabric can be changed all the same.
func TestCredentialsAreResealed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ok("POST", "/api/v1/fabrics",
		`{"fabric_id":1,"name":"a","repository_url":"https://git.example/a.git","gitops_directory":"d",
			"credentials":{"token":"t"}}`)
	b.ok("POST", "/api/v1/fabrics",
		`{"fabric_id":2,"name":"b","repository_url":"https://git.example/a.git","gitops_directory":"d",
			"credentials":{"ref":"env:A"}}`)
	for range 2 {
		b.ok("PATCH", "/api/v1/fabrics/1", `{"name":"c"}`)
		b.ok("PATCH", "/api/v1/fabrics/2", `{"name":"d"}`)
		b.backend.mu.Lock()
		b.backend.keyLost = true
		b.backend.mu.Unlock()
	}
	if b.backend.resealed != 1 {
		t.Errorf("resealed %d times, want once", b.backend.resealed)
	}
	seal := b.backend.fabrics[1].GetLocation().GetCredentials().GetSealed()
	if string(seal) != string(sealFor("https://git.example", 1)) {
		t.Errorf("stored: %q", seal)
	}
	if ref := b.backend.fabrics[2].GetLocation().GetCredentials().GetReference(); ref != "env:A" {
		t.Errorf("reference %q", ref)
	}
}

func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	suspended := b.ok("POST", "/api/v1/fabrics/35:suspend", `{"reason":"rebuilding"}`, header{"X-Requested-By", "ada"})
	if s, is := suspended["suspension"].(map[string]any); !is || s["reason"] != "rebuilding" ||
		s["suspended_by"] != "ada" {
		t.Errorf("suspended %v", suspended)
	}
	if got := b.ok("GET", "/api/v1/fabrics/35", ""); fmt.Sprint(got) != fmt.Sprint(suspended) {
		t.Errorf("read %v, want %v", got, suspended)
	}
	resumed := b.ok("POST", "/api/v1/fabrics/35:resume", "{}", header{"X-Requested-By", "ada"})
	if _, is := resumed["fabric"].(map[string]any)["suspension"]; is || resumed["sync_id"] != "the sync of ada" {
		t.Errorf("resumed %v", resumed)
	}
	b.problem("POST", "/api/v1/fabrics/36:suspend", `{"reason":"x"}`, 404, "FGD_3006")
	b.problem("POST", "/api/v1/fabrics/36:resume", "{}", 404, "FGD_3006")
}
