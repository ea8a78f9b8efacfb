package publish

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/services/github-sync/internal/snapshot"
)

// Host is what a Git host offers beside Git, for one repository and login.
type Host interface {
	// PullRequest says what became of one.
	PullRequest(ctx context.Context, number int) (PullRequest, error)
	// FindPullRequest finds the newest one that proposes a branch.
	FindPullRequest(ctx context.Context, branch string) (pull PullRequest, found bool, err error)
	// CreatePullRequest proposes to merge a branch into another.
	CreatePullRequest(ctx context.Context, branch, into, title, body string) (PullRequest, error)
	// UpdatePullRequest gives one another title and body.
	UpdatePullRequest(ctx context.Context, number int, title, body string) (PullRequest, error)
	// ClosePullRequest closes one without merging it.
	ClosePullRequest(ctx context.Context, number int) (PullRequest, error)
}

// PullRequestState is what became of a pull request.
type PullRequestState int

// The states of a pull request.
const (
	Open PullRequestState = iota + 1
	Merged
	Closed
)

// PullRequest is a pull request as its host shows it.
type PullRequest struct {
	Number      int
	URL         string
	State       PullRequestState
	Branch      string
	Head        string // commit
	MergeCommit string // empty when it was not merged
}

// Proposal is how a tree is proposed.
type Proposal struct {
	Branch      string // made when no pull request of the fabric is open
	Title, Body string
	Known       int  // the last pull request of the fabric; 0 when none is known
	Insist      bool // proposes again what was closed
}

// mostBranches bounds the branches of a fabric that are looked at for an open pull request which nobody remembers.
const mostBranches = 20

// proposer proposes one tree.
type proposer struct {
	host     Host
	s        *snapshot.Snapshot
	pusher   remote.Pusher
	request  Request
	proposal Proposal
}

// Propose publishes a tree on a branch of its own, and keeps one pull request that proposes to merge it: an open one of the
// fabric goes on, with a commit more. It never forces, and leaves a branch alone that somebody else has committed to.
func Propose(ctx context.Context, s *snapshot.Snapshot, host Host, request Request, proposal Proposal) (Result, PullRequest, error) {
	pusher, err := s.Remote.PushRefs(ctx)
	if err != nil {
		return Result{}, PullRequest{}, err
	}
	p := &proposer{host: host, s: s, pusher: pusher, request: request, proposal: proposal}
	pull, err := p.current(ctx)
	if err != nil {
		return Result{}, pull, err
	}
	if request.Tree == s.Tree {
		return p.withdraw(ctx, pull)
	}
	if declined, err := p.declined(ctx, pull); err != nil || declined {
		return Result{Commit: s.Commit}, pull, err
	}
	branch := proposal.Branch
	if pull.State == Open {
		branch = pull.Branch
	}
	result, err := p.push(ctx, branch)
	if err != nil {
		return Result{}, pull, err
	}
	pull, err = p.show(ctx, branch, pull)
	return result, pull, err
}

// current finds the pull request of the fabric: the one that is open, else the last one that is known.
func (p *proposer) current(ctx context.Context) (PullRequest, error) {
	var known PullRequest
	if p.proposal.Known > 0 {
		var err error
		known, err = p.host.PullRequest(ctx, p.proposal.Known)
		if err != nil && !errs.HasCode(err, errs.GitHubNotFound) {
			return known, err
		}
		if known.State == Open {
			return known, nil
		}
	}
	prefix := p.proposal.Branch[:strings.LastIndexByte(p.proposal.Branch, '/')+1]
	branches := p.pusher.Under(prefix)
	for _, branch := range branches[:min(len(branches), mostBranches)] {
		if branch == known.Branch {
			continue
		}
		pull, found, err := p.host.FindPullRequest(ctx, branch)
		if err != nil {
			return known, err
		}
		if found && (pull.State == Open || pull.Number > known.Number) {
			known = pull
		}
		if known.State == Open {
			return known, nil
		}
	}
	return known, nil
}

// withdraw closes a pull request when the branch has all that it would bring.
func (p *proposer) withdraw(ctx context.Context, pull PullRequest) (Result, PullRequest, error) {
	if pull.State != Open {
		return Result{Commit: p.s.Commit}, pull, nil
	}
	closed, err := p.host.ClosePullRequest(ctx, pull.Number)
	return Result{Commit: p.s.Commit}, closed, err
}

// declined tells whether people have closed a proposal of the very same tree.
func (p *proposer) declined(ctx context.Context, pull PullRequest) (bool, error) {
	if pull.State != Closed || p.proposal.Insist || !plumbing.IsHash(pull.Head) {
		return false, nil
	}
	then, err := p.s.Since(ctx, plumbing.NewHash(pull.Head))
	if errs.HasCode(err, errs.CommitNotFound) {
		return false, nil // it went with its branch
	}
	if err != nil {
		return false, err
	}
	return then.Tree == p.request.Tree, then.Close()
}

// push brings the tree to a branch, which it makes when it is not there.
func (p *proposer) push(ctx context.Context, branch string) (Result, error) {
	head, exists := p.pusher.Head(p.s.Branch)
	if !exists {
		return Result{}, branchRemoved(p.s.Branch)
	}
	base, release, err := onto(ctx, p.s, head)
	if err != nil {
		return Result{}, err
	}
	defer release()
	tip, exists := p.pusher.Head(branch)
	if !exists {
		return p.send(ctx, branch, base, plumbing.ZeroHash, head)
	}
	view, err := p.s.Since(ctx, tip)
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = view.Close() }() // it was only read
	sync := view.Trailer(layout.TrailerSync)
	if sync == "" {
		return Result{}, errs.New(errs.Precondition, errs.ProposalEdited, "Somebody has committed to the branch %s, which proposes changes of this fabric.", branch)
	}
	if view.Tree == p.request.Tree {
		return Result{Commit: tip, Committed: path.Base(p.proposal.Branch) == sync}, nil
	}
	current, err := view.HasAncestor(ctx, tip, head, snapshot.RecentDepth)
	if err != nil {
		return Result{}, err
	}
	if current {
		return p.send(ctx, branch, view, tip, tip)
	}
	return p.send(ctx, branch, base, tip, tip, head)
}

// send makes a commit with the tree on top of what a view shows, pushes it, and reads it back.
func (p *proposer) send(ctx context.Context, branch string, view *snapshot.Snapshot, old plumbing.Hash, parents ...plumbing.Hash) (Result, error) {
	root, err := view.Graft(view.Root, view.Directory, p.request.Tree)
	if err != nil {
		return Result{}, err
	}
	commit, err := putCommit(view, root, p.request, parents...)
	if err != nil {
		return Result{}, err
	}
	objects, err := view.New(root)
	if err != nil {
		return Result{}, err
	}
	tip, _ := view.Overlay(commit)
	sent := p.pusher.Push(ctx, branch, old, commit, object.Pack(append(objects, tip)))
	if sent != nil && errs.KindOf(sent) != errs.Unavailable {
		return Result{}, sent
	}
	refs, err := p.s.Remote.Refs(ctx)
	if err != nil {
		return Result{}, errors.Join(sent, err)
	}
	if refs.Branches[branch] != commit {
		return Result{}, errors.Join(sent, errs.New(errs.Unavailable, errs.GitHubConnectionFailed, "The branch %s does not show what was pushed to it.", branch))
	}
	return Result{Commit: commit, Committed: true, Attempts: 1}, nil
}

// putCommit makes a commit, signed when there is a key.
func putCommit(view *snapshot.Snapshot, root plumbing.Hash, request Request, parents ...plumbing.Hash) (plumbing.Hash, error) {
	content, err := request.Key.Sign(object.Commit(root, parents, request.Author, request.Committer, request.Message), request.Committer.Time)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return view.Put(plumbing.CommitObject, content)
}

// show makes the pull request say what its branch brings.
func (p *proposer) show(ctx context.Context, branch string, pull PullRequest) (PullRequest, error) {
	if pull.State != Open {
		found, there, err := p.host.FindPullRequest(ctx, branch) // an attempt before this one may have opened it
		if err != nil {
			return pull, err
		}
		if there && found.State == Open {
			pull = found
		}
	}
	if pull.State == Open {
		return p.host.UpdatePullRequest(ctx, pull.Number, p.proposal.Title, p.proposal.Body)
	}
	return p.host.CreatePullRequest(ctx, branch, p.s.Branch, p.proposal.Title, p.proposal.Body)
}
