package snapshot

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/services/github-sync/internal/object"
)

// HasAncestor tells whether a commit is among the last commits up to a head of the branch.
func (s *Snapshot) HasAncestor(ctx context.Context, head, commit plumbing.Hash, depth int) (found bool, err error) {
	base, err := s.Repo.Ensure(ctx, s.Remote, s.Branch, head, depth)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	next, seen := []plumbing.Hash{head}, map[plumbing.Hash]bool{}
	for len(next) > 0 && len(seen) < depth {
		id := next[0]
		next = next[1:]
		if id == commit {
			return true, nil
		}
		if seen[id] || base.HasEncodedObject(id) != nil {
			continue // beyond what was fetched
		}
		seen[id] = true
		content, err := readFrom(base, plumbing.CommitObject, id)
		if err != nil {
			return false, err
		}
		info, err := object.ParseCommit(content)
		if err != nil {
			return false, fmt.Errorf("read commit %s: %w", id, err)
		}
		next = append(next, info.Parents...)
	}
	return false, nil
}
