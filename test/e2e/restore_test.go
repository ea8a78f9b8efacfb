package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// managedFiles are the contents of managed/.
func (h *host) managedFiles() map[string]string {
	h.t.Helper()
	files := below(h.Files(h.t, repository, branch), directory)
	maps.DeleteFunc(files, func(path, _ string) bool { return !strings.HasPrefix(path, "managed/") })
	return files
}

// commits is the history that the JSON API has.
type commits struct {
	Commits []struct {
		CommitSHA    string `json:"commit_sha"`
		Subject      string `json:"subject"`
		SyncID       string `json:"sync_id"`
		FilesCreated int    `json:"files_created"`
		FilesRemoved int    `json:"files_removed"`
	} `json:"commits"`
	NextPageToken string `json:"next_page_token"`
}

// TestRestoreByUp: an earlier state comes back as one new commit, byte for byte; not when it would take many resources
// away, and not by a dry run.
func TestRestoreByUp(t *testing.T) {
	t.Parallel()
	few := map[string]string{directory + "/raw/few.yaml": fabric.VPC("first", 1) + "---\n" + fabric.VPC("second", 2)}
	h := newHost(t, few)
	before := h.Head(t, repository, branch)
	s := programs.Up(t, nil)
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	first := s.Ended(registered.SyncID)
	was := h.managedFiles()
	var docs []string
	for i := range 15 {
		docs = append(docs, fabric.VPC(fmt.Sprintf("vpc-%02d", i), 10+i))
	}
	h.Commit(t, repository, branch, map[string]string{
		directory + "/raw/many.yaml": fabric.File(docs), directory +
			"/managed/vpcs/first.yaml": strings.Replace(was["managed/vpcs/first.yaml"], "vlan: 2", "vlan: 3", 1),
	})
	run := func(path string, body map[string]any) system.Status {
		t.Helper()
		var triggered system.Accepted
		s.Call(http.MethodPost, "/api/v1/fabrics/1/"+path, body, &triggered)
		return s.Ended(triggered.SyncID)
	}
	if second := run("syncs", map[string]any{}); second.State != "completed" || second.Result.ResourcesTotal != 17 {
		t.Fatalf("second: %+v", second)
	}
	count := h.Commits(t, repository, branch)
	restore := func(commit string, more map[string]any) system.Status {
		t.Helper()
		body := map[string]any{"commit": commit}
		maps.Copy(body, more)
		return run("directory:restore", body)
	}
	for range 2 {
		if got := restore(first.Result.CommitSHA, nil); got.State != "failed" || got.Errors[0].Code != "FGD_3005" ||
			len(got.Errors) != 16 {
			t.Errorf("unforced: %+v", got)
		}
	}
	if got := restore(first.Result.CommitSHA, map[string]any{"validate_only": true}); got.State != "completed" ||
		coded(got.Warnings, "FGD_3005") != 15 || !strings.Contains(s.Diff(got.SyncID), "vlan: 2") {
		t.Errorf("dry: %+v", got)
	}
	if got := restore(before, map[string]any{"force": true}); got.State != "failed" || got.Errors[0].Code != "FGD_4020" ||
		got.Errors[0].Remedy == "" {
		t.Errorf("before the first sync: %+v", got)
	}
	h.requireCommits(count)
	forced := restore(first.Result.CommitSHA, map[string]any{"force": true})
	if forced.State != "completed" || forced.Result.ResourcesTotal != 2 || forced.Result.Counts.Deletes != 15 ||
		!maps.Equal(h.managedFiles(), was) {
		t.Errorf("forced: %+v with %v", forced, h.managedFiles())
	}
	h.requireCommits(count + 1)
	if after := run("syncs", map[string]any{}); after.State != "completed" || after.Result.CommitSHA != "" {
		t.Errorf("after: %+v", after)
	}
	h.requireHistory(s, forced, count)
}

// requireHistory asks what the API says of all that.
func (h *host) requireHistory(s *system.System, restored system.Status, count int) {
	h.t.Helper()
	var page, rest commits
	s.Call(http.MethodGet, "/api/v1/fabrics/1/commits?limit=1", nil, &page)
	if c := page.Commits[0]; c.CommitSHA != restored.Result.CommitSHA || c.SyncID != restored.SyncID ||
		c.FilesRemoved != 15 || !strings.Contains(c.Subject, "restore managed as of") {
		h.t.Errorf("newest: %+v", c)
	}
	s.Call(http.MethodGet, "/api/v1/fabrics/1/commits?page_token="+page.NextPageToken, nil, &rest)
	if len(rest.Commits) != count {
		h.t.Errorf("%d older commits, not %d", len(rest.Commits), count)
	}
	var diff struct {
		FilesCreated int    `json:"files_created"`
		Diff         string `json:"diff"`
	}
	s.Call(http.MethodGet, fmt.Sprintf("/api/v1/fabrics/1/directory:diff?from=%s&to=%s&path=managed",
		restored.Result.CommitSHA, rest.Commits[0].CommitSHA), nil, &diff)
	if diff.FilesCreated != 15 || !strings.Contains(diff.Diff, "managed/vpcs/vpc-00.yaml") {
		h.t.Errorf("%+v", diff)
	}
	var files struct {
		Total int `json:"total"`
	}
	s.Call(http.MethodGet, "/api/v1/fabrics/1/files?directory=managed/vpcs&file_type=yaml&commit="+rest.Commits[0].CommitSHA, nil, &files)
	if files.Total != 17 {
		h.t.Errorf("%d files before", files.Total)
	}
}

// TestRestoreCommands: a person looks at the history, compares, and brings a file back.
func TestRestoreCommands(t *testing.T) {
	t.Parallel()
	h := newHost(t, map[string]string{directory + "/raw/a.yaml": fabric.VPC("a", 1) + "---\n" + fabric.VPC("b", 2)})
	before := h.Head(t, repository, branch)
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
	run(0, "sync")
	first, was := h.Head(t, repository, branch), h.managedFiles()
	changed := strings.Replace(was["managed/vpcs/a.yaml"], "vlan: 2", "vlan: 3", 1)
	last := h.Commit(t, repository, branch, map[string]string{
		directory + "/managed/vpcs/a.yaml": changed,
		"elsewhere/x":                      "1\n",
	})
	h.Commit(t, repository, branch, map[string]string{"elsewhere/x": "2\n"})

	if history := run(0, "history"); strings.Count(history, "commit ") != 3 ||
		!strings.Contains(history, "files   0 created, 1 updated, 0 removed") ||
		!strings.Contains(history, last) || !strings.Contains(history, "sync ") ||
		!strings.Contains(history, "Tester <tester@example.com>") {
		t.Errorf("history:\n%s", history)
	}
	if one := run(0, "history", "managed/vpcs/b.yaml"); strings.Count(one, "commit ") != 1 ||
		!strings.Contains(one, first) {
		t.Errorf("history of a file:\n%s", one)
	}
	if limited := run(0, "history", "--limit", "1", "-o=json"); !strings.Contains(limited, last) ||
		!strings.Contains(limited, "--page-token ") || strings.Contains(limited, first+`"`+",\n      \"author") {
		t.Errorf("history as JSON:\n%s", limited)
	}
	if diff := run(0, "diff", first); !strings.Contains(diff, "-      vlan: 2\n+      vlan: 3\n") ||
		!strings.Contains(diff, "files: 0 created, 1 updated, 0 removed") || strings.Contains(diff, "elsewhere") {
		t.Errorf("diff:\n%s", diff)
	}
	run(2, "diff")
	run(2, "diff", "main")
	run(2, "restore")
	run(2, "restore", "--commit", "main")
	run(2, "restore", "--as-of", "yesterday")
	if said := run(1, "restore", "--commit", before); !strings.Contains(said, "FGD_4020") {
		t.Errorf("before the first sync:\n%s", said)
	}
	count := h.Commits(t, repository, branch)
	if dry := run(0, "restore", "managed/vpcs/a.yaml", "--commit", first, "--dry-run"); !strings.Contains(dry,
		"+      vlan: 2\n") {
		t.Errorf("dry:\n%s", dry)
	}
	h.requireCommits(count)
	run(0, "restore", "managed/vpcs/a.yaml", "--commit", first)
	h.requireCommits(count + 1)
	if !maps.Equal(h.managedFiles(), was) {
		t.Errorf("restored: %v, not %v", h.managedFiles(), was)
	}
	if said := run(1, "restore", "--as-of", "2001-01-01"); !strings.Contains(said, "FGD_4013") {
		t.Errorf("before the beginning:\n%s", said)
	}
}

// TestAPathThatNeverWas: it is not found, and what it may mean is named; what was deleted has its history.
func TestAPathThatNeverWas(t *testing.T) {
	t.Parallel()
	h := newHost(t, map[string]string{directory + "/raw/few.yaml": fabric.VPC("first", 1)})
	s := programs.Up(t, nil)
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	s.Ended(registered.SyncID)
	base := h.Head(t, repository, branch)
	const api = "/api/v1/fabrics/1/"
	for _, path := range []string{"commits?path=", "directory:diff?from=" + base + "&path=", "files?directory="} {
		for written, meant := range map[string]string{
			"managed/vpc/first.yaml": "managed/vpcs/first.yaml", directory + "/managed/vpcs": "managed/vpcs", "nope": "",
		} {
			var answer struct {
				Error struct {
					Code    string            `json:"code"`
					Details map[string]string `json:"details"`
				} `json:"error"`
			}
			status, body := s.Try(http.MethodGet, api+path+written, nil)
			if err := json.Unmarshal(body, &answer); err != nil {
				t.Fatal(err)
			}
			if status != http.StatusNotFound || answer.Error.Code != "FGD_2030" || answer.Error.Details["meant"] != meant {
				t.Errorf("%s%s: %d %+v", path, written, status, answer.Error)
			}
		}
		// raw/few.yaml became managed/vpcs/first.yaml
		if status, _ := s.Try(http.MethodGet, api+path+"raw/few.yaml", nil); status != http.StatusOK {
			t.Errorf("%sraw/few.yaml: %d", path, status)
		}
	}
}
