package publish

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/github-sync/internal/github"
	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/services/github-sync/internal/snapshot"
)

// Proposal is how a tree is proposed.
type Proposal struct {
	Branch      string // made when no pull request of a branch in the same folder is open
	Title, Body string
	Known       int32 // the last pull request that was opened for the same; 0 when none is known
	Insist      bool  // proposes again what was closed
}

// mostBranches bounds the branches of a folder that are looked at for an open pull request which nobody remembers: the
// newest, for syncs are in the order of their names.
const mostBranches = 20

// proposer proposes one tree.
type proposer struct {
	hub      *github.Client
	s        *snapshot.Snapshot
	pusher   remote.Pusher
	request  Request
	proposal Proposal
}

// Propose publishes a tree on a branch of its own, and keeps one pull request that proposes to merge it: an open one of
// a branch in the same folder goes on, with a commit more. It never forces, and leaves a branch alone that somebody
// else has committed to.
func Propose(ctx context.Context, s *snapshot.Snapshot, hub *github.Client, request Request, proposal Proposal) (Result,
	github.PullRequest, error,
) {
	if err := hub.Knows(s.Location, s.Login); err != nil {
		return Result{}, github.PullRequest{}, err
	}
	pusher, err := s.Remote.PushRefs(ctx)
	if err != nil {
		return Result{}, github.PullRequest{}, err
	}
	p := &proposer{hub: hub, s: s, pusher: pusher, request: request, proposal: proposal}
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
	if isOpen(pull) {
		branch = pull.Branch
	}
	result, err := p.push(ctx, branch)
	if err != nil {
		return Result{}, pull, err
	}
	failpoint.Hit(failpoint.ProposalPushed)
	pull, err = p.show(ctx, branch, pull)
	failpoint.Hit(failpoint.ProposalShown)
	return result, pull, err
}

func isOpen(pull github.PullRequest) bool { return pull.State == github.Open }

// current finds the pull request of the folder: the one that is open, else the last one that is known.
func (p *proposer) current(ctx context.Context) (github.PullRequest, error) {
	var known github.PullRequest
	if p.proposal.Known > 0 {
		var err error
		known, err = p.hub.GetPullRequest(ctx, p.s.Location, p.s.Login, p.proposal.Known)
		if err != nil && !errs.HasCode(err, errs.GitHubNotFound) {
			return known, err
		}
		if isOpen(known) {
			return known, nil
		}
	}
	prefix := p.proposal.Branch[:strings.LastIndexByte(p.proposal.Branch, '/')+1]
	branches := p.pusher.Under(prefix)
	for _, branch := range slices.Backward(branches[max(0, len(branches)-mostBranches):]) {
		if branch == known.Branch {
			continue
		}
		found, err := p.hub.FindPullRequest(ctx, p.s.Location, p.s.Login, branch)
		if err != nil {
			return known, err
		}
		if isOpen(found) || found.Number > known.Number {
			known = found
		}
		if isOpen(known) {
			return known, nil
		}
	}
	return known, nil
}

// withdraw closes a pull request when the branch has all that it would bring.
func (p *proposer) withdraw(ctx context.Context, pull github.PullRequest) (Result, github.PullRequest, error) {
	if !isOpen(pull) {
		return Result{Commit: p.s.Commit}, pull, nil
	}
	closed, err := p.hub.UpdatePullRequest(ctx, p.s.Location, p.s.Login, pull.Number, github.Update{Close: true})
	return Result{Commit: p.s.Commit}, closed, err
}

// declined reports whether people have closed a proposal of the very same tree.
func (p *proposer) declined(ctx context.Context, pull github.PullRequest) (bool, error) {
	if pull.State != github.Closed || p.proposal.Insist ||
		!plumbing.IsHash(pull.HeadCommit) {
		return false, nil
	}
	then, err := p.s.AtCommit(ctx, plumbing.NewHash(pull.HeadCommit), snapshot.History)
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
	base, err := p.base(ctx, head)
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = base.Close() }() // it was only read
	tip, exists := p.pusher.Head(branch)
	if !exists {
		return p.send(ctx, branch, base, plumbing.ZeroHash, head)
	}
	view, err := p.s.AtCommit(ctx, tip, snapshot.History)
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = view.Close() }() // it was only read
	sync := view.Trailer(layout.TrailerSync)
	if view.Tree == p.request.Tree { // also where somebody has merged the target into it
		return Result{Commit: tip, Committed: path.Base(p.proposal.Branch) == sync}, nil
	}
	if sync == "" {
		return Result{}, errs.New(errs.ProposalEdited,
			"Somebody has committed to the branch %s, which proposes changes of this fabric.", branch)
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

// base returns the head of the branch, if the directory there is still what the tree was made of.
func (p *proposer) base(ctx context.Context, head plumbing.Hash) (*snapshot.Snapshot, error) {
	base, err := p.s.AtCommit(ctx, head, snapshot.Directory)
	if err != nil {
		return nil, err
	}
	if base.Tree != p.s.Tree {
		return nil, errors.Join(directoryMoved(p.s.Directory), base.Close())
	}
	return base, nil
}

// send makes a commit with the tree on top of what a view shows, pushes it, and reads it back.
func (p *proposer) send(ctx context.Context, branch string, view *snapshot.Snapshot, old plumbing.Hash,
	parents ...plumbing.Hash,
) (Result, error) {
	root, _, err := view.Graft(view.Root, view.Directory, p.request.Tree)
	if err != nil {
		return Result{}, err
	}
	commit, err := putCommit(view, root, p.request, parents...)
	if err != nil {
		return Result{}, err
	}
	objects, err := view.WrittenObjects(root)
	if err != nil {
		return Result{}, err
	}
	tip, _ := view.Overlay(commit)
	sent := p.pusher.Push(ctx, branch, old, commit, object.Pack(append(objects, tip)))
	if errs.KindOf(sent) == errs.Conflict {
		return Result{}, settled(moved(ctx, p.s, branch, old, sent))
	}
	if sent != nil && errs.KindOf(sent) != errs.Unavailable {
		return Result{}, sent
	}
	refs, err := p.s.Remote.Refs(ctx)
	switch {
	case err != nil && sent == nil && refuses(err):
		return Result{Commit: commit, Committed: true, Attempts: 1, Unconfirmed: errs.From(err).Message}, nil
	case err != nil:
		return Result{}, errors.Join(sent, err)
	}
	if refs.Branches[branch] != commit {
		return Result{}, errors.Join(sent, errs.New(errs.GitHubConnectionFailed,
			"The branch %s does not show what was pushed to it.", branch))
	}
	return Result{Commit: commit, Committed: true, Attempts: 1}, nil
}

// settled is what a push came to that is not tried again here.
func settled(err error) error {
	var again *retryable
	if errors.As(err, &again) {
		return again.cause
	}
	return err
}

func branchRemoved(branch string) error {
	return errs.New(errs.BranchMoved, "The branch %q was removed on the remote.", branch)
}

func directoryMoved(directory string) error {
	return errs.New(errs.BranchMoved, "The directory %q changed on the remote meanwhile.", directory)
}

// putCommit makes a commit, signed when there is a key.
func putCommit(view *snapshot.Snapshot, root plumbing.Hash, request Request, parents ...plumbing.Hash) (plumbing.Hash,
	error,
) {
	content, err := request.Key.Sign(object.Commit(root, parents, request.Author, request.Committer, request.Message),
		request.Committer.Time)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return view.Put(plumbing.CommitObject, content)
}

// show makes the pull request say what its branch brings.
func (p *proposer) show(ctx context.Context, branch string, pull github.PullRequest) (github.PullRequest, error) {
	if !isOpen(pull) {
		// an attempt before this one may have opened it
		found, err := p.hub.FindPullRequest(ctx, p.s.Location, p.s.Login, branch)
		if err != nil {
			return pull, err
		}
		if isOpen(found) {
			pull = found
		}
	}
	if isOpen(pull) {
		return p.hub.UpdatePullRequest(ctx, p.s.Location, p.s.Login, pull.Number,
			github.Update{Title: p.proposal.Title, Body: p.proposal.Body})
	}
	return p.hub.CreatePullRequest(ctx, p.s.Location, p.s.Login, github.Proposal{
		Branch: branch, Base: p.s.Branch, Title: p.proposal.Title, Body: p.proposal.Body,
	})
}
