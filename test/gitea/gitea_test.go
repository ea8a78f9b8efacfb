// Package gitea tries the whole system on a Gitea: a Git host that others wrote, with tokens, deploy keys, protected
// branches and an SSH server of its own. `make test-gitea` builds it.
package gitea

import (
	"encoding/base64"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/sshserver"
)

// built is the folder in which make test-gitea has built a Gitea, with the files that it reads.
var built = flag.String("gitea", "", "the folder of a Gitea, without which there is nothing to test")

const (
	branch    = "main"
	directory = "sites/fabric-1"
)

// trial is a system in front of a Gitea.
type trial struct {
	*gitea
	*system.System
}

// TestGitea: what people commit is taken up over HTTP with a token and over SSH with a deploy key, in one commit a
// sync, and what it refuses has a reason that says how to go on.
func TestGitea(t *testing.T) {
	if *built == "" {
		t.Skip("make test-gitea builds a Gitea and runs this")
	}
	programs, err := system.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	g := start(t, *built)
	r := &trial{gitea: g, System: programs.Up(t, []string{"HEDGEHOG_FGD_SSH_KNOWN_HOSTS_FILE=" + g.knownHosts()})}
	r.create("by-token")
	r.works("by-token", r.url("by-token"), map[string]any{"token": g.token})
	r.create("by-key")
	r.works("by-key", r.sshURL("by-key"), map[string]any{"ssh_private_key": r.deployKey("by-key", false)})
	r.refuses()
}

// works lets a fabric go through what fabrics go through.
func (r *trial) works(name, url string, credentials map[string]any) {
	r.t.Helper()
	r.change(name, fabric.PreInit(directory))
	if connection := r.check(url, credentials); !connection.CanPush || connection.DefaultBranch != branch ||
		len(connection.Problems) != 0 {
		r.t.Errorf("%s: %+v", name, connection)
	}
	id, first := r.register(name, url, credentials, "direct")
	if first.State != "completed" || first.Result.ResourcesTotal != 47 || first.Result.CommitSHA != r.head(name) {
		r.t.Fatalf("%s: %+v; the head is %s", name, first, r.head(name))
	}
	if again := r.sync(id); again.State != "completed" || again.Result.CommitSHA != "" {
		r.t.Errorf("%s: nothing has changed, and %+v", name, again)
	}
	r.change(name, map[string]string{directory + "/raw/more.yaml": fabric.VPC("more", 200)})
	more := r.sync(id)
	if more.State != "completed" || more.Result.FilesCreated != 1 || more.Result.CommitSHA != r.head(name) {
		r.t.Errorf("%s: one more: %+v", name, more)
	}
	if paths := r.paths(name); !slices.Contains(paths, directory+"/managed/vpcs/more.yaml") {
		r.t.Errorf("%s: there are %v", name, paths)
	}
	if n := r.commits(name); n != 5 {
		r.t.Errorf("%s: %d commits", name, n)
	}
}

// refuses holds what the system says when the host does not let it do what it wants to.
func (r *trial) refuses() {
	r.t.Helper()
	r.create("refused")
	r.change("refused", fabric.PreInit(directory))
	token := map[string]any{"token": r.token}
	reading := map[string]any{"ssh_private_key": r.deployKey("refused", true)}
	_, stranger := sshserver.NewKey(r.t)
	for what, c := range map[string]struct {
		url         string
		credentials map[string]any
		codes       []string
	}{
		"a wrong token": {
			r.url("refused"),
			map[string]any{"token": "0123456789012345678901234567890123456789"},
			[]string{"FGD_4002"},
		},
		"no such repository":       {r.url("nowhere"), token, []string{"FGD_4004"}},
		"a key that may only read": {r.sshURL("refused"), reading, []string{"FGD_4002"}},
		"a key of nobody":          {r.sshURL("refused"), map[string]any{"ssh_private_key": stranger}, []string{"FGD_4002"}},
	} {
		if connection := r.check(c.url, c.credentials); connection.CanPush || !slices.Equal(connection.codes(), c.codes) {
			r.t.Errorf("%s: %+v", what, connection)
		}
	}
	r.fails("a key that may only read", r.sshURL("refused"), reading, "direct", "FGD_4002")
	r.fails("a pull request", r.url("refused"), token, "pull_request", "FGD_4017")
	r.create("protected")
	r.change("protected", fabric.PreInit(directory))
	r.call(http.MethodPost, "/repos/"+owner+"/protected/branch_protections",
		map[string]any{"rule_name": branch, "enable_push": false}, nil)
	r.fails("a protected branch", r.url("protected"), token, "direct", "FGD_4021")
	if n := r.commits("refused") + r.commits("protected"); n != 4 {
		r.t.Errorf("%d commits, not the two of people in each", n)
	}
}

// fails registers a fabric whose first sync fails.
func (r *trial) fails(what, url string, credentials map[string]any, mode, code string) {
	r.t.Helper()
	_, ended := r.register(strings.ReplaceAll(what, " ", "-"), url, credentials, mode)
	if ended.State != "failed" || len(ended.Errors) != 1 || ended.Errors[0].Code != code || ended.Errors[0].Remedy == "" {
		r.t.Errorf("%s: %s, %+v", what, ended.State, ended.Errors)
	}
}

func (r *trial) url(name string) string {
	return "http://" + r.http + "/" + owner + "/" + name + ".git"
}

func (r *trial) sshURL(name string) string {
	return "ssh://git@" + r.ssh + "/" + owner + "/" + name + ".git"
}

func (r *trial) register(name, url string, credentials map[string]any, mode string) (id int, first system.Status) {
	r.t.Helper()
	var registered system.Accepted
	r.Call(http.MethodPost, "/api/v1/fabrics", map[string]any{
		"name": name, "repository_url": url, "branch": branch, "gitops_directory": directory, "credentials": credentials,
		"options": map[string]any{"publish_mode": mode},
	}, &registered)
	return registered.Fabric.FabricID, r.Ended(registered.SyncID)
}

func (r *trial) sync(id int) system.Status {
	r.t.Helper()
	var triggered system.Accepted
	r.Call(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", id), map[string]any{}, &triggered)
	return r.Ended(triggered.SyncID)
}

// connection is what the JSON API says of a connection.
type connection struct {
	CanPush       bool   `json:"can_push"`
	DefaultBranch string `json:"default_branch"`
	Problems      []system.Finding
}

func (c connection) codes() (codes []string) {
	for _, problem := range c.Problems {
		codes = append(codes, problem.Code)
	}
	return codes
}

func (r *trial) check(url string, credentials map[string]any) connection {
	r.t.Helper()
	var found connection
	r.Call(http.MethodPost, "/api/v1/connections:check", map[string]any{
		"repository_url": url, "branch": branch, "gitops_directory": directory, "credentials": credentials,
	}, &found)
	return found
}

// create makes a repository with one commit.
func (r *trial) create(name string) {
	r.t.Helper()
	r.call(http.MethodPost, "/user/repos", map[string]any{"name": name, "auto_init": true, "default_branch": branch}, nil)
}

// deployKey returns a new key access to a repository.
func (r *trial) deployKey(name string, readOnly bool) string {
	r.t.Helper()
	signer, private := sshserver.NewKey(r.t)
	r.call(http.MethodPost, "/repos/"+owner+"/"+name+"/keys", map[string]any{
		"title": "fgd", "key": string(ssh.MarshalAuthorizedKey(signer.PublicKey())), "read_only": readOnly,
	}, nil)
	return private
}

// change commits files as people do who use the web.
func (r *trial) change(name string, files map[string]string) {
	r.t.Helper()
	var changes []map[string]string
	for path, content := range files {
		changes = append(changes, map[string]string{
			"operation": "create", "path": path,
			"content": base64.StdEncoding.EncodeToString([]byte(content)),
		})
	}
	r.call(http.MethodPost, "/repos/"+owner+"/"+name+"/contents",
		map[string]any{"branch": branch, "message": "Change files", "files": changes}, nil)
}

func (r *trial) head(name string) string {
	r.t.Helper()
	var found struct {
		Commit struct{ ID string } `json:"commit"`
	}
	r.call(http.MethodGet, "/repos/"+owner+"/"+name+"/branches/"+branch, nil, &found)
	return found.Commit.ID
}

func (r *trial) commits(name string) int {
	r.t.Helper()
	var found []struct{ SHA string }
	r.call(http.MethodGet, "/repos/"+owner+"/"+name+"/commits?sha="+branch, nil, &found)
	return len(found)
}

func (r *trial) paths(name string) (paths []string) {
	r.t.Helper()
	var found struct{ Tree []struct{ Path string } }
	r.call(http.MethodGet, "/repos/"+owner+"/"+name+"/git/trees/"+branch+"?recursive=true&per_page=1000", nil, &found)
	for _, entry := range found.Tree {
		paths = append(paths, entry.Path)
	}
	return paths
}
