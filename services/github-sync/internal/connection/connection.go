// Package connection tries out how a repository can be reached: it asks for the refs, fetches the head of the branch,
// and asks for what a push begins with. It writes nothing there. What it finds out is no error: each step that fails
// is a problem.
package connection

import (
	"context"
	"errors"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/github"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/services/github-sync/internal/snapshot"
)

// questionTimeout is how long a host may take for each of the questions.
const questionTimeout = 30 * time.Second

// Target is what is tried out.
type Target struct {
	Location remote.Location
	Branch   string
	Login    credentials.Login
	Remote   remote.Remote
	// Look fetches the head of the branch, and looks whether the directory is in it.
	Look              func(ctx context.Context, head plumbing.Hash) (exists bool, err error)
	Directory         string
	DirectoryRequired bool // no sync makes it
}

// Connection is what is found out.
type Connection struct {
	Reachable       bool // a Git host answered
	Authenticated   bool // it took the credentials, or asked for none
	CanRead         bool
	CanPush         bool
	BranchExists    bool
	DefaultBranch   string // empty when the host does not say
	Empty           bool   // the repository has no commit yet
	BranchProtected *bool  // nil when that is not known
	Problems        []*errs.Error
	Warnings        []*errs.Error
}

// Refused returns what is found out of a location that nothing may be asked of.
func Refused(err error) *Connection {
	c := &Connection{}
	c.problem(err)
	return c
}

// Check tries a target out, and asks GitHub for what only it knows.
func Check(ctx context.Context, hub *github.Client, to Target) *Connection {
	c := &Connection{}
	c.ask(ctx, to)
	if c.BranchExists && hub.Knows(to.Location, to.Login) == nil {
		c.askGitHub(ctx, hub, to)
	}
	return c
}

// ask asks what a fetch begins with, and if there is an answer, fetches, and asks what a push begins with.
func (c *Connection) ask(ctx context.Context, to Target) {
	refs, err := answer(ctx, to.Location.Host, to.Remote.Refs)
	c.reads(err, to.Location)
	if !c.CanRead {
		return
	}
	c.DefaultBranch = refs.Default
	if head, err := snapshot.Head(refs, to.Branch); err == nil {
		c.BranchExists = true
		c.looks(ctx, to, head)
	} else if !c.Empty {
		c.problem(err)
	}
	_, err = answer(ctx, to.Location.Host, to.Remote.PushRefs)
	c.pushes(err)
}

// askGitHub finds out what only GitHub knows of a branch.
func (c *Connection) askGitHub(ctx context.Context, hub *github.Client, to Target) {
	protected, err := answer(ctx, to.Location.Host, func(ctx context.Context) (bool, error) {
		return hub.BranchProtected(ctx, to.Location, to.Login, to.Branch)
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

// looks tries what a sync does next. There are hosts that show their branches to clients which they give nothing else.
func (c *Connection) looks(ctx context.Context, to Target, head plumbing.Hash) {
	exists, err := answer(ctx, to.Location.Host, func(ctx context.Context) (bool, error) { return to.Look(ctx, head) })
	missing := errs.New(errs.DirectoryNotFound, "There is no such directory: %q on the branch %s.", to.Directory,
		to.Branch)
	switch {
	case err != nil:
		c.CanRead = errs.HasCode(err, errs.DirectoryIsFile)
		c.problem(err)
	case !exists && to.DirectoryRequired:
		c.problem(missing)
	case !exists:
		missing.Message += " The first sync creates it."
		c.Warn(missing.WithRemedy("Check the name; with auto_initialize: false no sync creates it."))
	}
}

// reads sorts how the first question ended.
func (c *Connection) reads(err error, location remote.Location) {
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
		errs.HasCode(err, errs.HostKeyUnknown), errs.HasCode(err, errs.HostKeyChanged),
		errs.HasCode(err, errs.GitHubRequestRefused), errors.Is(err, remote.ErrUnreadable),
		errors.Is(err, remote.ErrAnswered):
		c.Reachable = true
	}
	c.problem(err)
}

// pushes sorts how the second question ended.
func (c *Connection) pushes(err error) {
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

// Warn adds what is no obstacle.
func (c *Connection) Warn(warning *errs.Error) { c.Warnings = append(c.Warnings, warning) }

func (c *Connection) problem(err error) { c.Problems = append(c.Problems, errs.From(err)) }
