package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"fgdsync.dev/libs/errs"
)

const (
	maxPacks    = 50
	objectCache = 16 * cache.MiByte
	largeObject = 1 << 20
)

// generation is a bare repository. A store that is damaged or has grown too large begins a new one; those who read the
// old one go on, and the last of them takes it away.
type generation struct {
	dir string
	// to which histories were fetched, under the store's lock; the packs bound how many there are
	depths map[plumbing.Hash]int

	idle *idle

	mu      sync.Mutex
	readers int
	over    bool
	state   int // one more with every pack
}

// open opens it, if nobody has left it open.
func (g *generation) open() opened {
	g.mu.Lock()
	defer g.mu.Unlock()
	if o, open := g.idle.take(g); open {
		return o
	}
	objects := cache.NewObjectLRU(objectCache)
	s := filesystem.NewStorageWithOptions(osfs.New(g.dir), objects,
		filesystem.Options{KeepDescriptors: true, LargeObjectThreshold: largeObject})
	return opened{Storage: s, objects: objects, state: g.state}
}

// changed says that there is a pack more, which those do not know who have opened the generation before.
func (g *generation) changed() (state int, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state++
	return g.state, g.idle.drop(g)
}

// depth is how much of the history up to a commit is here, if the commit is.
func (g *generation) depth(commit plumbing.Hash) int { return max(g.depths[commit], 1) }

// held opens the generation if it has the commit. Its tree came in the same pack.
func (g *generation) held(commit plumbing.Hash) (opened, error) {
	if _, err := os.Stat(g.dir); err != nil {
		return opened{}, err
	}
	o := g.open()
	if _, err := o.EncodedObject(plumbing.CommitObject, commit); err != nil {
		return opened{}, errors.Join(err, o.Close())
	}
	return o, nil
}

// grown reports whether it has become too large to go on with. One pack is as little as a new one would have.
func (g *generation) grown(maxBytes int64) bool {
	packs, bytes := g.files("*.pack")
	return packs > 1 && (packs >= maxPacks || bytes > maxBytes)
}

// files returns how many files of a kind there are among its packs, and how large they are together.
func (g *generation) files(pattern string) (number int, bytes int64) {
	paths, err := filepath.Glob(filepath.Join(g.dir, "objects", "pack", pattern))
	if err != nil {
		return 0, 0
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			bytes += info.Size()
		}
	}
	return len(paths), bytes
}

func (g *generation) acquire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.readers++
}

// release ends a reading. What was opened stays open for the next one, if that one would see all there is.
func (g *generation) release(o opened) error {
	_, o.bytes = g.files("*.idx")
	g.mu.Lock()
	defer g.mu.Unlock()
	g.readers--
	if g.over || o.state != g.state {
		return errors.Join(o.Close(), g.removeUnread())
	}
	return g.idle.put(g, o)
}

// end says that nobody else will read it.
func (g *generation) end() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	return errors.Join(g.idle.drop(g), g.removeUnread())
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

// leftover finds the generation that an earlier process left in a folder, and takes away what else it left: older ones,
// and packs that were on their way when it ended. Nothing left is 0.
func leftover(dir string) (number int, err error) {
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
	opened
	pool *Pool // nil for a repository on this machine, which is read where it is
	of   *repository
	from *generation
}

// Close ends the reading.
func (o *Objects) Close() error {
	if o.pool == nil {
		return o.Storage.Close()
	}
	defer o.pool.release(o.of)
	return o.from.release(o.opened)
}

// Size returns the size of an object, from memory when it was asked for before.
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

// Unreadable returns what to say of an object that could not be read, and begins a new generation: the next attempt
// fetches the object anew. FGD_5008, or FGD_4030 when that was done, and the host has not sent it.
func (o *Objects) Unreadable(id plumbing.Hash, cause error) error {
	if o.pool != nil && errors.Is(cause, plumbing.ErrObjectNotFound) {
		byHost, err := o.of.miss(id, o.from)
		if cause = errors.Join(cause, err); byHost {
			return notSent(id).WithCause(cause)
		}
	} else {
		cause = errors.Join(cause, o.discard(cause))
	}
	return errs.New(errs.StorageFailed, "The object %s can't be read from the fetched repository.", id).WithCause(cause)
}

// Missed reports whether an object was not found that another attempt may find.
func Missed(err error) bool {
	return errs.HasCode(err, errs.StorageFailed) && errors.Is(err, plumbing.ErrObjectNotFound)
}

// discard begins a new generation, after something in this one could not be read. If that has happened already, the new
// one stays.
func (o *Objects) discard(cause error) error {
	if o.pool == nil {
		return nil
	}
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	if o.of.current != o.from {
		return nil
	}
	return o.of.replace(context.Background(), cause)
}
