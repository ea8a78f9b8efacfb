package snapshot

import (
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/services/github-sync/internal/object"
)

// Pair is a path that differs between two trees; the side it is missing on has a zero hash.
type Pair struct {
	Path     string
	Old, New Leaf
}

// Compare lists the paths that differ between two trees, in order.
func (s *Snapshot) Compare(from, to plumbing.Hash) ([]Pair, error) {
	c := comparison{olds: s, news: s}
	return c.run(from, to)
}

// CompareSince lists the files of the directory that differ between the snapshot's commit, of which another snapshot is
// given, and its own.
func (s *Snapshot) CompareSince(since *Snapshot) ([]Pair, error) {
	c := comparison{olds: since, news: s}
	return c.run(since.Tree, s.Tree)
}

// comparison reads each side where it is held.
type comparison struct {
	olds, news *Snapshot
	pairs      []Pair
	seen       int
}

func (c *comparison) run(from, to plumbing.Hash) ([]Pair, error) {
	if err := c.compare(from, to, "", 0); err != nil {
		return nil, err
	}
	slices.SortFunc(c.pairs, func(a, b Pair) int { return strings.Compare(a.Path, b.Path) })
	return c.pairs, nil
}

// compare goes down only where the trees differ, and not into what lies too deep to be a file of ours.
func (c *comparison) compare(from, to plumbing.Hash, prefix string, depth int) error {
	if from == to || depth >= c.news.limits.MaxDepth {
		return nil
	}
	olds, err := c.olds.openFolder(from)
	if err != nil {
		return err
	}
	news, err := c.news.openFolder(to)
	if err != nil {
		return err
	}
	names := union(olds.entries, news.entries)
	if c.seen += len(names); c.seen > c.news.limits.MaxEntries {
		return tooMany(c.news.limits.MaxEntries)
	}
	for name := range names {
		old, next := olds.entries[name], news.entries[name]
		if old.Hash == next.Hash && old.Mode == next.Mode {
			continue
		}
		path := prefix + shown(name)
		if err := c.compare(treeOf(old), treeOf(next), path+"/", depth+1); err != nil {
			return err
		}
		if pair := (Pair{path, leafOf(path, old), leafOf(path, next)}); pair.Old != pair.New {
			c.pairs = append(c.pairs, pair)
		}
	}
	return nil
}

func union(a, b map[string]object.Entry) map[string]bool {
	out := make(map[string]bool, max(len(a), len(b)))
	for name := range a {
		out[name] = true
	}
	for name := range b {
		out[name] = true
	}
	return out
}

func treeOf(e object.Entry) plumbing.Hash {
	if e.IsTree() {
		return e.Hash
	}
	return object.EmptyTree
}

// shown escapes a name that nothing of ours may have, so that its path can be told.
func shown(name string) string {
	if object.CheckName(name) != nil {
		return object.Escaped(name)
	}
	return name
}

func leafOf(path string, e object.Entry) Leaf {
	if e.Hash.IsZero() || e.IsTree() {
		return Leaf{}
	}
	return Leaf{Path: path, Mode: e.Mode, Hash: e.Hash}
}
