package snapshot

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/store"
)

// RecentDepth is how many of the last commits of a branch are looked at to find one that was pushed a moment ago. A
// push brings up to a hundred.
const RecentDepth = 250

// HasAncestor reports whether a commit is among the last commits up to a head of the branch.
func (s *Snapshot) HasAncestor(ctx context.Context, head, commit plumbing.Hash, depth int) (bool, error) {
	found, err := s.findAncestor(ctx, head, depth, func(id plumbing.Hash,
		_ object.CommitInfo,
	) bool {
		return id == commit
	})
	return !found.IsZero(), err
}

// OfSync returns a view of the same directory at the commit of a sync, and one at the commit before it. Both are nil
// when the commit is not among the last ones.
func (s *Snapshot) OfSync(ctx context.Context, syncID string) (at, before *Snapshot, err error) {
	commit := s.Commit
	if s.info.Trailer(layout.TrailerSync) != syncID {
		commit, err = s.findAncestor(ctx, s.Commit, RecentDepth, func(_ plumbing.Hash, info object.CommitInfo) bool {
			return info.Trailer(layout.TrailerSync) == syncID
		})
		if err != nil || commit.IsZero() {
			return nil, nil, err
		}
	}
	if at, err = s.AtCommit(ctx, commit, History); err != nil {
		return nil, nil, err
	}
	if len(at.info.Parents) == 0 {
		return nil, nil, errors.Join(fmt.Errorf("commit %s of sync %s has no parent", commit, syncID), at.Close())
	}
	if before, err = s.AtCommit(ctx, at.info.Parents[0], History); err != nil {
		return nil, nil, errors.Join(err, at.Close())
	}
	return at, before, nil
}

// findAncestor finds a commit among the last ones up to a head of the branch; zero when there is none. More of the
// history is fetched only when what is here ends before.
func (s *Snapshot) findAncestor(ctx context.Context, head plumbing.Hash, depth int,
	wanted func(plumbing.Hash, object.CommitInfo) bool,
) (plumbing.Hash, error) {
	found, cut, err := s.search(ctx, head, 1, depth, wanted)
	if err == nil && found.IsZero() && cut {
		found, _, err = s.search(ctx, head, depth, depth, wanted)
	}
	return found, err
}

// search looks for a commit among the last ones up to a head of which so much of the history is made sure of, and
// reports whether what is here ended before it had seen as many as it may.
func (s *Snapshot) search(ctx context.Context, head plumbing.Hash, depth, limit int,
	wanted func(plumbing.Hash, object.CommitInfo) bool,
) (found plumbing.Hash, cut bool, err error) {
	base, err := s.Repo.Ensure(ctx, s.Remote, s.Branch, head, depth)
	if err != nil {
		return plumbing.ZeroHash, false, err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	next, seen := []plumbing.Hash{head}, map[plumbing.Hash]bool{}
	for len(next) > 0 && len(seen) < limit {
		id := next[0]
		next = next[1:]
		if seen[id] {
			continue
		}
		if base.HasEncodedObject(id) != nil {
			cut = true
			continue
		}
		seen[id] = true
		info, err := readCommit(base, id)
		if err != nil {
			return plumbing.ZeroHash, cut, err
		}
		if wanted(id, info) {
			return id, cut, nil
		}
		next = append(next, info.Parents...)
	}
	return plumbing.ZeroHash, cut, nil
}

func readCommit(base *store.Objects, id plumbing.Hash) (object.CommitInfo, error) {
	content, err := readFrom(base, plumbing.CommitObject, id)
	if err != nil {
		return object.CommitInfo{}, err
	}
	info, err := object.ParseCommit(content)
	if err != nil {
		return info, fmt.Errorf("read commit %s: %w", id, err)
	}
	return info, nil
}
