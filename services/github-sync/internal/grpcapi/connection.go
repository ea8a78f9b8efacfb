package grpcapi

import (
	"context"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/connection"
)

// CheckConnection tries a location out. Only the end of the call is an error.
func (r *Repositories) CheckConnection(ctx context.Context,
	req *gitv1.CheckConnectionRequest,
) (*gitv1.CheckConnectionResponse, error) {
	var found *connection.Connection
	if o, err := r.open(req.GetLocation()); err != nil {
		found = connection.Refused(err)
	} else {
		found = connection.Check(ctx, r.deps.GitHub, connection.Target{
			Location: o.location, Branch: o.branch, Login: o.login, Remote: o.remote,
			Fetch: func(ctx context.Context, head plumbing.Hash) error {
				return r.fetch(ctx, o, o.branch, head)
			},
		})
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("check the connection: %w", context.Cause(ctx))
	}
	return &gitv1.CheckConnectionResponse{Connection: toConnection(found)}, nil
}

// fetch brings a commit into the store, as a sync does.
func (r *Repositories) fetch(ctx context.Context, o opened, branch string, commit plumbing.Hash) error {
	repo, err := r.deps.Stores.Repo(o.location)
	if err != nil {
		return err
	}
	held, err := repo.Ensure(ctx, o.remote, branch, commit, 1)
	if err != nil {
		return err
	}
	return held.Close()
}

func toConnection(c *connection.Connection) *gitv1.Connection {
	out := &gitv1.Connection{
		Reachable: c.Reachable, Authenticated: c.Authenticated, CanRead: c.CanRead, CanPush: c.CanPush,
		BranchExists: c.BranchExists, DefaultBranch: c.DefaultBranch, Empty: c.Empty, BranchProtected: c.BranchProtected,
	}
	for _, p := range c.Problems {
		out.Problems = append(out.Problems, &gitv1.ConnectionProblem{
			Code: p.Code.ID, Name: p.Code.Name, Message: p.Message, Remedy: p.RemedyText(),
		})
	}
	return out
}
