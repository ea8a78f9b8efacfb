package grpcapi

import (
	"context"
	"strings"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/publish"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/services/github-sync/internal/snapshot"
)

// propose publishes by a pull request.
func (r *Repositories) propose(ctx context.Context, s *snapshot.Snapshot, request publish.Request,
	p *gitv1.Proposal,
) (publish.Result, *gitv1.PullRequest, error) {
	if err := remote.CheckBranch(p.GetBranch()); err != nil {
		return publish.Result{}, nil, err
	}
	if !strings.Contains(p.GetBranch(), "/") || p.GetTitle() == "" {
		return publish.Result{}, nil, errs.New(errs.InvalidRequest, "A proposal needs a title, and a branch with a folder.")
	}
	return publish.Propose(ctx, s, r.deps.GitHub, request, publish.Proposal{
		Branch: p.GetBranch(), Title: p.GetTitle(), Body: p.GetBody(), Known: p.GetKnownPullRequest(), Insist: p.GetInsist(),
	})
}

// GetPullRequest says what became of a pull request.
func (r *Repositories) GetPullRequest(ctx context.Context,
	req *gitv1.GetPullRequestRequest,
) (*gitv1.GetPullRequestResponse, error) {
	o, err := r.open(req.GetLocation())
	if err != nil {
		return nil, err
	}
	pull, err := r.deps.GitHub.GetPullRequest(ctx, o.location, o.login, req.GetNumber())
	if err != nil {
		return nil, err
	}
	return &gitv1.GetPullRequestResponse{PullRequest: pull}, nil
}
