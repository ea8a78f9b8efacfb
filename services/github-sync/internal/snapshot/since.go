package snapshot

import (
	"context"
	"errors"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/store"
)

// depths are how far the history of a branch is fetched, one after another, to find a commit that the host does not
// hand out by its id.
var depths = []int{100, 2_000, 20_000}

// Since returns a view of the same directory at an earlier commit. Hosts may refuse to hand out a commit that is no
// head (uploadpack.allowReachableSHA1InWant in git-config(1)); then the branch is followed back.
func (s *Snapshot) Since(ctx context.Context, commit plumbing.Hash) (*Snapshot, error) {
	// The name keeps what was fetched of the branch as it is: that is what the next fetch starts from.
	base, err := s.Repo.Ensure(ctx, s.Remote, "since/"+s.Branch, commit, 1)
	if err == nil {
		return s.overCommit(base, commit)
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
			return s.At(ctx, commit)
		}
	}
	return nil, err
}

// overCommit is over for an object that may be anything.
func (s *Snapshot) overCommit(base *store.Objects, id plumbing.Hash) (*Snapshot, error) {
	if _, err := base.EncodedObject(plumbing.CommitObject, id); err != nil {
		return nil, errors.Join(errs.New(errs.CommitNotFound, "The repository has no commit %s.", id), base.Close())
	}
	return s.over(base, id)
}
