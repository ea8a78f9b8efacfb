package grpcapi

import (
	"context"
	"fmt"
	"time"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/github"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/services/github-sync/internal/snapshot"
)

// questionTimeout is how long a host may take for each of the two questions.
const questionTimeout = 15 * time.Second

// CheckConnection tries a location out. Only the end of the call is an error.
func (r *Repositories) CheckConnection(ctx context.Context,
	req *gitv1.CheckConnectionRequest,
) (*gitv1.CheckConnectionResponse, error) {
	found := &connection{&gitv1.Connection{}}
	o, err := r.open(req.GetLocation())
	if err == nil {
		found.ask(ctx, o.remote, o.location, req.GetLocation().GetBranch())
	} else {
		found.problem(err)
	}
	if found.GetBranchExists() && r.deps.GitHub.Knows(o.location, o.login) == nil {
		found.askGitHub(ctx, r.deps.GitHub, o, req.GetLocation().GetBranch())
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("check the connection: %w", context.Cause(ctx))
	}
	return &gitv1.CheckConnectionResponse{Connection: found.Connection}, nil
}

// connection is what is found out.
type connection struct{ *gitv1.Connection }

// ask asks what a fetch begins with, and if there is an answer, what a push begins with.
func (c *connection) ask(ctx context.Context, from remote.Remote, location remote.Location, branch string) {
	refs, err := answer(ctx, location.Host, from.Refs)
	c.reads(err, location)
	if !c.CanRead {
		return
	}
	c.DefaultBranch = refs.Default
	if _, err := snapshot.Head(refs, branch); err == nil {
		c.BranchExists = true
	} else if !c.Empty {
		c.problem(err)
	}
	_, err = answer(ctx, location.Host, from.PushRefs)
	c.pushes(err)
}

// askGitHub finds out what only GitHub knows of a branch.
func (c *connection) askGitHub(ctx context.Context, hub *github.Client, o opened, branch string) {
	protected, err := answer(ctx, o.location.Host, func(ctx context.Context) (bool, error) {
		return hub.BranchProtected(ctx, o.location, o.login, branch)
	})
	if err != nil {
		c.problem(err)
		return
	}
	c.BranchProtected = &protected
}

// answer bounds the time of a question.
func answer[T any](ctx context.Context, host string, question func(context.Context) (T, error)) (T, error) {
	late := errs.New(errs.GitHubConnectionFailed, "The Git host %s did not answer within %s.", host, questionTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, questionTimeout, late)
	defer cancel()
	return question(ctx)
}

// reads sorts how the first question ended.
func (c *connection) reads(err error, location remote.Location) {
	switch {
	case err == nil:
		c.Reachable, c.Authenticated, c.CanRead = true, true, true
		return
	case errs.HasCode(err, errs.RepositoryEmpty):
		c.Reachable, c.Authenticated, c.CanRead, c.Empty = true, true, true, true
	case errs.HasCode(err, errs.RepositoryUnsupported):
		c.Reachable, c.Authenticated = true, true
	case errs.HasCode(err, errs.GitHubNotFound): // over HTTP a host says so too to those who may not know
		c.Reachable, c.Authenticated = true, location.SSH != nil
	case errs.HasCode(err, errs.GitHubAuthenticationFailed), errs.HasCode(err, errs.GitHubRateLimited),
		errs.HasCode(err, errs.HostKeyUnknown), errs.HasCode(err, errs.HostKeyChanged):
		c.Reachable = true
	}
	c.problem(err)
}

// pushes sorts how the second question ended.
func (c *connection) pushes(err error) {
	e := errs.From(err)
	switch {
	case err == nil || errs.HasCode(err, errs.RepositoryEmpty):
		c.CanPush = true
	case errs.HasCode(err, errs.GitHubAuthenticationFailed), errs.HasCode(err, errs.GitHubNotFound):
		c.problem(errs.New(errs.GitHubAuthenticationFailed, "The repository can be read, but not pushed to: %s", e.Message).
			WithRemedy("Give credentials that may write to the repository."))
	default:
		c.problem(err)
	}
}

func (c *connection) problem(err error) {
	e := errs.From(err)
	c.Problems = append(c.Problems, &gitv1.ConnectionProblem{
		Code: e.Code.ID, Name: e.Code.Name, Message: e.Message,
		Remedy: e.RemedyText(),
	})
}
