package snapshot

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/github-sync/internal/object"
)

// Ancestor reads a commit of the branch. Others that the host would hand out may be anybody's: they are not found.
func (s *Snapshot) Ancestor(ctx context.Context, id plumbing.Hash) (object.CommitInfo, error) {
	next, seen := []Commit{{ID: s.head}}, map[plumbing.Hash]bool{s.head: true}
	for walked := 0; len(next) > 0 && walked < s.limits.MaxCommits; walked++ {
		if err := ctx.Err(); err != nil {
			return object.CommitInfo{}, err
		}
		c := next[0]
		next = next[1:]
		info, held, err := s.reach(ctx, c.ID, c.distance)
		if err != nil || held && c.ID == id {
			return info, err
		}
		for _, parent := range info.Parents {
			if !seen[parent] {
				seen[parent] = true
				next = append(next, Commit{ID: parent, distance: c.distance + 1})
			}
		}
	}
	return object.CommitInfo{}, notOfBranch(id, s.Branch)
}

// ReturnTo makes the snapshot one of an earlier commit of the branch.
func (s *Snapshot) ReturnTo(ctx context.Context, id plumbing.Hash) error {
	if _, err := s.Ancestor(ctx, id); err != nil {
		return err
	}
	s.Commit, s.ReadOnly = id, true
	return s.resolve()
}

// ReturnBefore makes the snapshot one of what the branch was at a time.
func (s *Snapshot) ReturnBefore(ctx context.Context, when time.Time) error {
	id := s.head
	for distance := range s.limits.MaxCommits {
		if err := ctx.Err(); err != nil {
			return err
		}
		info, held, err := s.reach(ctx, id, distance)
		if err != nil {
			return err
		}
		if held && !info.Time().After(when) {
			s.Commit, s.ReadOnly = id, true
			return s.resolve()
		}
		if len(info.Parents) == 0 {
			break
		}
		id = info.Parents[0]
	}
	return errs.New(errs.CommitNotFound, "The branch %s has no commit from before %s.", s.Branch, when.UTC().
		Format(time.RFC3339)).
		WithRemedy("Name a later time, or a commit.")
}

// Changes lists what a commit has changed in the directory, or at paths in it, against its first parent.
func (s *Snapshot) Changes(ctx context.Context, c *Commit, paths []string) ([]Pair, error) {
	old := object.EmptyTree
	if len(c.Parents) > 0 {
		parent, held, err := s.reach(ctx, c.Parents[0], c.distance+1)
		if err != nil || !held {
			return nil, err
		}
		old = parent.Tree
	}
	return s.Between(old, c.Tree, paths)
}

// Between lists what differs in the directory, or at paths in it, between the trees of two commits.
func (s *Snapshot) Between(from, to plumbing.Hash, paths []string) ([]Pair, error) {
	for _, path := range paths {
		if err := checkPath(path); err != nil {
			return nil, err
		}
	}
	old, err := s.Lookup(from, s.Directory)
	if err != nil {
		return nil, err
	}
	next, err := s.Lookup(to, s.Directory)
	if err != nil {
		return nil, err
	}
	pairs, err := s.Compare(treeOf(old), treeOf(next))
	if err != nil || len(paths) == 0 {
		return pairs, err
	}
	return slices.DeleteFunc(pairs, func(p Pair) bool {
		return !slices.ContainsFunc(paths, func(path string) bool {
			return p.Path == path ||
				strings.HasPrefix(p.Path, path+"/")
		})
	}), nil
}

// Restore makes paths of the snapshot's tree what they were in that of an earlier commit, and returns the new tree.
func (s *Snapshot) Restore(ctx context.Context, id plumbing.Hash, paths []string) (plumbing.Hash, error) {
	info, err := s.Ancestor(ctx, id)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	then, err := s.Lookup(info.Tree, s.Directory)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if len(paths) == 0 {
		paths = []string{layout.Managed}
	}
	tree := s.Tree
	for _, path := range paths {
		old, err := s.restorable(id, treeOf(then), path)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if tree, _, err = s.setEntry(tree, path, old); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	return tree, nil
}

// restorable finds what a path was in a tree, and refuses what can't be brought back.
func (s *Snapshot) restorable(id, then plumbing.Hash, path string) (object.Entry, error) {
	if err := checkPath(path); err != nil {
		return object.Entry{}, err
	}
	if path == layout.Metadata || layout.Part(path) == layout.Metadata {
		return object.Entry{}, refused("%s can't be restored: the logs of %s/ only grow.", path, layout.Metadata)
	}
	if strings.Count(path, "/") >= s.limits.MaxDepth {
		return object.Entry{}, tooDeep(s.limits.MaxDepth)
	}
	old, err := s.Lookup(then, path)
	if err != nil {
		return old, err
	}
	if path == layout.Managed && !old.IsTree() {
		return old, refused("The commit %s has no %s/ in the directory %q.", id, layout.Managed, s.Directory)
	}
	now, err := s.Lookup(s.Tree, path)
	if err != nil {
		return old, err
	}
	if old.Hash.IsZero() && now.Hash.IsZero() {
		return old, refused("There is no %s, neither in the directory nor in what it was at %s.", path, id)
	}
	return old, s.throughFolders(path)
}

// throughFolders refuses a path whose place is taken by a file now, further up.
func (s *Snapshot) throughFolders(path string) error {
	for i, char := range path {
		if char != '/' {
			continue
		}
		above, err := s.Lookup(s.Tree, path[:i])
		if err != nil {
			return err
		}
		if !above.Hash.IsZero() && above.Mode != filemode.Dir {
			return refused("%s can't be restored: %s is a file now.", path, path[:i])
		}
	}
	return nil
}

func refused(format string, args ...any) error {
	return errs.New(errs.RestoreRefused, format, args...)
}

// checkPath holds that a path may be one of a file or folder in the directory.
func checkPath(path string) error {
	for part := range strings.SplitSeq(path, "/") {
		if err := object.CheckName(part); err != nil {
			return errs.New(errs.InvalidRequest, "The path %.100q is none of a file or folder in the directory.", path)
		}
	}
	return nil
}
