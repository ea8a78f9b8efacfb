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

// generation is a bare repository. A store that is damaged or has grown too large begins a new one; those who read the
// old one go on, and the last of them takes it away.
type generation struct {
	dir string

	mu      sync.Mutex
	readers int
	over    bool
}

func (g *generation) open() *filesystem.Storage {
	return filesystem.NewStorageWithOptions(osfs.New(g.dir), cache.NewObjectLRU(objectCache),
		filesystem.Options{KeepDescriptors: true, LargeObjectThreshold: largeObject})
}

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

func (g *generation) grown() bool {
	packs, err := filepath.Glob(filepath.Join(g.dir, "objects", "pack", "*.pack"))
	return err == nil && len(packs) >= maxPacks
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
	repo *Repo       // nil for a repository on this machine, which is read where it is
	from *generation // likewise
}

// Close ends the reading.
func (o *Objects) Close() error {
	err := o.Storage.Close()
	if o.from != nil {
		err = errors.Join(err, o.from.giveBack())
	}
	return err
}

// Size tells the size of an object, from memory when it was asked for before.
func (o *Objects) Size(id plumbing.Hash) (int64, error) {
	if o.repo == nil {
		return o.EncodedObjectSize(id)
	}
	if size, known := o.repo.sizes.Get(id); known {
		return size, nil
	}
	size, err := o.EncodedObjectSize(id)
	if err == nil {
		o.repo.sizes.Add(id, size)
	}
	return size, err
}

// Discard begins a new generation, after something in this one could not be read. If that has happened already, the new
// one stays.
func (o *Objects) Discard() error {
	if o.repo == nil {
		return nil
	}
	o.repo.mu.Lock()
	defer o.repo.mu.Unlock()
	if o.repo.current != o.from {
		return nil
	}
	return o.repo.renew()
}
