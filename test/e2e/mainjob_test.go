package e2e

import (
	"net/http"
	"path/filepath"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

const (
	username  = "robot"
	password  = "a-password-nobody-guesses"
	branch    = "main"
	directory = "gitops/hedgehog/fabric-1"

	// fabricPath is where the fabric is that tests give the number 35.
	fabricPath = "/api/v1/fabrics/35"
	// shortLease lets others take over soon.
	shortLease = "HEDGEHOG_FGD_LOCK_LEASE=3s"
)

// preInits are the directories for which the project exists: the one of these tests, and the one that somebody had.
func preInits() map[string]func(t *testing.T) map[string]string {
	return map[string]func(t *testing.T) map[string]string{
		"own": func(*testing.T) map[string]string { return fabric.PreInit(directory) },
		"corpus": func(t *testing.T) map[string]string {
			return read(t, filepath.Join(system.Shared(t, "corpus"), "cases", "gitops-test-1--pre-init-735989ad", "tree"), "")
		},
	}
}

// host is a Git host with one repository.
type host struct {
	*gitserver.Server
	t      *testing.T
	before map[string]string
}

const repository = "fabrics.git"

func newHost(t *testing.T, files map[string]string) *host {
	t.Helper()
	server := gitserver.Start(t, gitserver.Options{User: username, Password: password})
	server.Create(t, repository, branch, files)
	return &host{server, t, files}
}

func (h *host) url() string { return h.URL(repository) }

// credentials are the environment that fgd sync takes them from.
func credentials() []string {
	return []string{"HEDGEHOG_FGD_GIT_USERNAME=" + username, "HEDGEHOG_FGD_GIT_PASSWORD=" + password}
}

func (h *host) fabric() map[string]any {
	return map[string]any{
		"name": "fabric-1", "repository_url": h.url(), "branch": branch, "gitops_directory": directory,
		"credentials": map[string]any{"username": username, "password": password},
	}
}

// requireIngested holds what a first sync of the 48 documents makes, and that it made one commit.
func (h *host) requireIngested(status system.Status) {
	h.t.Helper()
	if status.State != "completed" || status.Result.ResourcesTotal != 47 || status.Result.FilesQuarantined != 0 ||
		len(status.Errors) != 0 {
		h.t.Errorf("status: %+v", status)
	}
	after := below(h.Files(h.t, repository, branch), directory)
	if n := managed(after); n != 47 {
		h.t.Errorf("%d managed files, not 47", n)
	}
	requireClean(h.t, after)
	requireNothingLost(h.t, below(h.before, directory), after)
	h.requireCommits(2)
	h.RequireSound(h.t, repository)
}

func (h *host) requireCommits(n int) {
	h.t.Helper()
	if got := h.Commits(h.t, repository, branch); got != n {
		h.t.Errorf("%d commits, not %d", got, n)
	}
}

func TestMainJobBySync(t *testing.T) {
	t.Parallel()
	for name, files := range preInits() {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, files(t))
			args := []string{
				"sync", "--repo", h.url(), "--branch", branch, "--dir", directory, "--allow-http", "--allow-network=127.0.0.0/8",
				"-o=json",
			}
			first := programs.Run(t, credentials(), args...)
			if first.Code != 0 {
				t.Fatalf("exit %d:\n%s", first.Code, first.Output())
			}
			h.requireIngested(system.Read[system.Status](t, first.Stdout))
			again := programs.Run(t, credentials(), args...)
			if status := system.Read[system.Status](t, again.Stdout); again.Code != 0 || status.Result.CommitSHA != "" {
				t.Errorf("again: exit %d\n%s", again.Code, again.Output())
			}
			h.requireCommits(2)
		})
	}
}

func TestMainJobByUp(t *testing.T) {
	t.Parallel()
	for name, files := range preInits() {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, files(t))
			h.requireMainJob(programs.Up(t, nil))
		})
	}
}

func TestMainJobByFiveProcesses(t *testing.T) {
	t.Parallel()
	for name, files := range preInits() {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, files(t))
			h.requireMainJob(programs.Five(t, system.Redis(t).URL(), nil))
		})
	}
}

func TestMainJobByTenProcesses(t *testing.T) {
	t.Parallel()
	h := newHost(t, fabric.PreInit(directory))
	h.requireMainJob(programs.Ten(t, system.Redis(t).URL(), nil))
}

// requireMainJob registers the fabric over the JSON API, which starts its first sync, and syncs again.
func (h *host) requireMainJob(s *system.System) {
	h.t.Helper()
	var registered, triggered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	first := s.Ended(registered.SyncID)
	if first.Trigger != "fabric_created" {
		h.t.Errorf("the first sync was triggered by %q", first.Trigger)
	}
	h.requireIngested(first)
	s.Call(http.MethodPost, "/api/plugins/hedgehog/fabrics/1/gitops-sync/", map[string]any{"trigger": "manual"},
		&triggered)
	if again := s.Ended(triggered.SyncID); again.State != "completed" || again.Result.CommitSHA != "" ||
		again.Trigger != "manual" {
		h.t.Errorf("again: %+v", again)
	}
	h.requireCommits(2)
	var history struct {
		Syncs []system.Status `json:"syncs"`
	}
	s.Call(http.MethodGet, "/api/v1/fabrics/1/syncs", nil, &history)
	if len(history.Syncs) != 2 || history.Syncs[0].SyncID != triggered.SyncID {
		h.t.Errorf("history: %+v", history)
	}
}
