package grpcapi

import (
	"context"
	"strings"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/github"
	"fgdsync.dev/services/github-sync/internal/publish"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/services/github-sync/internal/snapshot"
)

// propose publishes by a pull request.
func (r *Repositories) propose(ctx context.Context, s *snapshot.Snapshot, request publish.Request,
	p *gitv1.Proposal,
) (publish.Result, github.PullRequest, error) {
	if err := checkProposal(p); err != nil {
		return publish.Result{}, github.PullRequest{}, err
	}
	return publish.Propose(ctx, s, r.deps.GitHub, request, publish.Proposal{
		Branch: p.GetBranch(), Title: p.GetTitle(), Body: p.GetBody(), Known: p.GetKnownPullRequest(), Insist: p.GetInsist(),
	})
}

func checkProposal(p *gitv1.Proposal) error {
	if _, err := remote.Branch(p.GetBranch()); err != nil {
		return inField("proposal.branch", err)
	}
	if !strings.Contains(p.GetBranch(), "/") {
		return errs.Field("proposal.branch", "The branch of a proposal needs a folder.")
	}
	return nil
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
	return &gitv1.GetPullRequestResponse{PullRequest: toPullRequest(pull)}, nil
}

// toPullRequest returns nil for none.
func toPullRequest(p github.PullRequest) *gitv1.PullRequest {
	if p.State == github.NoPullRequest {
		return nil
	}
	return &gitv1.PullRequest{
		Number: p.Number, Url: p.URL, State: toPullRequestState(p.State), Branch: p.Branch, HeadCommit: p.HeadCommit,
		MergeCommit: p.MergeCommit,
	}
}

func toPullRequestState(s github.PullRequestState) gitv1.PullRequestState {
	switch s {
	case github.Open:
		return gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN
	case github.Merged:
		return gitv1.PullRequestState_PULL_REQUEST_STATE_MERGED
	case github.Closed:
		return gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED
	}
	return gitv1.PullRequestState_PULL_REQUEST_STATE_UNSPECIFIED
}
