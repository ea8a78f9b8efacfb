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

// TestProposalByUp: a fabric whose directory was there before is proposed as one pull request with its report. Until
// somebody merges it the branch stays as it is and the next sync comes to the same; after the merge everything is in
// the index.
func TestProposalByUp(t *testing.T) {
	t.Parallel()
	const owned, token = "octo/fabrics.git", "ghp_a-token-nobody-guesses"
	var host *gitserver.Server
	api := githubserver.Start(t, githubserver.Options{
		Owner: "octo", Name: "fabrics", Tokens: []string{token},
		Head: func(branch string) string {
			return strings.TrimSpace(host.Git(t, owned, "for-each-ref", "--format=%(objectname)", "refs/heads/"+branch))
		},
	})
	host = gitserver.Start(t, gitserver.Options{Accepts: api.Accepts})
	host.Create(t, owned, branch, fabric.PreInit(directory))
	s := programs.Up(t, []string{"HEDGEHOG_FGD_GITHUB_HOSTS=" + host.Address() + "=" + api.URL()})
	var registered, triggered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", map[string]any{
		"name": "fabric-1", "repository_url": host.URL(owned), "branch": branch, "gitops_directory": directory,
		"credentials": map[string]any{"token": token}, "options": map[string]any{"publish_mode": "pull_request"},
	}, &registered)
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
	host.Git(t, owned, "update-ref", "refs/heads/"+branch, pull.Branch)
	api.Merge(t, pull.Number, host.Head(t, owned, branch))
	s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &triggered)
	merged := s.Ended(triggered.SyncID)
	s.Call(http.MethodGet, "/api/v1/fabrics/1", nil, &shown)
	if merged.State != "completed" || merged.Result.CommitSHA != "" || merged.Result.ResourcesTotal != 47 ||
		shown.PullRequest.State != "merged" ||
		shown.PullRequest.MergeCommit != host.Head(t, owned, branch) {
		t.Errorf("merged: %+v, pull request %+v", merged, shown.PullRequest)
	}
	host.RequireSound(t, owned)
}
