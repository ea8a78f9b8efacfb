package grpcapi

import (
	"context"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/connection"
	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/publish"
	"fgdsync.dev/services/github-sync/internal/snapshot"
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
			Location: o.location, Branch: o.branch, Login: o.login, Remote: o.remote, Directory: o.directory,
			DirectoryRequired: req.GetDirectoryRequired(),
			Look: func(ctx context.Context, head plumbing.Hash) (bool, error) {
				return onceMore(func() (bool, error) { return r.look(ctx, o, head) })
			},
		})
		r.warnOfCommitter(found, req.GetCommitCommitter())
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("check the connection: %w", context.Cause(ctx))
	}
	return &gitv1.CheckConnectionResponse{Connection: toConnection(found)}, nil
}

// look brings the head of the branch into the store, as a sync does, and looks whether the directory is in it.
func (r *Repositories) look(ctx context.Context, o opened, head plumbing.Hash) (exists bool, err error) {
	repo, err := r.deps.Stores.Repo(o.location)
	if err != nil {
		return false, err
	}
	return snapshot.Look(ctx, o.remote, repo, o.location, o.branch, o.directory, head, r.deps.Limits)
}

// warnOfCommitter tells that commits are signed, and are called unverified all the same: hosts look for the key at the
// account that has the committer's address.
func (r *Repositories) warnOfCommitter(found *connection.Connection, wanted string) {
	_, committer, err := r.deps.Identity.People(object.Signature{}, publish.Committer, wanted)
	if err == nil && r.deps.Key != nil && publish.IsNobodys(committer.Email) {
		found.Warn(errs.New(errs.CommitterIsNobody,
			"Commits are signed, and hosts won't call them verified: nobody can have the committer's address %s.",
			committer.Email))
	}
}

func toConnection(c *connection.Connection) *gitv1.Connection {
	out := &gitv1.Connection{
		Reachable: c.Reachable, Authenticated: c.Authenticated, CanRead: c.CanRead, CanPush: c.CanPush,
		BranchExists: c.BranchExists, DefaultBranch: c.DefaultBranch, Empty: c.Empty, BranchProtected: c.BranchProtected,
	}
	out.Problems, out.Warnings = toProblems(c.Problems), toProblems(c.Warnings)
	return out
}

func toProblems(list []*errs.Error) []*gitv1.ConnectionProblem {
	var out []*gitv1.ConnectionProblem
	for _, p := range list {
		out = append(out, &gitv1.ConnectionProblem{
			Code: p.Code.ID, Name: p.Code.Name, Message: p.Message, Remedy: p.RemedyText(),
		})
	}
	return out
}
