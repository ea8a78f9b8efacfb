package e2e

import (
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/githubserver"
	"fgdsync.dev/testkit/gitserver"
)

// proposed is what the JSON API says of a pull request, of a sync or of a fabric.
type proposed struct {
	PullRequest struct {
		Number      int32  `json:"number"`
		State       string `json:"state"`
		Branch      string `json:"branch"`
		HeadCommit  string `json:"head_commit"`
		MergeCommit string `json:"merge_commit"`
	} `json:"pull_request"`
}

const owned, hubToken = "octo/fabrics.git", "ghp_a-token-nobody-guesses"

// newHub starts a Git host that has pull requests, with one repository.
func newHub(t *testing.T, files map[string]string) (*gitserver.Server, *githubserver.Server) {
	t.Helper()
	var host *gitserver.Server
	api := githubserver.Start(t, githubserver.Options{
		Owner: "octo", Name: "fabrics", Tokens: []string{hubToken},
		Head: func(branch string) string {
			return strings.TrimSpace(host.Git(t, owned, "for-each-ref", "--format=%(objectname)", "refs/heads/"+branch))
		},
	})
	host = gitserver.Start(t, gitserver.Options{Accepts: api.Accepts})
	host.Create(t, owned, branch, files)
	return host, api
}

// hubs is the environment that says where the API of the host is.
func hubs(host *gitserver.Server, api *githubserver.Server) string {
	return "HEDGEHOG_FGD_GITHUB_HOSTS=" + host.Address() + "=" + api.URL()
}

// proposing is a fabric there that publishes by pull requests.
func proposing(host *gitserver.Server) map[string]any {
	return map[string]any{
		"name": "fabric-1", "repository_url": host.URL(owned), "branch": branch, "gitops_directory": directory,
		"credentials": map[string]any{"token": hubToken}, "options": map[string]any{"publish_mode": "pull_request"},
	}
}

// merge merges a pull request whose branch follows the target.
func merge(t *testing.T, host *gitserver.Server, api *githubserver.Server, pull proposed) {
	t.Helper()
	host.Git(t, owned, "update-ref", "refs/heads/"+branch, pull.PullRequest.Branch)
	api.Merge(t, pull.PullRequest.Number, host.Head(t, owned, branch))
}

// TestProposalByUp: a fabric whose directory was there before is proposed as one pull request with its report. Until
// somebody merges it the branch stays as it is and the next sync comes to the same; after the merge everything is in
// the index.
func TestProposalByUp(t *testing.T) {
	t.Parallel()
	host, api := newHub(t, fabric.PreInit(directory))
	s := programs.Up(t, []string{hubs(host, api)})
	var registered, triggered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", proposing(host), &registered)
	first := s.Ended(registered.SyncID)
	if first.State != "completed" || first.Result.ResourcesTotal != 47 || host.Commits(t, owned, branch) != 1 {
		t.Fatalf("proposed: %+v, %d commits", first, host.Commits(t, owned, branch))
	}
	var shown proposed
	s.Call(http.MethodGet, "/api/v1/fabrics/1", nil, &shown)
	pull := shown.PullRequest
	if pull.State != "open" || pull.Branch != "fgd/fabric-1-1/"+registered.SyncID ||
		pull.HeadCommit != first.Result.CommitSHA {
		t.Errorf("the fabric's pull request: %+v", pull)
	}
	if title, body := api.Text(pull.Number); !strings.Contains(title, "fabric-1") ||
		!strings.Contains(body, registered.SyncID) || !strings.Contains(body, "| create |") {
		t.Errorf("%s\n%s", title, body)
	}
	s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{"options": map[string]any{"force_refresh": true}},
		&triggered)
	if again := s.Ended(triggered.SyncID); again.State != "completed" || again.Result.CommitSHA != "" ||
		host.Commits(t, owned, pull.Branch) != 2 {
		t.Errorf("the same again: %+v, %d commits", again, host.Commits(t, owned, pull.Branch))
	}
	merge(t, host, api, shown)
	s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &triggered)
	merged := s.Ended(triggered.SyncID)
	s.Call(http.MethodGet, "/api/v1/fabrics/1", nil, &shown)
	if merged.State != "completed" || merged.Result.CommitSHA != "" || merged.Result.ResourcesTotal != 47 ||
		shown.PullRequest.State != "merged" ||
		shown.PullRequest.MergeCommit != host.Head(t, owned, branch) {
		t.Errorf("merged: %+v, pull request %+v", merged, shown.PullRequest)
	}
	var resources struct {
		Resources []struct{ Kind, Namespace, Name string }
	}
	s.Call(http.MethodGet, "/api/v1/fabrics/1/resources?limit=1", nil, &resources)
	var history struct {
		Changes []struct {
			Confirmed bool `json:"origin_confirmed"`
			proposed
		}
	}
	one := resources.Resources[0]
	s.Call(http.MethodGet, "/api/v1/fabrics/1/resources/"+one.Kind+"/"+one.Namespace+"/"+one.Name+"/history?limit=1", nil,
		&history)
	if c := history.Changes[0]; !c.Confirmed || c.PullRequest.Number != pull.Number {
		t.Errorf("the history of what was proposed begins with %+v", c)
	}
	host.RequireSound(t, owned)
}

// proposedEdit is what an edit comes to where it is proposed.
type proposedEdit struct {
	edited
	proposed
}

// proposingEdits is a fabric that publishes by pull requests, whose first one is merged.
type proposingEdits struct {
	*system.System
	host *gitserver.Server
	api  *githubserver.Server
	t    *testing.T
}

const firstFabric = "/api/v1/fabrics/1"

func newProposingEdits(t *testing.T) *proposingEdits {
	t.Helper()
	host, api := newHub(t, map[string]string{directory + "/raw/all.yaml": fabric.File([]string{
		fabric.VPC("vpc-1", 1), fabric.VPC("vpc-2", 2),
	})})
	e := &proposingEdits{programs.Up(t, []string{hubs(host, api)}), host, api, t}
	var registered system.Accepted
	e.Call(http.MethodPost, "/api/v1/fabrics", proposing(host), &registered)
	e.Ended(registered.SyncID)
	code, raw := e.Try(http.MethodPatch, vpcs+"vpc-1", map[string]any{"patch": spec(1001)})
	if code != http.StatusBadRequest {
		t.Errorf("an edit before the first proposal is merged answers %d %s", code, raw)
	}
	merge(t, host, api, e.files())
	e.sync()
	return e
}

func (e *proposingEdits) sync() {
	e.t.Helper()
	var triggered system.Accepted
	e.Call(http.MethodPost, firstFabric+"/syncs", map[string]any{}, &triggered)
	e.Ended(triggered.SyncID)
}

// files is the pull request of the fabric.
func (e *proposingEdits) files() (out proposed) {
	e.t.Helper()
	e.Call(http.MethodGet, firstFabric, nil, &out)
	return out
}

func (e *proposingEdits) edit(name string, vlan int) (out proposedEdit) {
	e.t.Helper()
	e.Call(http.MethodPatch, vpcs+name, map[string]any{"patch": spec(vlan)}, &out)
	return out
}

// state is what the sync of an edit says of its pull request.
func (e *proposingEdits) state(of proposedEdit) string {
	e.t.Helper()
	var status struct{ Result proposed }
	e.Call(http.MethodGet, "/api/v1/syncs/"+of.SyncID, nil, &status)
	return status.Result.PullRequest.State
}

// mergeBeside merges a pull request whose branch does not follow the target any more.
func (e *proposingEdits) mergeBeside(of proposedEdit) {
	e.t.Helper()
	git := func(args ...string) string { return strings.TrimSpace(e.host.Git(e.t, owned, args...)) }
	from := of.PullRequest.Branch
	commit := git("commit-tree", git("merge-tree", "--write-tree", branch, from), "-p", branch, "-p", from, "-m", "Merge")
	git("update-ref", "refs/heads/"+branch, commit)
	e.api.Merge(e.t, of.PullRequest.Number, commit)
}

// TestEditsAreProposed: an edit has a pull request of its own, which the same edit finds again.
func TestEditsAreProposed(t *testing.T) {
	t.Parallel()
	e := newProposingEdits(t)
	head := e.host.Head(t, owned, branch)
	first, second := e.edit("vpc-1", 1001), e.edit("vpc-2", 1002)
	pull := first.PullRequest
	if pull.State != "open" || first.CommitSHA != "" || e.host.Head(t, owned, branch) != head ||
		second.PullRequest.Number == pull.Number ||
		e.host.Commits(t, owned, pull.Branch) != e.host.Commits(t, owned, branch)+1 {
		t.Errorf("the edits came to %+v and %+v", first, second)
	}
	if title, body := e.api.Text(pull.Number); !strings.Contains(title, "update VPC vpc-1") ||
		!strings.Contains(body, "VPC default/vpc-1") || !strings.Contains(body, first.SyncID) {
		t.Errorf("%s\n%s", title, body)
	}
	if again := e.edit("vpc-1", 1001); again.PullRequest.Number != pull.Number || e.api.Opened() != 3 {
		t.Errorf("the same edit again came to %+v; %d were opened", again, e.api.Opened())
	}
	e.host.RequireSound(t, owned)
}

// TestProposedEditsBesideAFabric: syncs go on with the pull request of the fabric and leave those of edits alone. What
// becomes of these shows in their syncs, and one sync takes in what was merged.
func TestProposedEditsBesideAFabric(t *testing.T) {
	t.Parallel()
	e := newProposingEdits(t)
	first, second := e.edit("vpc-1", 1001), e.edit("vpc-2", 1002)
	e.host.Commit(t, owned, branch, map[string]string{directory + "/raw/vpc-3.yaml": fabric.VPC("vpc-3", 3)})
	e.sync()
	files := e.files().PullRequest
	if files.Number != 4 || files.State != "open" || e.state(first) != "open" || e.state(second) != "open" {
		t.Errorf("the files are proposed by %+v; the edits are %s and %s", files, e.state(first), e.state(second))
	}
	e.mergeBeside(first)
	e.api.Close(second.PullRequest.Number)
	e.Await("it to be known what became of the edits", func() bool {
		return e.state(first) == "merged" && e.state(second) == "closed"
	})
	var history struct{ Syncs []system.Status }
	e.Await("a sync to take in what was merged", func() bool {
		e.Call(http.MethodGet, firstFabric+"/syncs", nil, &history)
		return history.Syncs[0].Trigger == "webhook" && history.Syncs[0].State == "completed"
	})
	files = e.files().PullRequest
	file := e.host.Files(t, owned, files.Branch)[directory+"/managed/vpcs/vpc-1.yaml"]
	if files.Number != 4 || files.State != "open" || !strings.Contains(file, "vlan: 1001") {
		t.Errorf("the files are proposed by %+v, with\n%s", files, file)
	}
	e.host.RequireSound(t, owned)
}
