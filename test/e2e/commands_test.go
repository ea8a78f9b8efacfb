package e2e

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

func get(t *testing.T, client *http.Client, address, accept string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", address, response.Status, err)
	}
	return string(body)
}

func TestDemo(t *testing.T) {
	t.Parallel()
	result := programs.Run(t, nil, "demo", "--exit")
	if result.Code != 0 || result.Stderr != "" {
		t.Fatalf("exit %d:\n%s", result.Code, result.Output())
	}
	for _, part := range []string{
		"POST http://127.0.0.1:", "100 % ", "sync.completed", "managed/vpcs/", "managed/switches/", "unmanaged/",
		"completed: commit ",
		"FGD_1001 INVALID_YAML", "FGD_1024 FOREIGN_FILE", "42 records, each seen to be as its file says",
		" by operator: ", "conflict at spec.subnets.default.vlan: it was 1001, Git says 1201, NetBox 1202",
	} {
		if !strings.Contains(result.Stdout, part) {
			t.Errorf("the demonstration does not show %q:\n%s", part, result.Stdout)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, content := range map[string]string{
		"good.yaml": fabric.File(fabric.Documents(40)),
		"bad.yaml": fabric.VPC("a", 1) +
			"---\napiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nmetadata:\n  name: Bad_Name\nspec:\n  subnets: []\n",
		"sub/more.yml":  "kind: [\n",
		"sub/other.txt": "kind: [\n",
		".hnp/log.yaml": "entries: []\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if result := programs.Run(t, nil, "validate", filepath.Join(folder, "good.yaml")); result.Code != 0 ||
		result.Output() != "" {
		t.Errorf("good: exit %d\n%s", result.Code, result.Output())
	}
	result := programs.Run(t, nil, "validate", folder)
	if result.Code != 3 || result.Stderr != "" {
		t.Errorf("exit %d\n%s", result.Code, result.Output())
	}
	for _, part := range []string{
		"bad.yaml:16:3: FGD_1003 VALIDATION_FAILED: metadata.name: ",
		"bad.yaml:18:3: FGD_1004 SCHEMA_MISMATCH: spec.subnets: ",
		"sub/more.yml:", ": FGD_1001 ",
	} {
		if !strings.Contains(result.Stdout, part) {
			t.Errorf("no %q in\n%s", part, result.Stdout)
		}
	}
	for line := range strings.Lines(result.Stdout) {
		if !strings.HasSuffix(line, ".)\n") || strings.Contains(line, "good.yaml") || strings.Contains(line, "other.txt") ||
			strings.Contains(line, "log.yaml") {
			t.Errorf("line %q", line)
		}
	}
	if missing := programs.Run(t, nil, "validate", filepath.Join(folder, "nothing.yaml")); missing.Code != 2 {
		t.Errorf("missing: exit %d\n%s", missing.Code, missing.Output())
	}
}

// TestDryRun shows what would change as a diff that git takes, and changes nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	h := newHost(t, fabric.PreInit(directory))
	args := []string{
		"sync", "--repo", h.url(), "--branch", branch, "--dir", directory,
		"--allow-http", "--allow-network=127.0.0.0/8",
	}
	dry := programs.Run(t, credentials(), append(args, "--dry-run")...)
	if dry.Code != 0 || !strings.Contains(dry.Stdout, "+++ b/managed/vpcs/extra.yaml") ||
		!strings.Contains(dry.Stdout, "none (dry run)") {
		t.Fatalf("exit %d:\n%s", dry.Code, dry.Output())
	}
	h.requireCommits(1)
	work := t.TempDir()
	before := h.Head(t, repository, branch)
	diff, _, _ := strings.Cut(dry.Stdout, "\nstate ")
	patch := filepath.Join(work, "dry.diff")
	if err := os.WriteFile(patch, []byte(diff+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.Git(t, repository, "worktree", "add", "-q", "--detach", filepath.Join(work, "tree"), before)
	h.Git(t, repository, "-C", filepath.Join(work, "tree"), "apply", "--directory", directory, patch)
	foretold := below(read(t, filepath.Join(work, "tree"), ""), directory)
	if wet := programs.Run(t, credentials(), args...); wet.Code != 0 {
		t.Fatalf("exit %d:\n%s", wet.Code, wet.Output())
	}
	happened := below(h.Files(t, repository, branch), directory)
	for path, content := range happened {
		if foretold[path] != content {
			t.Errorf("%s is not as the dry run said", path)
		}
	}
	if len(foretold) != len(happened) {
		t.Errorf("%d files foretold, %d there", len(foretold), len(happened))
	}
}

// TestSharedRedis: two runs of fgd sync over one Redis are two syncs of one fabric.
func TestSharedRedis(t *testing.T) {
	t.Parallel()
	h := newHost(t, fabric.PreInit(directory))
	args := []string{
		"sync", "--repo", h.url(), "--branch", branch, "--dir", directory, "--allow-http", "--allow-network=127.0.0.0/8",
		"-o=json", "--redis", system.Redis(t).URL(),
	}
	first := system.Read[system.Status](t, programs.Run(t, credentials(), args...).Stdout)
	h.requireIngested(first)
	second := system.Read[system.Status](t, programs.Run(t, credentials(), args...).Stdout)
	if second.State != "completed" || second.FabricID != first.FabricID || second.Trigger != "manual" ||
		second.Result.CommitSHA != "" {
		t.Errorf("second: %+v", second)
	}
}
