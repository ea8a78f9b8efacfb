package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	gogithub "github.com/google/go-github/v88/github"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/remote"
)

// errNothing stands for an answer that is good JSON and says nothing.
var errNothing = errors.New("the answer says nothing")

// Repository is what GitHub says about a repository, to one login.
type Repository struct {
	DefaultBranch           string
	Push, Archived, Private bool
}

// Repository asks about a repository.
func (c *Client) Repository(ctx context.Context, location remote.Location, login credentials.Login) (Repository,
	error,
) {
	a, r, err := c.at(location, login)
	if err != nil {
		return Repository{}, err
	}
	found, _, err := a.Repositories.Get(remote.WithOperation(ctx, "api repository"), r.owner, r.name)
	if err == nil && found.GetName() == "" {
		err = errNothing
	}
	if err != nil {
		return Repository{}, explain(ctx, r.host, err)
	}
	return Repository{
		DefaultBranch: found.GetDefaultBranch(), Push: found.GetPermissions().GetPush(), Archived: found.GetArchived(),
		Private: found.GetPrivate(),
	}, nil
}

// BranchProtected asks whether a branch is protected, by a rule of its own or by one of the repository or its owner.
func (c *Client) BranchProtected(ctx context.Context, location remote.Location, login credentials.Login,
	branch string,
) (bool, error) {
	a, r, err := c.at(location, login)
	if err != nil {
		return false, err
	}
	path := fmt.Sprintf("repos/%s/%s/branches/%s", r.owner, r.name, url.PathEscape(branch))
	request, err := a.NewRequest(remote.WithOperation(ctx, "api branch"), http.MethodGet, path, nil)
	if err != nil {
		return false, fmt.Errorf("prepare to ask about a branch: %w", err)
	}
	found := &gogithub.Branch{}
	_, err = a.Do(request, found)
	var answered *gogithub.ErrorResponse
	if errors.As(err, &answered) && answered.Response.StatusCode == http.StatusNotFound &&
		answered.Message == "Branch not found" {
		return false, errs.New(errs.BranchNotFound, "The repository at %s has no branch %q.", r.host, branch)
	}
	if err == nil && found.GetName() == "" {
		err = errNothing
	}
	if err != nil {
		return false, explain(ctx, r.host, err)
	}
	return found.GetProtected(), nil
}

// Page returns the URL of the first page of a repository, and whether it is on GitHub.
func (c *Client) Page(location remote.Location) (url string, known bool) {
	r, known := c.options.Hosts.find(location)
	if !known {
		return "", false
	}
	return r.page(location), true
}
