package snapshot

import (
	"context"
	"errors"
	"maps"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/store"
)

// Scope says what a view of another commit shows, and where the commit is looked for.
type Scope int

const (
	// Directory shows the fabric directory at a head of the branch, over what was written here.
	Directory Scope = iota
	// Repository shows the whole repository at a head of the branch, without what was written here.
	Repository
	// History shows the fabric directory, over what was written here, at any commit that the host hands out or that the
	// branch leads back to.
	History
)

// AtCommit returns a view of another commit, which the caller closes. FGD_4007 when a head of the branch is no longer
// there, FGD_4013 when the commit is not found in history.
func (s *Snapshot) AtCommit(ctx context.Context, commit plumbing.Hash, scope Scope) (*Snapshot, error) {
	if scope == History {
		return s.inHistory(ctx, commit)
	}
	base, err := s.Repo.Ensure(ctx, s.Remote, s.Branch, commit, 1)
	if err != nil {
		return nil, movedOn(err, s.Branch)
	}
	return s.view(base, commit, scope)
}

// depths are how far the history of a branch is fetched, one after another, to find a commit that the host does not
// hand out by its id.
var depths = []int{100, 2_000, 20_000}

// inHistory asks for a commit by its id. Hosts may refuse to hand out one that is no head
// (uploadpack.allowReachableSHA1InWant in git-config(1)); then the branch is followed back.
func (s *Snapshot) inHistory(ctx context.Context, commit plumbing.Hash) (*Snapshot, error) {
	// The name keeps what was fetched of the branch as it is: that is what the next fetch starts from.
	base, err := s.Repo.Ensure(ctx, s.Remote, "since/"+s.Branch, commit, 1)
	if err == nil {
		if _, err := base.EncodedObject(plumbing.CommitObject, commit); err != nil { // the id may be that of anything
			return nil, errors.Join(errs.New(errs.CommitNotFound, "The repository has no commit %s.", commit), base.Close())
		}
		return s.view(base, commit, History)
	}
	if !errs.HasCode(err, errs.CommitNotFound) {
		return nil, err
	}
	for _, depth := range depths {
		found, searchErr := s.HasAncestor(ctx, s.Commit, commit, depth)
		if searchErr != nil {
			return nil, searchErr
		}
		if found {
			return s.AtCommit(ctx, commit, Directory)
		}
	}
	return nil, err
}

// view returns a snapshot of another commit, which has its objects and closes them.
func (s *Snapshot) view(base *store.Objects, commit plumbing.Hash, scope Scope) (*Snapshot, error) {
	other := &Snapshot{
		ID: s.ID, Branch: s.Branch, Commit: commit, Location: s.Location, Remote: s.Remote, Repo: s.Repo,
		limits: s.limits, base: base, overlay: map[plumbing.Hash]object.Object{}, deflater: object.NewDeflater(),
	}
	if scope != Repository {
		other.Directory, other.Login, other.head, other.branches = s.Directory, s.Login, s.head, s.branches
		s.mu.Lock()
		maps.Copy(other.overlay, s.overlay)
		s.mu.Unlock()
	}
	if err := other.resolve(); err != nil {
		return nil, errors.Join(err, other.Close())
	}
	return other, nil
}

// movedOn explains why a host does not hand out what it has just called the head of a branch.
func movedOn(err error, branch string) error {
	if errs.HasCode(err, errs.CommitNotFound) {
		return errs.New(errs.BranchMoved, "The branch %s was rewritten while it was fetched.", branch).WithCause(err)
	}
	return err
}
