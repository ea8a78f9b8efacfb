package snapshot

import (
	"context"
	"errors"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/store"
)

// commit reads a commit, if it is here.
func (s *Snapshot) commit(id plumbing.Hash) (info object.CommitInfo, held bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return info, false, missing(s.ID)
	}
	if s.base.HasEncodedObject(id) != nil {
		return info, false, nil
	}
	info, err = readCommit(s.base, id)
	return info, true, err
}

// reach reads a commit that is so many steps below the snapshot's. One that is not here is fetched with the history
// above it, in as few steps as may do. It is not held when the history is too long, or the host does not have it
// either.
func (s *Snapshot) reach(ctx context.Context, id plumbing.Hash, distance int) (info object.CommitInfo, held bool,
	err error,
) {
	if info, held, err = s.commit(id); held || err != nil || s.Location.Local() {
		return info, held, err
	}
	s.deepening.Lock()
	defer s.deepening.Unlock()
	for _, depth := range depths {
		if info, held, err = s.commit(id); held || err != nil {
			return info, held, err
		}
		if depth <= distance {
			continue
		}
		if err := s.deepen(ctx, depth); err != nil {
			return info, false, err
		}
	}
	return s.commit(id)
}

// deepen makes sure of so much of the history. The caller holds s.deepening.
func (s *Snapshot) deepen(ctx context.Context, depth int) error {
	if depth <= s.depth || s.Location.Local() {
		return nil
	}
	base, err := s.Repo.Ensure(ctx, s.Remote, s.Branch, s.head, depth)
	if err != nil {
		return movedOn(err, s.Branch)
	}
	if err := s.rest(base); err != nil {
		return err
	}
	s.depth = depth
	return nil
}

// rest reads from a deeper store from now on. What was read before is in that one too.
func (s *Snapshot) rest(base *store.Objects) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.Join(missing(s.ID), base.Close())
	}
	old := s.base
	s.base = base
	return old.Close()
}
