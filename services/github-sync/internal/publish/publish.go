// Package publish makes a tree the fabric's directory on the remote: one commit, pushed if the branch is still where
// it was, and read back. It never forces, never retries blind, and says that it succeeded only when the remote shows
// the commit.
package publish

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/snapshot"
)

// Request is what shall be published.
type Request struct {
	Tree    plumbing.Hash
	Message string
	Author  object.Signature
	// Committer is the system; both times are the request's, so that the commit is the same however often it is made.
	Committer object.Signature
}

// Result is what was published.
type Result struct {
	Commit    plumbing.Hash
	Committed bool
	Attempts  int
}

const (
	maxAttempts = 6
	firstPause  = 50 * time.Millisecond
)

// Run publishes. It is made of attempts: each looks where the branch is, puts the directory on top of it, and pushes.
func Run(ctx context.Context, s *snapshot.Snapshot, request Request) (Result, error) {
	var last error
	for attempt := 1; attempt <= maxAttempts; attempt++ {
		if attempt > 1 {
			if err := pause(ctx, attempt); err != nil {
				return Result{}, err
			}
		}
		result, err := try(ctx, s, request)
		result.Attempts = attempt
		var moved *raced
		if err == nil || !errors.As(err, &moved) {
			return result, err
		}
		last = moved.cause
	}
	return Result{}, last
}

// raced says that another attempt can help.
type raced struct{ cause error }

func (r *raced) Error() string { return r.cause.Error() }

func pause(ctx context.Context, attempt int) error {
	longest := firstPause << attempt
	timer := time.NewTimer(longest/2 + rand.N(longest/2))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait to push again: %w", context.Cause(ctx))
	case <-timer.C:
		return nil
	}
}

func try(ctx context.Context, s *snapshot.Snapshot, request Request) (Result, error) {
	pusher, err := s.Remote.PushRefs(ctx)
	if err != nil {
		return Result{}, err
	}
	head, exists := pusher.Head(s.Branch)
	if !exists {
		return Result{}, errs.New(errs.Conflict, errs.BranchMoved, "The branch %q was removed on the remote.", s.Branch)
	}
	base, release, err := onto(ctx, s, head)
	if err != nil {
		return Result{}, err
	}
	defer release()
	commit, pack, err := build(base, head, request)
	if err != nil {
		return Result{}, err
	}
	if pack == nil {
		return Result{Commit: head}, nil
	}
	failpoint.Hit(failpoint.PushBefore)
	if err := pusher.Push(ctx, s.Branch, head, commit, pack); err != nil {
		return afterError(ctx, s, head, commit, pack, err)
	}
	failpoint.Hit(failpoint.PushDone)
	return confirm(ctx, s, head, commit, pack)
}

// onto gives the view that the commit is built on: the snapshot itself, or the new head if the directory did not
// change in between.
func onto(ctx context.Context, s *snapshot.Snapshot, head plumbing.Hash) (*snapshot.Snapshot, func(), error) {
	if head == s.Commit {
		return s, func() {}, nil
	}
	moved, err := s.At(ctx, head)
	if err != nil {
		return nil, nil, err
	}
	if moved.Tree != s.Tree {
		err := errs.New(errs.Conflict, errs.BranchMoved, "The directory %q changed on the remote meanwhile.", s.Directory)
		return nil, nil, errors.Join(err, moved.Close())
	}
	return moved, func() { _ = moved.Close() }, nil // it was only read
}

// build makes the commit and the pack of what is new; no pack when the commit would change nothing.
func build(base *snapshot.Snapshot, parent plumbing.Hash, request Request) (plumbing.Hash, []byte, error) {
	root, err := base.Graft(base.Root, base.Directory, request.Tree)
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	if root == base.Root {
		return parent, nil, nil
	}
	commit, err := base.Put(plumbing.CommitObject, object.Commit(root, parent, request.Author, request.Committer, request.Message))
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	objects, err := base.New(root)
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	head, _ := base.Overlay(commit)
	return commit, object.Pack(append(objects, head)), nil
}

// afterError decides what a failed push came to, by looking at the remote.
func afterError(ctx context.Context, s *snapshot.Snapshot, old, commit plumbing.Hash, pack []byte, cause error) (Result, error) {
	switch errs.KindOf(cause) {
	case errs.Conflict:
		return Result{}, &raced{cause}
	case errs.Unavailable:
	default:
		return Result{}, cause
	}
	landed, err := landed(ctx, s, old, commit)
	if err != nil {
		return Result{}, errors.Join(cause, err)
	}
	if landed {
		return done(ctx, s, commit, pack)
	}
	return Result{}, &raced{cause}
}

// confirm reads the branch back after a push that the remote reported as done.
func confirm(ctx context.Context, s *snapshot.Snapshot, old, commit plumbing.Hash, pack []byte) (Result, error) {
	landed, err := landed(ctx, s, old, commit)
	if err != nil {
		return Result{}, fmt.Errorf("read the branch back: %w", err)
	}
	if !landed {
		return Result{}, &raced{errs.New(errs.Unavailable, errs.GitHubConnectionFailed, "The Git host took the push, and the branch does not show it.")}
	}
	return done(ctx, s, commit, pack)
}

// landed tells whether the branch has the commit: at its head, or below it when others pushed on top.
func landed(ctx context.Context, s *snapshot.Snapshot, old, commit plumbing.Hash) (bool, error) {
	refs, err := s.Remote.Refs(ctx)
	if err != nil {
		return false, err
	}
	switch head := refs.Branches[s.Branch]; head {
	case commit:
		return true, nil
	case old, plumbing.ZeroHash:
		return false, nil
	default:
		return s.HasAncestor(ctx, head, commit, snapshot.RecentDepth)
	}
}

func done(ctx context.Context, s *snapshot.Snapshot, commit plumbing.Hash, pack []byte) (Result, error) {
	// The store is a cache: without the pack the next sync fetches what it needs.
	failpoint.Hit(failpoint.PushConfirmed)
	_ = s.Repo.Add(ctx, s.Branch, commit, pack)
	failpoint.Hit(failpoint.PushStored)
	return Result{Commit: commit, Committed: true}, nil
}

// CommitURL gives the page of a commit on hosts that are known to have one. A repository is known by its key.
func CommitURL(key string, commit plumbing.Hash) string {
	switch {
	case strings.HasPrefix(key, "github.com/"):
		return "https://" + key + "/commit/" + commit.String()
	case strings.HasPrefix(key, "gitlab.com/"):
		return "https://" + key + "/-/commit/" + commit.String()
	}
	return ""
}
