package snapshot

import (
	"context"
	"fmt"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/github-sync/internal/object"
)

// recentDepths are how far the history is fetched, one after another, to find the last sync. It is mostly among the
// last few commits, and these are soon fetched.
var recentDepths = []int{10, RecentDepth}

// LastSync is what the last sync of the directory left.
type LastSync struct {
	Commit plumbing.Hash // zero when none was found
	Time   time.Time     // of the commit
	Tree   plumbing.Hash // of the directory
	Cut    bool          // none was found, and history goes on
}

// FindLastSync finds the newest commit of a sync that changed the directory, among the last ones up to the snapshot's.
// Syncs of other directories have the same trailers, and may be of a fabric with the same number and name: the change
// tells them apart.
func (s *Snapshot) FindLastSync(ctx context.Context) (last LastSync, err error) {
	for _, depth := range recentDepths {
		if err = s.fetchTo(ctx, depth); err != nil {
			return last, err
		}
		if last, err = s.lastSync(ctx); err != nil || !last.Cut {
			return last, err
		}
	}
	return last, nil
}

func (s *Snapshot) fetchTo(ctx context.Context, depth int) error {
	s.deepening.Lock()
	defer s.deepening.Unlock()
	return s.deepen(ctx, depth)
}

// lastSync looks through what is here.
func (s *Snapshot) lastSync(ctx context.Context) (last LastSync, err error) {
	next, seen := []plumbing.Hash{s.Commit}, map[plumbing.Hash]bool{s.Commit: true}
	for walked := 0; len(next) > 0; walked++ {
		if ctx.Err() != nil {
			return last, fmt.Errorf("look for the last sync: %w", context.Cause(ctx))
		}
		id := next[0]
		next = next[1:]
		info, held, err := s.commit(id)
		if err != nil {
			return last, err
		}
		if !held || walked >= RecentDepth {
			last.Cut = true
			continue
		}
		tree, left, known, err := s.leftBySync(info)
		if err != nil || left {
			return LastSync{Commit: id, Time: info.Time(), Tree: tree}, err
		}
		last.Cut = last.Cut || !known
		for _, parent := range info.Parents {
			if !seen[parent] {
				seen[parent] = true
				next = append(next, parent)
			}
		}
	}
	return last, nil
}

// leftBySync returns the directory at a commit if a sync has made it so. That is not known when the commit before is
// not here.
func (s *Snapshot) leftBySync(info object.CommitInfo) (tree plumbing.Hash, left, known bool, err error) {
	if info.Trailer(layout.TrailerSync) == "" {
		return tree, false, true, nil
	}
	now, err := s.Lookup(info.Tree, s.Directory)
	if err != nil || len(info.Parents) == 0 {
		return treeOf(now), true, true, err
	}
	before, held, err := s.commit(info.Parents[0])
	if err != nil || !held {
		return tree, false, false, err
	}
	then, err := s.Lookup(before.Tree, s.Directory)
	return treeOf(now), treeOf(now) != treeOf(then), true, err
}
