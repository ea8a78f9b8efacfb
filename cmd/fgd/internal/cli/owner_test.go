package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os/user"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/cmd/fgd/internal/cli"
	"fgdsync.dev/testkit/gitserver"
)

// served is a running fgd up, as callers see it.
type served struct {
	t *testing.T
	started
}

func serve(t *testing.T) served {
	t.Helper()
	at, _ := up(t, nil, "--allow-http", "--allow-network=127.0.0.0/8")
	return served{t, at}
}

// ended is how a sync has ended.
type ended struct {
	State  string
	Errors []struct{ Code, Message string }
	Result struct {
		CommitSHA string `json:"commit_sha"`
	}
}

func (e ended) String() string { return fmt.Sprint(e.State, e.Errors, e.Result.CommitSHA) }

// failedWith reports whether a sync has failed, and with which error.
func (e ended) failedWith(code string) bool {
	return e.State == "failed" && len(e.Errors) > 0 && e.Errors[0].Code == code
}

// post makes a request and follows the sync that its answer names to the end.
func (s served) post(path, body string) ended {
	s.t.Helper()
	code, answer := s.call(s.t, http.MethodPost, path, body, "")
	var started struct {
		SyncID string `json:"sync_id"`
	}
	if err := json.Unmarshal([]byte(answer), &started); code != http.StatusOK || err != nil {
		s.t.Fatalf("%s %s: %d %s", path, body, code, answer)
	}
	s.call(s.t, http.MethodGet, "/api/v1/syncs/"+started.SyncID+"/events", "", "") // which ends with the sync
	var status ended
	_, answer = s.call(s.t, http.MethodGet, "/api/v1/syncs/"+started.SyncID, "", "")
	if err := json.Unmarshal([]byte(answer), &status); err != nil {
		s.t.Fatalf("%v in %s", err, answer)
	}
	return status
}

// register registers a fabric, whose first sync has to complete.
func (s served) register(body string) {
	s.t.Helper()
	if first := s.post("/api/v1/fabrics", body); first.State != "completed" {
		s.t.Fatalf("%s: %v", body, first)
	}
}

// refused holds that a registration is refused with a code.
func (s served) refused(body, code string) {
	s.t.Helper()
	if status, answer := s.call(s.t, http.MethodPost, "/api/v1/fabrics", body, ""); status < 400 ||
		!strings.Contains(answer, `"code":"`+code+`"`) {
		s.t.Errorf("%s: %d %s, not %s", body, status, answer, code)
	}
}

func registration(id int, name, url, directory, more string) string {
	return fmt.Sprintf(`{"fabric_id":%d,"name":%q,"repository_url":%q,"gitops_directory":%q%s}`, id, name, url, directory,
		more)
}

// TestAServerAndACommandAgree: who syncs a directory by hand is the fabric that a server has there. None of them makes
// a commit because of the other.
func TestAServerAndACommandAgree(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document, "f/raw/b.yaml": "kind: [\n"})
	server := serve(t)
	server.register(registration(35, "fabric one", host.URL("r.git"), "f", ""))
	settled := host.Commits(t, "r.git", "main")
	command := func(args ...string) {
		t.Helper()
		code, stdout, stderr := run(t.Context(), t, append(args, "--repo", host.URL("r.git"), "--dir", "f",
			"--allow-http", "--allow-network=127.0.0.0/8")...)
		if code != 0 || !strings.Contains(stdout, "(nothing changed)") {
			t.Errorf("%v: exit %d\n%s%s", args, code, stdout, stderr)
		}
	}
	head := host.Head(t, "r.git", "main")
	for range 2 {
		command("sync")
		command("restore", "--commit", head)
		if s := server.post("/api/v1/fabrics/35/syncs", `{"options":{"force_refresh":true}}`); s.State != "completed" {
			t.Error(s)
		}
	}
	if n := host.Commits(t, "r.git", "main"); n != settled {
		t.Errorf("%d commits of nobody's change", n-settled)
	}
	for path := range host.Files(t, "r.git", "main") {
		if strings.Contains(path, "legacy") {
			t.Errorf("%s was kept", path)
		}
	}
	host.Commit(t, "r.git", "main", map[string]string{"f/raw/c.yaml": strings.Replace(document, "default", "c", 1)})
	if code, stdout, stderr := run(t.Context(), t, "sync", "--repo", host.URL("r.git"), "--dir", "f",
		"--allow-http", "--allow-network=127.0.0.0/8"); code != 0 {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	message := host.Git(t, "r.git", "log", "-1", "--format=%B", "main")
	for _, line := range []string{"Fgd-Fabric: fabric one (35)", "Fgd-Trigger: manual", "Requested-by: alice"} {
		if !strings.Contains(message, line) {
			t.Errorf("no %q in\n%s", line, message)
		}
	}
}

// TestThePersonAtTheMachineAsks: also where no variable says who that is.
func TestThePersonAtTheMachineAsks(t *testing.T) {
	t.Parallel()
	person, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	var out bytes.Buffer
	if code := cli.Run(t.Context(), cli.Environment{
		Args:   []string{"sync", "--repo", host.URL("r.git"), "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8"},
		Stdout: &out, Stderr: &out,
	}); code != 0 {
		t.Fatalf("exit %d\n%s", code, out.String())
	}
	if message := host.Git(t, "r.git", "log", "-1", "--format=%B", "main"); !strings.Contains(message,
		"Requested-by: "+person.Username+"\n") {
		t.Errorf("not asked for by %s:\n%s", person.Username, message)
	}
}

// TestTwoServersDoNotShareADirectory: the second one is refused and commits nothing, by whatever name of the host, and
// whoever takes the directory over has it alone.
func TestTwoServersDoNotShareADirectory(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document, "g/raw/a.yaml": document})
	first, second := serve(t), serve(t)
	url := host.URL("r.git")
	first.register(registration(1, "one", url, "f", ""))
	first.refused(registration(2, "two", strings.Replace(url, "127.0.0.1", "localhost", 1), "f", ""), "FGD_2008")
	first.refused(registration(2, "two", url, "f", `,"branch":"refs/heads/main"`), "FGD_2008")
	first.refused(registration(2, "two", url, "F/x", ""), "FGD_2008")
	head := host.Head(t, "r.git", "main")
	if s := second.post("/api/v1/fabrics", registration(1, "inner", url, "f/raw", "")); !s.failedWith("FGD_2008") {
		t.Errorf("inside another's directory: %v", s)
	}
	if code, answer := second.call(t, http.MethodDelete, "/api/v1/fabrics/1", "", ""); code != http.StatusOK {
		t.Error(answer)
	}
	second.refused(registration(2, "two", url, "f", ""), "FGD_2011")
	second.refused(registration(1, "two", url, "f", ""), "FGD_2011")
	if host.Head(t, "r.git", "main") != head {
		t.Error("another's directory was changed")
	}
	second.register(registration(2, "two", url, "f", `,"take_over":true`))
	head = host.Head(t, "r.git", "main")
	if s := first.post("/api/v1/fabrics/1/syncs", `{}`); !s.failedWith("FGD_2011") {
		t.Errorf("the owner before: %v", s)
	}
	if _, answer := first.call(t, http.MethodGet, "/api/v1/fabrics/1/directory:validate", "", ""); !strings.Contains(
		answer, "FGD_2011") || !strings.Contains(answer, `"valid":false`) {
		t.Errorf("validated: %s", answer)
	}
	if host.Head(t, "r.git", "main") != head {
		t.Error("another's directory was changed")
	}
	if s := first.post("/api/v1/fabrics/1/syncs", `{"options":{"take_over":true}}`); s.State != "completed" ||
		s.Result.CommitSHA == "" {
		t.Errorf("taken back: %v", s)
	}
	if s := second.post("/api/v1/fabrics/2/syncs", `{}`); !s.failedWith("FGD_2011") {
		t.Errorf("the owner before: %v", s)
	}
	first.register(registration(3, "three", url, "g", ""))
	second.register(registration(4, "four", url, "g", `,"take_over":true`)) // taken over
}

// TestARenamedFabricKeepsItsDirectory: its manifest gets the new name, and no file more.
func TestARenamedFabricKeepsItsDirectory(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	server := serve(t)
	server.register(registration(5, "one", host.URL("r.git"), "f", ""))
	before := slices.Sorted(maps.Keys(host.Files(t, "r.git", "main")))
	for _, name := range []string{"two", "three"} {
		if code, answer := server.call(t, http.MethodPatch, "/api/v1/fabrics/5", `{"name":"`+name+`"}`, ""); code != 200 {
			t.Fatal(answer)
		}
	}
	if s := server.post("/api/v1/fabrics/5/syncs", `{}`); s.State != "completed" {
		t.Error(s)
	}
	files := host.Files(t, "r.git", "main")
	if !strings.Contains(files["f/.hnp/manifest.yaml"], `fabric_name: "three"`) ||
		!slices.Equal(slices.Sorted(maps.Keys(files)), before) {
		t.Errorf("manifest:\n%s\nfiles %v", files["f/.hnp/manifest.yaml"], slices.Sorted(maps.Keys(files)))
	}
}

// TestTheDirectoryIsSaid: no registration and no change gets the whole repository by leaving something out.
func TestTheDirectoryIsSaid(t *testing.T) {
	t.Parallel()
	const broken = "apiVersion: vpc.githedgehog.com/v1beta1\nkind: [\n"
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{
		"a.yaml": document, "ci.yml": broken, "ops/x.yaml": broken, "y.yml": broken,
	})
	server, url := serve(t), host.URL("r.git")
	for _, directory := range []string{"", "/", ".", " ", "GIT~1", "aux", "con/nul", "gitops/fab ", "../x"} {
		server.refused(registration(1, "one", url, directory, ""), "FGD_2007")
	}
	server.refused(fmt.Sprintf(`{"name":"one","repository_url":%q}`, url), "FGD_2007")
	server.refused(registration(1, "one", url, "f", `,"options":{"publish_mode":"pull_request"}`), "FGD_4017")
	if n := host.Commits(t, "r.git", "main"); n != 1 {
		t.Errorf("%d commits", n)
	}
	const allowed = `,"options":{"allow_repository_root":true}`
	s := server.post("/api/v1/fabrics", registration(1, "one", url, "/", allowed))
	if n := host.Commits(t, "r.git", "main"); n != 1 || !s.failedWith("FGD_3005") {
		t.Errorf("most of the repository would have moved: %v, %d commits", s, n)
	}
	for _, change := range []string{
		`{"gitops_directory":""}`, `{"options":{"allow_repository_root":false}}`,
		`{"gitops_directory":"f","options":{"publish_mode":"pull_request"}}`,
	} {
		if code, answer := server.call(t, http.MethodPatch, "/api/v1/fabrics/1", change, ""); code != 400 {
			t.Errorf("%s: %d %s", change, code, answer)
		}
	}
	if _, answer := server.call(t, http.MethodGet, "/api/v1/fabrics/1", "", ""); !strings.Contains(answer,
		`"gitops_directory":"/"`) {
		t.Error(answer)
	}
	if s := server.post("/api/v1/fabrics/1/syncs", `{"options":{"force":true}}`); s.State != "completed" {
		t.Errorf("forced: %v", s)
	}
}

// TestACommandLeavesOthersAlone: what is not the directory of one fabric alone is refused, with the reason, and nothing
// is committed.
func TestACommandLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	manifest := func(id int) string {
		return fmt.Sprintf("structure_version: \"1.0\"\nfabric_name: fab%d\nfabric_id: %d\n", id, id)
	}
	host.Create(t, "r.git", "main", map[string]string{
		"gitops/fab1/.hnp/manifest.yaml": manifest(1), "gitops/fab1/managed/vpcs/a.yaml": document,
		"gitops/fab2/.hnp/manifest.yaml": manifest(2), "gitops/new/raw/a.yaml": document,
	})
	for name, c := range map[string]struct {
		args []string
		exit int
		says []string
	}{
		"no directory":   {nil, 2, []string{"FGD_2007", "--dir"}},
		"the root":       {[]string{"--dir", "."}, 2, []string{"FGD_2007", "--allow-root"}},
		"around fabrics": {[]string{"--dir", "gitops"}, 1, []string{"FGD_2008", "gitops/fab1, gitops/fab2"}},
		"dry":            {[]string{"--dir", "gitops", "--dry-run"}, 1, []string{"FGD_2008"}},
		"around all":     {[]string{"--dir", "/", "--allow-root", "--force"}, 1, []string{"FGD_2008", "gitops/fab1"}},
		"in managed":     {[]string{"--dir", "gitops/fab1/managed"}, 1, []string{"FGD_2008", "gitops/fab1."}},
		"in raw":         {[]string{"--dir", "gitops/fab1/raw", "--init"}, 1, []string{"FGD_2008", "gitops/fab1."}},
		"another case":   {[]string{"--dir", "gitops/Fab1", "--init"}, 1, []string{"FGD_2008", "gitops/fab1"}},
		"another number": {[]string{"--dir", "gitops/fab1", "--fabric-id", "3"}, 1, []string{"FGD_2011", `1, "fab1"`}},
		"another name":   {[]string{"--dir", "gitops/fab1", "--name", "x"}, 1, []string{"FGD_2011", "--take-over"}},
		"mistyped": {
			[]string{"--dir", "gitops/fab3"}, 1, []string{"FGD_2001", "no such directory", "--init"},
		},
		"a device": {[]string{"--dir", "gitops/aux", "--init"}, 2, []string{"FGD_2007"}},
	} {
		code, stdout, stderr := run(t.Context(), t, append([]string{
			"sync", "--repo", host.URL("r.git"), "--allow-http", "--allow-network=127.0.0.0/8",
		}, c.args...)...)
		for _, text := range c.says {
			if code != c.exit || !strings.Contains(stdout+stderr, text) {
				t.Errorf("%s: exit %d, no %q in\n%s%s", name, code, text, stdout, stderr)
			}
		}
	}
	for command, c := range map[string]struct {
		exit int
		says string
	}{
		"check": {3, "problem: FGD_2001"}, "doctor": {1, "FGD_2001"}, "quarantine list": {1, "FGD_2001"},
	} {
		args := append(strings.Fields(command), "--repo", host.URL("r.git"), "--dir", "nope", "--allow-http",
			"--allow-network=127.0.0.0/8")
		if code, stdout, stderr := run(t.Context(), t, args...); code != c.exit || !strings.Contains(stdout+stderr, c.says) {
			t.Errorf("%s: exit %d\n%s%s", command, code, stdout, stderr)
		}
	}
	if n := host.Commits(t, "r.git", "main"); n != 1 {
		t.Errorf("%d commits", n)
	}
	for _, c := range []struct{ args, says string }{
		{"--dir gitops/fab3 --init", "--init makes it"},
		{"--dir gitops/fab1 --fabric-id 9 --name nine --take-over", "completed"},
	} {
		code, stdout, stderr := run(t.Context(), t, append([]string{
			"sync", "--repo", host.URL("r.git"), "--allow-http", "--allow-network=127.0.0.0/8",
		}, strings.Fields(c.args)...)...)
		if code != 0 || !strings.Contains(stdout+stderr, c.says) {
			t.Errorf("%s: exit %d\n%s%s", c.args, code, stdout, stderr)
		}
	}
	if files := host.Files(t, "r.git", "main"); !strings.Contains(files["gitops/fab1/.hnp/manifest.yaml"],
		"fabric_name: \"nine\"\nfabric_id: 9\n") || !strings.Contains(files["gitops/fab3/.hnp/manifest.yaml"], `"fab3"`) {
		t.Errorf("manifests:\n%s\n%s", files["gitops/fab1/.hnp/manifest.yaml"], files["gitops/fab3/.hnp/manifest.yaml"])
	}
}
