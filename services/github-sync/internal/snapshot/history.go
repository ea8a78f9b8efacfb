package snapshot

import (
	"container/heap"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/object"
)

// Commit is one commit of a history.
type Commit struct {
	ID plumbing.Hash
	object.CommitInfo

	distance int // from where the walk began
}

// Query says which commits of a history are wanted. Times are those of committers.
type Query struct {
	Paths       []string  // in the directory; the directory itself when there are none
	Since       time.Time // the walk does not go beyond a commit before this
	Until       time.Time // commits after this are left out
	FirstParent bool      // of a merge only the first parent is followed
}

// Walk goes through a history, newest first, and finds the commits that changed something, as git log does for a path:
// a merge that took one side as it was is left out, and only that side is followed (History Simplification in
// git-log(1)).
type Walk struct {
	s      *Snapshot
	query  Query
	paths  []string // in the repository
	places map[place]object.Entry
	next   queue
	seen   map[plumbing.Hash]bool
	walked int
	// Cut is whether history goes on where it was not followed: it is too long, or the host does not have it.
	Cut bool
}

// place is a path below a tree.
type place struct {
	tree plumbing.Hash
	path string
}

// History begins a walk at a commit, which the snapshot holds.
func (s *Snapshot) History(from plumbing.Hash, query Query) (*Walk, error) {
	w := &Walk{
		s: s, query: query, paths: []string{s.Directory}, places: map[place]object.Entry{},
		seen: map[plumbing.Hash]bool{},
	}
	if len(query.Paths) > 0 {
		w.paths = nil
	}
	for _, path := range query.Paths {
		if err := checkPath(path); err != nil {
			return nil, err
		}
		w.paths = append(w.paths, joined(s.Directory, path))
	}
	info, held, err := s.commit(from)
	if err != nil {
		return nil, err
	}
	if !held {
		return nil, notOfBranch(from, s.Branch)
	}
	w.add(Commit{ID: from, CommitInfo: info})
	return w, nil
}

func joined(directory, path string) string {
	if directory == "" {
		return path
	}
	return directory + "/" + path
}

func notOfBranch(id plumbing.Hash, branch string) error {
	return errs.New(errs.CommitNotFound, "The branch %s has no commit %s.", branch, id)
}

func (w *Walk) add(c Commit) {
	if !w.seen[c.ID] {
		w.seen[c.ID] = true
		heap.Push(&w.next, queued{c, len(w.seen)})
	}
}

// Done reports whether there is nothing more to find.
func (w *Walk) Done() bool { return len(w.next) == 0 }

// Next finds the next commit; nil at the end.
func (w *Walk) Next(ctx context.Context) (*Commit, error) {
	for !w.Done() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if w.walked++; w.walked > w.s.limits.MaxCommits {
			w.next, w.Cut = nil, true
			return nil, nil
		}
		c := heap.Pop(&w.next).(queued).Commit
		if !w.query.Since.IsZero() && c.Time().Before(w.query.Since) {
			continue
		}
		parents, changed, err := w.follow(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, parent := range parents {
			w.add(parent)
		}
		if changed && (w.query.Until.IsZero() || !c.Time().After(w.query.Until)) {
			return &c, nil
		}
	}
	return nil, nil
}

// queue has the newest commit first, and of those of one second the one that was found first.
type queue []queued

type queued struct {
	Commit
	number int
}

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(c any)   { *q = append(*q, c.(queued)) }

func (q queue) Less(i, j int) bool {
	if order := q[i].Time().Compare(q[j].Time()); order != 0 {
		return order > 0
	}
	return q[i].number < q[j].number
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	c := (*q)[last]
	*q = (*q)[:last]
	return c
}

// follow says where the walk goes on, and whether the commit is one of those wanted. What a commit has changed is not
// known when its parent can't be had.
func (w *Walk) follow(ctx context.Context, c Commit) (parents []Commit, changed bool, err error) {
	own, err := w.view(c.Tree)
	if err != nil {
		return nil, false, err
	}
	if len(c.Parents) == 0 {
		return nil, slices.ContainsFunc(own, func(e object.Entry) bool { return !e.Hash.IsZero() }), nil
	}
	ids := c.Parents
	if w.query.FirstParent {
		ids = ids[:1]
	}
	for _, id := range ids {
		info, held, err := w.s.reach(ctx, id, c.distance+1)
		if err != nil {
			return nil, false, err
		}
		if !held {
			w.Cut = true
			return parents, false, nil
		}
		parent := Commit{ID: id, CommitInfo: info, distance: c.distance + 1}
		theirs, err := w.view(info.Tree)
		if err != nil {
			return nil, false, err
		}
		if slices.Equal(own, theirs) {
			return []Commit{parent}, false, nil
		}
		parents = append(parents, parent)
	}
	return parents, true, nil
}

// view is what a commit has at the paths.
func (w *Walk) view(root plumbing.Hash) ([]object.Entry, error) {
	out := make([]object.Entry, len(w.paths))
	for i, path := range w.paths {
		entry, err := w.at(root, path)
		if err != nil {
			return nil, err
		}
		if path == w.s.Directory && !entry.IsTree() {
			continue // a file in the place of the directory is none of its files
		}
		out[i] = entry
	}
	return out, nil
}

// at remembers what it found: from one commit to the next most trees stay the same.
func (w *Walk) at(tree plumbing.Hash, path string) (object.Entry, error) {
	here := place{tree, path}
	if known, looked := w.places[here]; looked {
		return known, nil
	}
	entry, err := w.s.step(tree, path, w.at)
	if err == nil {
		w.places[here] = entry
	}
	return entry, err
}

// Lookup finds what is at a path below a tree: an entry without a hash when there is nothing. The path "" is the tree
// itself.
func (s *Snapshot) Lookup(tree plumbing.Hash, path string) (object.Entry, error) {
	return s.step(tree, path, s.Lookup)
}

// step looks at the first part of a path, and lets deeper find the rest.
func (s *Snapshot) step(tree plumbing.Hash, path string,
	deeper func(plumbing.Hash, string) (object.Entry, error),
) (object.Entry, error) {
	if tree == object.EmptyTree {
		return object.Entry{}, nil
	}
	if path == "" {
		return object.Entry{Mode: filemode.Dir, Hash: tree}, nil
	}
	name, rest, _ := strings.Cut(path, "/")
	entries, err := s.Entries(tree)
	if err != nil {
		return object.Entry{}, err
	}
	entry, found := find(entries, name)
	switch {
	case !found || rest != "" && !entry.IsTree() || entry.Hash == object.EmptyTree:
		return object.Entry{}, nil
	case rest == "":
		return entry, nil
	}
	return deeper(entry.Hash, rest)
}
