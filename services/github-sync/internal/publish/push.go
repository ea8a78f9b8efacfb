package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/services/github-sync/internal/snapshot"
)

// push looks where the branch is, puts a commit of each of the group on top of it, one after the other, and pushes
// them. It returns those who try again.
func (p *Publisher) push(ctx context.Context, group []*waiter, permit *permit) (again []*waiter) {
	from := group[0].from
	pusher, err := from.Remote.PushRefs(ctx)
	if err != nil {
		return resolve(group, err)
	}
	head, exists := pusher.Head(from.Branch)
	if !exists {
		return resolve(group, branchRemoved(from.Branch))
	}
	base, release, err := onto(ctx, group, head)
	if err != nil {
		return resolve(group, err)
	}
	defer release()
	c := newChain(base, head)
	group = c.addAll(group)
	if len(group) == 0 {
		return nil
	}
	permit.use()
	p.options.Commits.Observe(float64(len(group)))
	pack := object.Pack(c.objects)
	failpoint.Hit(failpoint.PushBefore)
	err = pusher.Push(ctx, from.Branch, head, c.tip, pack)
	if err == nil {
		failpoint.Hit(failpoint.PushDone)
	}
	unconfirmed, err := outcome(ctx, from, head, c.tip, err)
	if err != nil {
		return resolve(group, err)
	}
	failpoint.Hit(failpoint.PushConfirmed)
	_ = from.Repo.Add(ctx, from.Branch, head, c.tip, pack) // a cache: without the pack the next sync fetches what it needs
	failpoint.Hit(failpoint.PushStored)
	for _, m := range group {
		m.tell(Result{Commit: m.commit, Committed: true, Unconfirmed: unconfirmed}, nil)
	}
	return nil
}

// onto returns the view that the commits are built on: the new head, which the store has when it was pushed from here,
// or the snapshot of one who publishes alone to a branch that has not moved.
func onto(ctx context.Context, group []*waiter, head plumbing.Hash) (*snapshot.Snapshot, func(), error) {
	from := group[0].from
	if len(group) == 1 && head == from.Commit {
		return from, func() {}, nil
	}
	whole, err := from.AtCommit(ctx, head, snapshot.Repository)
	if err != nil {
		return nil, nil, err
	}
	return whole, func() { _ = whole.Close() }, nil // it was only read
}

// chain is commits that are made one on top of the other.
type chain struct {
	base    *snapshot.Snapshot
	head    plumbing.Hash // of the branch
	tip     plumbing.Hash
	root    plumbing.Hash // tree of the tip
	objects []object.Object
	has     map[plumbing.Hash]bool
}

func newChain(base *snapshot.Snapshot, head plumbing.Hash) *chain {
	return &chain{base: base, head: head, tip: head, root: base.Root, has: map[plumbing.Hash]bool{}}
}

// addAll adds a commit of each, and returns those who have one. The others are told what keeps them from it.
func (c *chain) addAll(group []*waiter) (added []*waiter) {
	for _, m := range group {
		if m.ctx.Err() != nil {
			m.tell(Result{}, cancelled(m))
			continue
		}
		commits, err := c.add(m)
		switch {
		case err != nil:
			m.tell(Result{}, err)
		case !commits:
			m.tell(Result{Commit: c.head}, nil)
		default:
			added = append(added, m)
		}
	}
	return added
}

// add adds a commit, if the directory did not change since the snapshot, and shall.
func (c *chain) add(m *waiter) (commits bool, err error) {
	now, _, err := c.base.Subtree(c.base.Root, m.from.Directory)
	if err != nil {
		return false, err
	}
	if now != m.from.Tree {
		return false, directoryMoved(m.from.Directory)
	}
	if now == m.request.Tree {
		return false, nil
	}
	root, written, err := c.base.Graft(c.root, m.from.Directory, m.request.Tree)
	if err != nil {
		return false, err
	}
	commit, err := putCommit(c.base, root, m.request, c.tip)
	if err != nil {
		return false, err
	}
	o, _ := c.base.Overlay(commit)
	c.take(m.objects)
	c.take(append(written, o))
	m.commit, c.tip, c.root = commit, commit, root
	return true, nil
}

// take takes objects into the pack, each once.
func (c *chain) take(objects []object.Object) {
	for _, o := range objects {
		if !c.has[o.Hash] {
			c.has[o.Hash] = true
			c.objects = append(c.objects, o)
		}
	}
}

// outcome decides what a push came to: by its error, or by looking at the remote. Without an error the commits are
// there; they are unconfirmed when the host said that it took them, and refuses to show them.
func outcome(ctx context.Context, s *snapshot.Snapshot, old, tip plumbing.Hash, cause error) (unconfirmed string,
	err error,
) {
	switch kind := errs.KindOf(cause); {
	case cause == nil:
	case kind == errs.Conflict:
		return "", moved(ctx, s, s.Branch, old, cause)
	case kind != errs.Unavailable:
		return "", cause
	}
	landed, err := landed(ctx, s, old, tip)
	switch {
	case err != nil && cause == nil && refuses(err):
		return errs.From(err).Message, nil
	case err != nil:
		return "", errors.Join(cause, fmt.Errorf("read the branch back: %w", err))
	case landed:
		return "", nil
	case cause == nil:
		cause = errs.New(errs.GitHubConnectionFailed, "The Git host took the push, and the branch does not show it.")
	}
	return "", &retryable{cause: cause}
}

// refuses reports whether a host answers and does not want to: asking again gets the same answer.
func refuses(err error) bool {
	return slices.Contains([]errs.Kind{errs.Precondition, errs.Limited}, errs.KindOf(err))
}

// moved decides whether a push was refused because the branch has moved, which hosts have the same words for as for
// other things. When it has not, what the host said is the outcome, at the second time at the latest.
func moved(ctx context.Context, s *snapshot.Snapshot, branch string, old plumbing.Hash, cause error) error {
	var refused *remote.MovedError
	if !errors.As(cause, &refused) {
		return &retryable{cause: cause}
	}
	refs, err := s.Remote.Refs(ctx)
	switch {
	case err != nil || refs.Branches[branch] != old:
		return &retryable{cause: cause}
	case refused.Locked:
		return &retryable{cause: refused.Refusal, last: true}
	}
	return refused.Refusal
}

// landed reports whether the branch has the commits: the last one at its head, or below it when others pushed on top.
func landed(ctx context.Context, s *snapshot.Snapshot, old, tip plumbing.Hash) (bool, error) {
	refs, err := s.Remote.Refs(ctx)
	if err != nil {
		return false, err
	}
	switch head := refs.Branches[s.Branch]; head {
	case tip:
		return true, nil
	case old, plumbing.ZeroHash:
		return false, nil
	default:
		return s.HasAncestor(ctx, head, tip, snapshot.RecentDepth)
	}
}
