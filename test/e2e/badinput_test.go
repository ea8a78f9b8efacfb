package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// TestBadInput calls fgd sync wrongly, or on repositories that are not as they should be. Each call ends with its code
// and a remedy, and changes nothing.
func TestBadInput(t *testing.T) {
	t.Parallel()
	h := newHost(t, fabric.PreInit(directory))
	h.CreateEmpty(t, "empty.git")
	misspelt := filepath.Join(t.TempDir(), "fgd.yaml")
	if err := os.WriteFile(misspelt, []byte("sync_attempt: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	repo := func(url string, more ...string) []string {
		return append([]string{
			"--repo", url, "--branch", branch, "--dir", directory,
			"--allow-http", "--allow-network=127.0.0.0/8",
		}, more...)
	}
	for name, test := range map[string]struct {
		args []string
		env  []string
		exit int
		code string
	}{
		"unreachable remote": {
			args: repo("http://" + system.FreeAddress(t) + "/x.git"), exit: 1,
			code: "FGD_4001 GITHUB_CONNECTION_FAILED",
		},
		"no such host":   {args: repo("https://host.invalid/x.git"), exit: 1, code: "FGD_4001 GITHUB_CONNECTION_FAILED"},
		"no credentials": {args: repo(h.url()), env: []string{}, exit: 1, code: "FGD_4002 GITHUB_AUTHENTICATION_FAILED"},
		"wrong credentials": {args: repo(h.url()), env: []string{
			"HEDGEHOG_FGD_GIT_USERNAME=robot",
			"HEDGEHOG_FGD_GIT_PASSWORD=mistyped",
		}, exit: 1, code: "FGD_4002 GITHUB_AUTHENTICATION_FAILED"},
		"half credentials": {
			args: repo(h.url()), env: []string{"HEDGEHOG_FGD_GIT_USERNAME=robot"}, exit: 2,
			code: "FGD_1010 INVALID_REQUEST",
		},
		"no repository":    {args: repo(h.URL("other.git")), exit: 1, code: "FGD_4004 GITHUB_NOT_FOUND"},
		"no path":          {args: repo("/nonexistent/x.git"), exit: 2, code: "FGD_4004 GITHUB_NOT_FOUND"},
		"missing branch":   {args: repo(h.url(), "--branch", "other"), exit: 1, code: "FGD_4006 BRANCH_NOT_FOUND"},
		"empty repository": {args: repo(h.URL("empty.git")), exit: 1, code: "FGD_4005 REPOSITORY_EMPTY"},
		"outside":          {args: repo(h.url(), "--dir", "../elsewhere"), exit: 2, code: "FGD_2007 DIRECTORY_INVALID"},
		"inside .git":      {args: repo(h.url(), "--dir", "a/.git/b"), exit: 2, code: "FGD_2007 DIRECTORY_INVALID"},
		"a file":           {args: repo(h.url(), "--dir", directory+"/prepop.yaml"), exit: 1, code: "FGD_20"},
		"credentials in URL": {
			args: repo(strings.Replace(h.url(), "http://", "http://robot:secret@", 1)), exit: 2,
			code: "FGD_4009 REMOTE_REFUSED",
		},
		"http not allowed": {
			args: []string{"--repo", "http://git.example.com/x.git", "--dir", directory}, exit: 2,
			code: "FGD_4009 REMOTE_REFUSED",
		},
		"private not allowed": {
			args: []string{"--repo", "https://127.0.0.1/x.git", "--dir", directory}, exit: 1,
			code: "FGD_4009 REMOTE_REFUSED",
		},
		"Redis away": {
			args: repo(h.url(), "--redis", "redis://"+system.FreeAddress(t)+"/0"), exit: 1,
			code: "FGD_5003 REDIS_CONNECTION_FAILED",
		},
		"no Redis URL": {args: repo(h.url(), "--redis", "localhost"), exit: 2, code: "FGD_5007 CONFIGURATION_INVALID"},
		"no CRDs": {
			args: repo(h.url(), "--crds", "/nonexistent"), exit: 2,
			code: "FGD_5007 CONFIGURATION_INVALID",
		},
		"no configuration": {
			args: repo(h.url(), "--config", "/nonexistent.yaml"), exit: 2,
			code: "FGD_5007 CONFIGURATION_INVALID",
		},
		"bad setting": {
			args: repo(h.url()), env: []string{"HEDGEHOG_FGD_SYNC_ATTEMPTS=many"}, exit: 2,
			code: "FGD_5007 CONFIGURATION_INVALID",
		},
		"unknown setting": {args: repo(h.url(), "--config", misspelt), exit: 2, code: "sync_attempt"},
	} {
		t.Run(name, func(t *testing.T) {
			env := test.env
			if env == nil {
				env = credentials()
			}
			result := programs.Run(t, env, append([]string{"sync"}, test.args...)...)
			if result.Code != test.exit || !strings.Contains(result.Output(), test.code) {
				t.Errorf("exit %d, not %d with %s:\n%s", result.Code, test.exit, test.code, result.Output())
			}
			if strings.Contains(result.Output(), "panic") || strings.Contains(result.Output(), "secret") ||
				strings.Contains(result.Output(), "mistyped") {
				t.Errorf("output: %s", result.Output())
			}
			if !strings.Contains(result.Stderr, "remedy: ") && !strings.Contains(result.Stdout, ".)\n") {
				t.Errorf("no remedy:\n%s", result.Output())
			}
		})
	}
	h.requireCommits(1)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"no repository":   {"sync"},
		"unknown command": {"snyc"},
		"unknown flag":    {"sync", "--repo", "x", "--depth", "1"},
		"stray argument":  {"up", "now"},
		"no path":         {"validate"},
	} {
		t.Run(name, func(t *testing.T) {
			if result := programs.Run(t, nil, args...); result.Code != 2 || result.Stderr == "" {
				t.Errorf("exit %d:\n%s", result.Code, result.Output())
			}
		})
	}
}

// TestQuarantine syncs a directory in which much is wrong: the good is ingested, each bad part is kept with its reason.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	before := map[string]string{
		directory + "/raw/good.yaml": fabric.VPC("good", 1),
		directory + "/raw/half.yaml": fabric.VPC("better", 2) + "---\nkind: VPC\n  name: [\n",
		directory + "/raw/unknown.yaml": "apiVersion: wiring.githedgehog.com/v1beta1\nkind: Router\nmetadata:\n  name: " +
			"r\n",
		directory + "/raw/deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d\n",
		directory + "/raw/binary.yaml":     "\x00\x01\x02",
		directory + "/raw/empty.yaml":      "# nothing\n",
		directory + "/raw/huge.yaml":       "a: " + strings.Repeat("x", 50<<20) + "\n",
		directory + "/raw/notes.txt":       "remember\n",
		"elsewhere/raw/not-mine.yaml":      fabric.VPC("other", 3),
	}
	h := newHost(t, before)
	result := programs.Run(t, credentials(), "sync", "--repo", h.url(), "--branch", branch, "--dir", directory,
		"--allow-http", "--allow-network=127.0.0.0/8", "-o=json")
	status := system.Read[system.Status](t, result.Stdout)
	if result.Code != 3 || status.State != "completed" || status.Result.ResourcesTotal != 2 ||
		status.Result.FilesQuarantined != 7 {
		t.Errorf("exit %d: %+v", result.Code, status)
	}
	after := h.Files(t, repository, branch)
	requireNothingLost(t, below(before, directory), below(after, directory))
	requireClean(t, below(after, directory))
	for file, code := range map[string]string{
		"unmanaged/half.doc-1.yaml": "FGD_1001", "unmanaged/unknown.yaml": "FGD_1002",
		"unmanaged/deployment.yaml": "FGD_1002",
		"unmanaged/huge.yaml":       "FGD_1006", "unmanaged/notes.txt": "FGD_10",
	} {
		if after[directory+"/"+file] == "" {
			t.Errorf("%s is not there", file)
		}
		_, entry, _ := strings.Cut(after[directory+"/.hnp/unmanaged-log.yaml"], `path: "`+file+`"`)
		if entry, _, _ = strings.Cut(entry, "\n"); !strings.Contains(entry, "code: "+code) {
			t.Errorf("the log does not say %s of %s:\n%s", code, file, after[directory+"/.hnp/unmanaged-log.yaml"])
		}
	}
	for _, finding := range status.Errors {
		if finding.Code == "" || finding.Message == "" || finding.Remedy == "" || finding.File == "" {
			t.Errorf("finding without a part: %+v", finding)
		}
	}
	if after["elsewhere/raw/not-mine.yaml"] != before["elsewhere/raw/not-mine.yaml"] {
		t.Error("a file outside the directory has changed")
	}
	h.requireCommits(2)
	h.RequireSound(t, repository)
}

// TestMissingDirectory is initialised, unless the fabric says no.
func TestMissingDirectory(t *testing.T) {
	t.Parallel()
	h := newHost(t, map[string]string{"README.md": "# Fabrics\n"})
	s := programs.Up(t, nil)
	refusing := h.fabric()
	refusing["options"] = map[string]any{"auto_initialize": false}
	var registered, again system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", refusing, &registered)
	refused := s.Ended(registered.SyncID)
	if refused.State != "failed" || len(refused.Errors) != 1 || refused.Errors[0].Code != "FGD_2001" ||
		refused.Errors[0].Remedy == "" {
		t.Errorf("refused: %+v", refused)
	}
	h.requireCommits(1)
	s.Call(http.MethodPatch, "/api/v1/fabrics/1", map[string]any{"options": map[string]any{"auto_initialize": true}},
		&map[string]any{})
	s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &again)
	if status := s.Ended(again.SyncID); status.State != "completed" || status.Result.CommitSHA == "" {
		t.Errorf("initialised: %+v", status)
	}
	after := below(h.Files(t, repository, branch), directory)
	for _, path := range []string{"raw/.gitkeep", "unmanaged/.gitkeep", "managed/vpcs/.gitkeep", ".hnp/manifest.yaml"} {
		if _, there := after[path]; !there {
			t.Errorf("%s is not there", path)
		}
	}
	h.requireCommits(2)
}

// TestBadRequests holds the JSON API to the contract's errors.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	h := newHost(t, fabric.PreInit(directory))
	s := programs.Up(t, nil)
	with := func(key string, value any) map[string]any {
		body := h.fabric()
		body[key] = value
		return body
	}
	for name, test := range map[string]struct {
		method, path string
		body         any
		status       int
		code         string
	}{
		"outside the repository": {http.MethodPost, "/api/v1/fabrics", with("gitops_directory", "../x"), 400, "FGD_2007"},
		"credentials in the URL": {
			http.MethodPost, "/api/v1/fabrics",
			with("repository_url", "https://u:secret@example.com/x.git"), 400, "FGD_4009",
		},
		"file": {
			http.MethodPost, "/api/v1/fabrics", with("repository_url", "file:///etc"), 400,
			"FGD_4009",
		},
		"unknown field":  {http.MethodPost, "/api/v1/fabrics", with("repo", "x"), 400, "FGD_"},
		"no such fabric": {http.MethodGet, "/api/v1/fabrics/99", nil, 404, "FGD_"},
		"no such sync": {
			http.MethodGet, "/api/sync-status/0190b3c6-0000-8000-8000-000000000001/", nil, 404,
			"FGD_",
		},
		"no sync id":   {http.MethodGet, "/api/sync-status/x/", nil, 404, "FGD_"},
		"no such path": {http.MethodGet, "/api/v2/fabrics", nil, 404, "FGD_"},
	} {
		t.Run(name, func(t *testing.T) {
			code, raw := s.Try(test.method, test.path, test.body)
			problem := system.Read[system.Problem](t, string(raw)).Error
			if code != test.status || !strings.HasPrefix(problem.Code, test.code) || problem.Remedy == "" ||
				problem.CorrelationID == "" || problem.Message == "" {
				t.Errorf("%d %s", code, raw)
			}
			if strings.Contains(string(raw), "secret") {
				t.Errorf("the answer has a secret: %s", raw)
			}
		})
	}
	h.requireCommits(1)
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	taken := strings.TrimPrefix(gitserver.Start(t, gitserver.Options{}).URL(""), "http://")
	taken = strings.TrimRight(taken, "/")
	for _, flag := range []string{"--http", "--grpc"} {
		other := map[string]string{"--http": "--grpc", "--grpc": "--http"}[flag]
		result := programs.Run(t, nil, "up", "--data", t.TempDir(), flag, taken, other, "127.0.0.1:0")
		if result.Code != 1 || !strings.Contains(result.Stderr, "FGD_5006 LISTEN_FAILED: "+flag) ||
			!strings.Contains(result.Stderr, "remedy: ") {
			t.Errorf("%s: exit %d:\n%s", flag, result.Code, result.Output())
		}
	}
}
