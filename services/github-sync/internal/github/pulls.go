package github

import (
	"context"

	gogithub "github.com/google/go-github/v88/github"

	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/remote"
)

// PullRequestState is what became of a pull request.
type PullRequestState int

// States of a pull request.
const (
	NoPullRequest PullRequestState = iota // there is none
	Open                                  // it can be merged or closed
	Merged
	Closed // without being merged
)

// PullRequest is a pull request as GitHub shows it. The zero value is none.
type PullRequest struct {
	Number      int32
	URL         string // of its page
	State       PullRequestState
	Branch      string // that it proposes to merge
	HeadCommit  string // at the head of the branch
	MergeCommit string // that merged it; empty when it was not
}

// Proposal is what a new pull request says.
type Proposal struct {
	Branch, Base string // the branch that it proposes to merge, and the one to merge it into
	Title, Body  string
}

// Update is what is to become of a pull request. Empty fields change nothing.
type Update struct {
	Title, Body string
	Close       bool
}

// CreatePullRequest opens a pull request.
func (c *Client) CreatePullRequest(ctx context.Context, location remote.Location, login credentials.Login,
	p Proposal,
) (PullRequest, error) {
	a, r, err := c.at(location, login)
	if err != nil {
		return PullRequest{}, err
	}
	made, _, err := a.PullRequests.Create(remote.WithOperation(ctx, "api create pull request"), r.owner, r.name,
		&gogithub.NewPullRequest{
			Head: &p.Branch, Base: &p.Base, Title: &p.Title, Body: &p.Body,
		})
	return pullRequest(ctx, r, made, err)
}

// UpdatePullRequest changes a pull request, or closes it.
func (c *Client) UpdatePullRequest(ctx context.Context, location remote.Location, login credentials.Login, number int32,
	u Update,
) (PullRequest, error) {
	a, r, err := c.at(location, login)
	if err != nil {
		return PullRequest{}, err
	}
	change := &gogithub.PullRequest{}
	if u.Title != "" {
		change.Title = &u.Title
	}
	if u.Body != "" {
		change.Body = &u.Body
	}
	if u.Close {
		closed := "closed"
		change.State = &closed
	}
	changed, _, err := a.PullRequests.Edit(remote.WithOperation(ctx, "api update pull request"), r.owner, r.name,
		int(number), change)
	return pullRequest(ctx, r, changed, err)
}

// GetPullRequest reads a pull request.
func (c *Client) GetPullRequest(ctx context.Context, location remote.Location, login credentials.Login,
	number int32,
) (PullRequest, error) {
	a, r, err := c.at(location, login)
	if err != nil {
		return PullRequest{}, err
	}
	found, _, err := a.PullRequests.Get(remote.WithOperation(ctx, "api pull request"), r.owner, r.name, int(number))
	return pullRequest(ctx, r, found, err)
}

// FindPullRequest returns the pull request of a branch: the open one if there is one, else the latest; none
// when there is none.
func (c *Client) FindPullRequest(ctx context.Context, location remote.Location, login credentials.Login,
	branch string,
) (PullRequest, error) {
	a, r, err := c.at(location, login)
	if err != nil {
		return PullRequest{}, err
	}
	found, _, err := a.PullRequests.List(remote.WithOperation(ctx, "api pull requests"), r.owner, r.name,
		&gogithub.PullRequestListOptions{
			State: "all", Head: r.owner + ":" + branch, Sort: "created", Direction: "desc",
		})
	if err != nil {
		return PullRequest{}, explain(ctx, r.host, err)
	}
	var latest *gogithub.PullRequest
	for _, candidate := range found {
		if candidate.GetHead().GetRef() != branch { // the host leaves a filter out that it can't read
			continue
		}
		if candidate.GetState() == "open" {
			return pullRequest(ctx, r, candidate, nil)
		}
		if latest == nil {
			latest = candidate
		}
	}
	if latest == nil {
		return PullRequest{}, nil
	}
	return pullRequest(ctx, r, latest, nil)
}

func pullRequest(ctx context.Context, r repository, p *gogithub.PullRequest, err error) (PullRequest, error) {
	if err != nil {
		return PullRequest{}, explain(ctx, r.host, err)
	}
	out := PullRequest{
		Number: int32(p.GetNumber()), URL: p.GetHTMLURL(), Branch: p.GetHead().GetRef(), HeadCommit: p.GetHead().GetSHA(),
	}
	switch {
	case p.GetMerged(), !p.GetMergedAt().IsZero():
		out.State, out.MergeCommit = Merged, p.GetMergeCommitSHA()
	case p.GetState() == "open": // its merge commit is one that GitHub made to try
		out.State = Open
	case p.GetState() == "closed":
		out.State = Closed
	}
	if out.State == NoPullRequest || out.Number <= 0 {
		return PullRequest{}, explain(ctx, r.host, errNothing)
	}
	return out, nil
}
