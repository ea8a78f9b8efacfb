package grpcapi

import (
	"context"
	"time"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/github"
	"fgdsync.dev/services/github-sync/internal/grpcapi/treeapi"
	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/publish"
)

// Publish publishes a tree.
func (r *Repositories) Publish(ctx context.Context, req *gitv1.PublishRequest) (*gitv1.PublishResponse, error) {
	s, err := r.deps.Snapshots.Get(req.GetSnapshotId())
	if err != nil {
		return nil, err
	}
	if s.ReadOnly {
		return nil, errs.New(errs.SnapshotReadOnly, "The snapshot holds the branch as it was at %s.", s.Commit)
	}
	request, err := r.fromPublish(req)
	if err != nil {
		return nil, err
	}
	pairs, err := s.Compare(s.Tree, request.Tree)
	if err != nil {
		return nil, err
	}
	var result publish.Result
	var pull github.PullRequest
	if req.GetProposal() != nil {
		result, pull, err = r.propose(ctx, s, request, req.GetProposal())
	} else {
		result, err = r.deps.Publisher.Publish(ctx, s, request)
	}
	if err != nil {
		return nil, err
	}
	response := &gitv1.PublishResponse{
		Commit: result.Commit.String(), Committed: result.Committed, Attempts: int32(result.Attempts),
		Counts: &gitv1.ChangeCounts{}, PullRequest: toPullRequest(pull), Unconfirmed: result.Unconfirmed,
	}
	if result.Committed {
		response.CommitUrl, response.Counts = r.pages(s.Location).Commit(result.Commit), treeapi.ToCounts(pairs)
	}
	return response, nil
}

func (r *Repositories) fromPublish(req *gitv1.PublishRequest) (publish.Request, error) {
	tree, err := treeapi.ParseID("tree", req.GetTree())
	if err != nil {
		return publish.Request{}, err
	}
	if req.GetTime().GetSeconds() <= 0 || !req.GetTime().IsValid() {
		return publish.Request{}, errs.Field("time", "time is none that a commit can have.")
	}
	requester := object.Signature{Name: req.GetAuthor().GetName(), Email: req.GetAuthor().GetEmail()}
	author, committer, err := r.deps.Identity.People(requester, req.GetCommitAuthor(), req.GetCommitCommitter())
	if err != nil {
		return publish.Request{}, errs.Field("commit_author", "The commit can't be by these: %v.", err)
	}
	author.Time = req.GetTime().AsTime().Truncate(time.Second)
	committer.Time = author.Time
	return publish.Request{
		Tree: tree, Message: req.GetMessage(), Key: r.deps.Key, Author: author, Committer: committer,
	}, nil
}
