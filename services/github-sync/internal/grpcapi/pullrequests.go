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
func (r *Repositories) propose(ctx context.Context, s *snapshot.Snapshot, request publish.Request, p *gitv1.Proposal) (publish.Result, publish.PullRequest, error) {
	if err := remote.CheckBranch(p.GetBranch()); err != nil {
		return publish.Result{}, publish.PullRequest{}, err
	}
	if !strings.Contains(p.GetBranch(), "/") || p.GetTitle() == "" {
		return publish.Result{}, publish.PullRequest{}, errs.New(errs.Invalid, errs.InvalidRequest, "A proposal needs a title, and a branch with a folder.")
	}
	host, err := r.deps.Hosts(s.Location, s.Login)
	if err != nil {
		return publish.Result{}, publish.PullRequest{}, err
	}
	return publish.Propose(ctx, s, host, request, publish.Proposal{
		Branch: p.GetBranch(), Title: p.GetTitle(), Body: p.GetBody(), Known: int(p.GetKnownPullRequest()), Insist: p.GetInsist(),
	})
}

// GetPullRequest says what became of a pull request.
func (r *Repositories) GetPullRequest(ctx context.Context, req *gitv1.GetPullRequestRequest) (*gitv1.GetPullRequestResponse, error) {
	o, err := r.open(req.GetLocation())
	if err != nil {
		return nil, err
	}
	host, err := r.deps.Hosts(o.location, o.login)
	if err != nil {
		return nil, err
	}
	pull, err := host.PullRequest(ctx, int(req.GetNumber()))
	if err != nil {
		return nil, err
	}
	return &gitv1.GetPullRequestResponse{PullRequest: toPullRequest(pull)}, nil
}

func toPullRequest(p publish.PullRequest) *gitv1.PullRequest {
	if p.Number == 0 {
		return nil
	}
	states := map[publish.PullRequestState]gitv1.PullRequestState{
		publish.Open:   gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN,
		publish.Merged: gitv1.PullRequestState_PULL_REQUEST_STATE_MERGED,
		publish.Closed: gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED,
	}
	return &gitv1.PullRequest{
		Number: int32(p.Number), Url: p.URL, State: states[p.State], Branch: p.Branch, HeadCommit: p.Head, MergeCommit: p.MergeCommit,
	}
}
