package snapshot

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
)

// mostProposals bounds the branches that are looked at for an origin.
const mostProposals = 20

// Origin is a commit from which the directory is what it is in the snapshot.
type Origin struct {
	Commit plumbing.Hash
	Time   time.Time
}

// Origin is where what the snapshot holds comes from: its own commit, or that from which one of the branches that begin
// so was made, if the directory has not changed since. What is written from one origin is the same each time, so that a
// proposal stays as it is when only others have changed the branch.
func (s *Snapshot) Origin(ctx context.Context, proposals string) (Origin, error) {
	own := Origin{s.Commit, s.Time}
	if proposals == "" {
		return own, nil
	}
	var branches []string
	for branch := range s.branches {
		if strings.HasPrefix(branch, proposals) {
			branches = append(branches, branch)
		}
	}
	slices.Sort(branches)
	for _, branch := range branches[:min(len(branches), mostProposals)] {
		origin, found, err := s.originOf(ctx, s.branches[branch])
		if err != nil || found {
			return origin, err
		}
	}
	return own, nil
}

// originOf reads the origin from the trailers of a proposing commit.
func (s *Snapshot) originOf(ctx context.Context, tip plumbing.Hash) (Origin, bool, error) {
	proposed, err := s.AtCommit(ctx, tip, History)
	if err != nil {
		return Origin{}, false, unlessGone(err)
	}
	base := proposed.Trailer(layout.TrailerBase)
	if err := proposed.Close(); err != nil || !plumbing.IsHash(base) {
		return Origin{}, false, err
	}
	before, err := s.AtCommit(ctx, plumbing.NewHash(base), History)
	if err != nil {
		return Origin{}, false, unlessGone(err)
	}
	return Origin{before.Commit, before.Time}, before.Tree == s.Tree, before.Close()
}

// unlessGone drops the error of a commit that the host has no more.
func unlessGone(err error) error {
	if errs.HasCode(err, errs.CommitNotFound) || errs.HasCode(err, errs.DirectoryInvalid) {
		return nil
	}
	return err
}
