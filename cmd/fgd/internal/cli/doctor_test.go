package cli_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/cmd/fgd/internal/doctor"
	"fgdsync.dev/testkit/gitserver"
)

// namespace is a document of a program that writes when it ran.
func namespace(name, at, subnet string) string {
	return "# Generated: " + at + "\napiVersion: vpc.githedgehog.com/v1beta1\nkind: IPv4Namespace\nmetadata:\n  name: " +
		name +
		"\n  annotations:\n    example.com/synced: '" + at + "'\nspec:\n  subnets: [" + subnet + "]\n"
}

// unwell makes a repository with everything that there is to find, in ten commits on its directory f.
func unwell(t *testing.T) *gitserver.Server {
	t.Helper()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{
		"f/raw/a.yaml": namespace("a", "2026-01-01T00:00:00Z", "10.0.0.0/16"),
		"f/raw/b.yaml": namespace("b", "2026-01-01T00:00:00Z", "10.1.0.0/16"),
		"f/README.md":  "# f\n", "other.txt": "o\n",
	})
	for day := 2; day <= 4; day++ {
		at := fmt.Sprintf("2026-01-0%dT00:00:00Z", day)
		host.Commit(t, "r.git", "main", map[string]string{
			"f/raw/a.yaml": namespace("a", at, "10.0.0.0/16"), "f/raw/b.yaml": namespace("b", at, "10.1.0.0/16"),
		})
	}
	host.Commit(t, "r.git", "main", map[string]string{"f/raw/a.yaml": "# mended\n" +
		namespace("a", "2026-01-04T00:00:00Z", "10.0.0.0/16")})
	host.Commit(t, "r.git", "main", map[string]string{"f/raw/a.yaml": namespace("a", "2026-01-05T00:00:00Z",
		"10.2.0.0/16")})
	host.Commit(t, "r.git", "main", map[string]string{"f/README.md": "# of all\n"})
	host.Commit(t, "r.git", "main", map[string]string{"other.txt": "elsewhere\n"})
	for range 2 {
		host.Commit(t, "r.git", "main", map[string]string{"f/README.md": "# of all\n\n" + host.Head(t, "r.git", "main")})
		rename(t, host, "Sync "+host.Head(t, "r.git", "main")[:9]+"a1 at 2026-01-05 10:00:00 UTC")
	}
	host.Commit(t, "r.git", "main", map[string]string{
		"f/raw/twice.yaml": namespace("a", "2026-01-05T00:00:00Z", "10.3.0.0/16"), "f/raw/bad.yaml": "kind: [\n",
		"f/raw/old.yaml": strings.Replace(namespace("c", "2026-01-05T00:00:00Z", "10.4.0.0/16"), "v1beta1",
			"v1alpha2", 1),
		"f/unmanaged/earlier.yaml": "kind: [\n",
	})
	return host
}

// rename gives the last commit another subject.
func rename(t *testing.T, host *gitserver.Server, subject string) {
	t.Helper()
	commit := strings.TrimSpace(host.Git(t, "r.git", "-c", "user.name=u", "-c", "user.email=u@example.com", "commit-tree",
		"-p", "main~1", "-m", subject, "main^{tree}"))
	host.Git(t, "r.git", "update-ref", "refs/heads/main", commit)
}

func examined(t *testing.T, code int, args ...string) *doctor.Report {
	t.Helper()
	got, stdout, stderr := run(t.Context(), t, append([]string{"doctor", "-o=json"}, args...)...)
	if got != code || stderr != "" {
		t.Fatalf("exit %d, not %d\n%s%s", got, code, stdout, stderr)
	}
	var report doctor.Report
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	return &report
}

// TestDoctor: figures that were counted by hand.
func TestDoctor(t *testing.T) {
	t.Parallel()
	host := unwell(t)
	before := contents(t, host.Path("r.git"))
	r := examined(t, 3, "--repo", host.URL("r.git"), "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8")
	h := r.History
	if h.Commits != 10 || h.TimesOnly != 3 || h.TextOnly != 1 || h.Truncated {
		t.Errorf("%d commits, %d of times, %d of text, truncated %t", h.Commits, h.TimesOnly, h.TextOnly, h.Truncated)
	}
	if f := h.Families; len(f) != 2 || f[0].Subject != "files" || f[0].Commits != 8 || f[0].WithoutMeaning != 4 ||
		f[1].Subject != "Sync <id> at <time>" || f[1].Commits != 2 {
		t.Errorf("families: %+v", f)
	}
	if h.Rewrites != 8 || h.RewritesWithoutMeaning != 7 || h.RewrittenTotal != 2 ||
		h.Rewritten[0] != (doctor.Rewritten{Path: "raw/a.yaml", Rewrites: 5, WithoutMeaning: 4}) {
		t.Errorf("rewrites: %d, %d without meaning, of %+v", h.Rewrites, h.RewritesWithoutMeaning, h.Rewritten)
	}
	if head := r.Head; head.Files != 5 || head.Documents != 4 || head.InvalidFiles != 1 || len(head.Duplicates) != 1 ||
		len(head.Mixed) != 1 {
		t.Errorf("head: %+v", head)
	} else if d := head.Duplicates[0]; d.Name != "a" || strings.Join(d.Files, " ") != "raw/a.yaml raw/twice.yaml" ||
		head.Mixed[0].Versions["v1beta1"] != 3 || head.Mixed[0].Versions["v1alpha2"] != 1 {
		t.Errorf("head: %+v", head)
	}
	if r.Sync.State != "completed" || r.Sync.Creates != 2 || r.Sync.Quarantines != 3 || len(r.Findings) != 8 ||
		r.Head.Quarantined != 1 {
		t.Errorf("sync %+v, findings %+v", r.Sync, r.Findings)
	}
	if host.Requests(gitserver.Receive) != 0 || contents(t, host.Path("r.git")) != before {
		t.Error("the repository was changed")
	}
}

// TestDoctorOfALocalRepository: nothing in it is changed either, and the text has what JSON has.
func TestDoctorOfALocalRepository(t *testing.T) {
	t.Parallel()
	host := unwell(t)
	path := host.Path("r.git")
	before := contents(t, path)
	code, stdout, stderr := run(t.Context(), t, "doctor", "--repo", path, "--dir", "f")
	if code != 3 || stderr != "" {
		t.Errorf("exit %d\n%s", code, stderr)
	}
	for _, part := range []string{
		"only times      3 (30 %)", "only comments   1 (10 %)", "4 of 5: raw/a.yaml",
		"IPv4Namespace default/a: raw/a.yaml, raw/twice.yaml",
		"IPv4Namespace: 1 v1alpha2, 3 v1beta1", "FGD_1001 in 1 file, for example raw/bad.yaml:",
		"2 created, 0 updated, 0 moved, 3 quarantined",
		"1. 3 of 10 commits (30 %) change nothing but times.\n", "\n   FGD Sync: ",
	} {
		if !strings.Contains(stdout, part) {
			t.Errorf("no %q in\n%s", part, stdout)
		}
	}
	if contents(t, path) != before {
		t.Error("the repository was changed")
	}
}

// contents is all files of a folder with their contents and modes.
func contents(t *testing.T, folder string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s %s %x\n", path, entry.Type(), content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestDoctorExitCodes: nothing noteworthy in a directory that a sync has put in order, a repository that is not there,
// and calls that are wrong.
func TestDoctorExitCodes(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	location := []string{"--repo", host.URL("r.git"), "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8"}
	if code, stdout, stderr := run(t.Context(), t, append([]string{"sync"}, location...)...); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	if r := examined(t, 0, location...); r.History.Commits != 2 || r.Head.Files != 1 || len(r.Findings) != 0 {
		t.Errorf("%+v", r)
	}
	for name, want := range map[string]struct {
		code int
		args []string
	}{
		"no repository":      {2, nil},
		"an argument":        {2, append(location, "more")},
		"a Redis":            {2, append(location, "--redis", "redis://127.0.0.1:1/0")},
		"a refused URL":      {2, []string{"--repo", "http://127.0.0.1:1/x.git"}},
		"nothing is there":   {1, append(location[:len(location):len(location)], "--repo", host.URL("none.git"))},
		"no directory named": {2, []string{"--repo", host.URL("r.git"), "--allow-http", "--allow-network=127.0.0.0/8"}},
		"no such directory":  {1, append(location, "--dir", "g")},
		"no such branch":     {1, append(location, "--branch", "none")},
	} {
		if code, stdout, stderr := run(t.Context(), t, append([]string{"doctor"}, want.args...)...); code != want.code ||
			stderr == "" || stdout != "" {
			t.Errorf("%s: exit %d, not %d\n%s%s", name, code, want.code, stdout, stderr)
		}
	}
}
