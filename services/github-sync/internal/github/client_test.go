package github_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/remotehost"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/github"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/testkit/githubserver"
)

var proposal = github.Proposal{Branch: "fgd", Base: "main", Title: "Fabric 1", Body: "Three files"}

func branchAt(digit string) githubserver.Branch {
	return githubserver.Branch{Commit: strings.Repeat(digit, 40)}
}

// TestPullRequest: one is opened, changed, found, merged and read; a second one of its branch is refused until it is
// closed.
func TestPullRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, login := t.Context(), b.appLogin()
	if found, err := b.client.FindPullRequest(ctx, b.location, login, "fgd"); err != nil ||
		found != (github.PullRequest{}) {
		t.Fatalf("%v, %v", found, err)
	}
	b.hub.SetBranch("fgd", branchAt("b"))
	made, err := b.client.CreatePullRequest(ctx, b.location, login, proposal)
	if err != nil {
		t.Fatal(err)
	}
	if made.State != github.Open ||
		made.HeadCommit != strings.Repeat("b", 40) || made.MergeCommit != "" ||
		made.Branch != "fgd" || made.URL != "https://github.com/Octo/fabrics/pull/1" {
		t.Errorf("made %v", made)
	}
	_, err = b.client.CreatePullRequest(ctx, b.location, login, proposal)
	b.requireCode(err, errs.PullRequestRefused)
	if err == nil || !strings.Contains(err.Error(), "A pull request already exists for Octo:fgd.") {
		t.Errorf("a second one: %v", err)
	}
	if _, err := b.client.UpdatePullRequest(ctx, b.location, login, 1, github.Update{Body: "Four files"}); err != nil {
		t.Fatal(err)
	}
	if title, body := b.hub.Text(1); title != "Fabric 1" || body != "Four files" {
		t.Errorf("%q, %q", title, body)
	}
	closed, err := b.client.UpdatePullRequest(ctx, b.location, login, 1, github.Update{Close: true})
	if err != nil || closed.State != github.Closed ||
		closed.MergeCommit != "" {
		t.Errorf("closed %v, %v", closed, err)
	}
	b.requireFound(1, github.Closed)
	if _, err = b.client.CreatePullRequest(ctx, b.location, login, proposal); err != nil {
		t.Fatal(err)
	}
	b.requireFound(2, github.Open)
	b.hub.Merge(t, 2, strings.Repeat("d", 40))
	b.requireFound(2, github.Merged)
	merged, err := b.client.GetPullRequest(ctx, b.location, login, 2)
	if err != nil || merged.State != github.Merged ||
		merged.MergeCommit != strings.Repeat("d", 40) {
		t.Errorf("merged %v, %v", merged, err)
	}
	_, err = b.client.GetPullRequest(ctx, b.location, login, 3)
	b.requireCode(err, errs.GitHubNotFound)
}

func (b *bench) requireFound(number int32, state github.PullRequestState) {
	b.t.Helper()
	found, err := b.client.FindPullRequest(b.t.Context(), b.location, b.appLogin(), "fgd")
	if err != nil || found.Number != number || found.State != state {
		b.t.Errorf("found %v, %v", found, err)
	}
}

// TestRepositoryAndBranch: what GitHub says about them arrives.
func TestRepositoryAndBranch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	found, err := b.client.Repository(t.Context(), b.location, b.token)
	if want := (github.Repository{DefaultBranch: "main", Push: true, Private: true}); err != nil || found != want {
		t.Errorf("%+v, %v", found, err)
	}
	b.hub.Deny(true)
	if found, err := b.client.Repository(t.Context(), b.location, b.token); err != nil || found.Push {
		t.Errorf("%+v, %v", found, err)
	}
	b.hub.SetBranch("a/b", branchAt("b"))
	if protected, err := b.client.BranchProtected(t.Context(), b.location, b.token, "a/b"); err != nil || protected {
		t.Errorf("%v, %v", protected, err)
	}
	_, err = b.client.BranchProtected(t.Context(), b.location, b.token, "other")
	b.requireCode(err, errs.BranchNotFound)
	hidden := b.location
	hidden.Key = strings.Replace(hidden.Key, "fabrics", "hidden", 1)
	_, err = b.client.BranchProtected(t.Context(), hidden, b.token, "main")
	b.requireCode(err, errs.GitHubNotFound)
	_, err = b.client.Repository(t.Context(), hidden, b.token)
	b.requireCode(err, errs.GitHubNotFound)
	b.hub.SetBranch("fgd", branchAt("c"))
	_, err = b.client.CreatePullRequest(t.Context(), b.location, b.token, proposal)
	b.requireCode(err, errs.GitHubAuthenticationFailed)
	if !strings.Contains(errs.From(err).RemedyText(), "Pull requests: read and write") {
		t.Errorf("remedy: %s", errs.From(err).RemedyText())
	}
}

// TestAnswersThatCantBeUsed: whatever comes, it ends with a code, without the login that the host may say aloud, and at
// once.
func TestAnswersThatCantBeUsed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status  int
		headers map[string]string
		body    string
		code    errs.Code
	}{
		"a web page":     {200, nil, "<html>sign in</html>", errs.GitHubConnectionFailed},
		"nothing":        {200, nil, "", errs.GitHubConnectionFailed},
		"half of it":     {200, nil, `{"name":"fab`, errs.GitHubConnectionFailed},
		"another thing":  {200, nil, `{"message":"hello"}`, errs.GitHubConnectionFailed},
		"too much":       {200, nil, `{"name":"` + strings.Repeat("x", 5<<20) + `"}`, errs.GitHubConnectionFailed},
		"not changed":    {304, nil, "", errs.GitHubRequestRefused},
		"500 with login": {500, nil, `{"message":"I know LOGIN"}`, errs.GitHubConnectionFailed},
		"401 with login": {401, nil, `{"message":"I know LOGIN"}`, errs.GitHubAuthenticationFailed},
		"403 with login": {403, nil, `{"message":"I know LOGIN\u0000\u001b[31m"}`, errs.GitHubAuthenticationFailed},
		"422 with login": {422, nil, `{"message":"I know","errors":[{"message":"LOGIN"}]}`, errs.PullRequestRefused},
		"404 as a page":  {404, nil, "I know LOGIN", errs.GitHubNotFound},
		"418 with login": {418, nil, `{"message":"I know LOGIN"}`, errs.GitHubRequestRefused},
		"moved": {
			301,
			map[string]string{"Location": "https://api.github.com/repositories/1"},
			"{}",
			errs.GitHubNotFound,
		},
		"moved to another": {307, map[string]string{"Location": "http://127.0.0.1:1/"}, "{}", errs.GitHubNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.failing(test.status, test.headers, test.body)
			for _, login := range []credentials.Login{b.token, b.appLogin()} {
				err := b.ask(login)
				if login.App != nil && test.status > 300 && test.status != 304 && test.status < 500 &&
					!errs.HasCode(err, test.code) {
					b.requireCode(err, errs.GitHubAuthenticationFailed) // the App was refused before
					continue
				}
				b.requireCode(err, test.code)
				if err != nil && (len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\x00\x1b")) {
					t.Errorf("%q", err.Error())
				}
			}
			b.hub.Fault(nil)
			if err := b.ask(b.token); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// TestWhoGoesAwayIsNotKept: a request ends with its context, also the one that makes a token.
func TestWhoGoesAwayIsNotKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	arrived, done := make(chan struct{}, 2), make(chan struct{})
	defer close(done)
	b.hub.Fault(func(_ http.ResponseWriter, r *http.Request) bool {
		arrived <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-done:
		}
		return true
	})
	for _, login := range []credentials.Login{b.token, b.appLogin()} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := b.client.Repository(ctx, b.location, login)
			ended <- err
		}()
		<-arrived
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
}

// TestOtherHosts: what only GitHub has is refused elsewhere, and a login for GitHub is not shown there. A login that
// its API does not know is refused too.
func TestOtherHosts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gitlab := remotehost.Host{Scheme: "https", Name: "gitlab.com", Port: "443"}
	for _, location := range []remote.Location{
		{Key: "gitlab.com/o/r", URL: "https://gitlab.com/o/r", Host: "gitlab.com", Server: gitlab},
		{Key: "git.example.com/o/r", Host: "git.example.com", Server: gitlab},
		{Key: "file:///git.example.com/o", Path: "/git.example.com/o", Host: "local"},
		{Key: "git.example.com/o", Host: "git.example.com", Server: server},
		{Key: "git.example.com/a/b/c", Host: "git.example.com", Server: server},
		// What would lead to another path of the API, with the login of this repository.
		{Key: "git.example.com/%2e%2e/user", Host: "git.example.com", Server: server},
		{Key: "git.example.com/o/..", Host: "git.example.com", Server: server},
		{Key: "git.example.com/o/r?per_page=1", Host: "git.example.com", Server: server},
		{Key: "git.example.com/o/r#", Host: "git.example.com", Server: server},
		{},
	} {
		_, err := b.client.Repository(t.Context(), location, credentials.Login{})
		b.requireCode(err, errs.GitHubRequired)
		if page, known := b.client.Page(location); known {
			t.Errorf("%v: %s", location, page)
		}
		for _, login := range []credentials.Login{b.token, b.appLogin()} {
			_, err = b.client.Repository(t.Context(), location, login)
			if location.Server == server {
				b.requireCode(err, errs.GitHubRequired)
			} else {
				b.requireCode(err, errs.CredentialsForAnotherHost)
			}
		}
	}
	elsewhere := credentials.Login{Basic: b.token.Basic, Server: gitlab}
	b.requireCode(b.ask(elsewhere), errs.CredentialsForAnotherHost)
	b.requireCode(b.ask(credentials.Login{SSHKey: secret.New(planted), Server: server}), errs.GitHubAuthenticationFailed)
	if asked, _ := b.hub.Asked(); asked != 0 {
		t.Errorf("%d requests", asked)
	}
	if page, _ := b.client.Page(b.location); page != "https://git.example.com/Octo/fabrics" {
		t.Errorf("page %s", page)
	}
	for _, bad := range []string{
		"", "github.com", "=https://x", "github.com=", "github.com=api.github.com",
		"github.com=http://x", "a/b=https://x", "h=https://u:p@x", "h=https://x?y",
	} {
		if hosts, err := github.ParseHosts([]string{"github.com=https://api.github.com", bad}, false); !errs.HasCode(err,
			errs.ConfigurationInvalid) {
			t.Errorf("%q: %v, %v", bad, hosts, err)
		}
	}
}
