package store

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

const (
	maxPacks    = 50
	objectCache = 16 * cache.MiByte
	largeObject = 1 << 20
)

// generation is a bare repository. A store that is damaged or has grown too large begins a new one; those who read the
// old one go on, and the last of them takes it away.
type generation struct {
	dir    string
	depths map[plumbing.Hash]int // to which histories were fetched, under the store's lock; the packs bound how many there are

	mu      sync.Mutex
	readers int
	over    bool
}

func (g *generation) open() *filesystem.Storage {
	return filesystem.NewStorageWithOptions(osfs.New(g.dir), cache.NewObjectLRU(objectCache),
		filesystem.Options{KeepDescriptors: true, LargeObjectThreshold: largeObject})
}

// depth is how much of the history up to a commit is here, if the commit is.
func (g *generation) depth(commit plumbing.Hash) int { return max(g.depths[commit], 1) }

// held opens the generation if it has the commit. Its tree came in the same pack.
func (g *generation) held(commit plumbing.Hash) (*filesystem.Storage, error) {
	if _, err := os.Stat(g.dir); err != nil {
		return nil, err
	}
	s := g.open()
	if _, err := s.EncodedObject(plumbing.CommitObject, commit); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// grown tells whether it has become too large to go on with. One pack is as little as a new one would have.
func (g *generation) grown(maxBytes int64) bool {
	packs, err := filepath.Glob(filepath.Join(g.dir, "objects", "pack", "*.pack"))
	if err != nil || len(packs) < 2 {
		return false
	}
	var bytes int64
	for _, path := range packs {
		if info, err := os.Stat(path); err == nil {
			bytes += info.Size()
		}
	}
	return len(packs) >= maxPacks || bytes > maxBytes
}

func (g *generation) lend() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.readers++
}

func (g *generation) giveBack() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.readers--
	return g.removeUnread()
}

// end says that nobody else will read it.
func (g *generation) end() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	return g.removeUnread()
}

func (g *generation) removeUnread() error {
	if !g.over || g.readers > 0 {
		return nil
	}
	if err := os.RemoveAll(g.dir); err != nil {
		return storageFailed(err)
	}
	return nil
}

// left finds the generation that an earlier process left in a folder, and takes away what else it left: older ones, and
// packs that were on their way when it ended. Nothing left is 0.
func left(dir string) (number int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, nil //nolint:nilerr // there is no such folder yet; one that can't be read shows when it is written
	}
	for _, entry := range entries {
		if n, err := strconv.Atoi(entry.Name()); err == nil {
			number = max(number, n)
		}
	}
	newest := strconv.Itoa(number)
	for _, entry := range entries {
		if entry.Name() != newest {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
		}
	}
	unfinished, globErr := filepath.Glob(filepath.Join(dir, newest, "objects", "pack", "tmp_*"))
	for _, path := range unfinished {
		err = errors.Join(err, os.Remove(path))
	}
	if err = errors.Join(err, globErr); err != nil {
		return 0, storageFailed(err)
	}
	return number, nil
}

// Objects is a store that is opened for reading. It is not for concurrent use.
type Objects struct {
	*filesystem.Storage
	pool *Pool // nil for a repository on this machine, which is read where it is
	of   *bare
	from *generation
}

// Close ends the reading.
func (o *Objects) Close() error {
	err := o.Storage.Close()
	if o.pool != nil {
		err = errors.Join(err, o.from.giveBack())
		o.pool.giveBack(o.of)
	}
	return err
}

// Size tells the size of an object, from memory when it was asked for before.
func (o *Objects) Size(id plumbing.Hash) (int64, error) {
	if o.pool == nil {
		return o.EncodedObjectSize(id)
	}
	if size, known := o.of.sizes.Get(id); known {
		return size, nil
	}
	size, err := o.EncodedObjectSize(id)
	if err == nil {
		o.of.sizes.Add(id, size)
	}
	return size, err
}

// Discard begins a new generation, after something in this one could not be read. If that has happened already, the new
// one stays.
func (o *Objects) Discard() error {
	if o.pool == nil {
		return nil
	}
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	if o.of.current != o.from {
		return nil
	}
	return o.of.renew()
}
