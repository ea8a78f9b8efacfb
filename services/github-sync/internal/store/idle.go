package store

import (
	"errors"
	"slices"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

const (
	mostIdle      = 16
	mostIdleBytes = 16 << 20 // of their indexes
)

// opened is a generation that is open for reading.
type opened struct {
	*filesystem.Storage
	objects cache.Object // what was read
	state   int          // of the generation, when its packs were listed
	bytes   int64        // of the indexes, which are held in memory
}

// idle are the generations that are open and read by nobody, so that who looks next whether something has changed does
// not read the indexes again.
type idle struct {
	mu     sync.Mutex
	kept   []idleGeneration // the one used longest ago first
	closed bool
}

type idleGeneration struct {
	of *generation
	opened
}

// take returns what was left open last of a generation to somebody.
func (i *idle) take(g *generation) (opened, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for at, kept := range slices.Backward(i.kept) {
		if kept.of == g {
			i.kept = slices.Delete(i.kept, at, at+1)
			return kept.opened, true
		}
	}
	return opened{}, false
}

// put keeps what somebody has read, without the objects, and closes those used longest ago that are too many with it.
func (i *idle) put(g *generation, o opened) error {
	o.objects.Clear()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.kept = append(i.kept, idleGeneration{g, o})
	var bytes int64
	for _, kept := range i.kept {
		bytes += kept.bytes
	}
	var err error
	for len(i.kept) > 0 && (i.closed || len(i.kept) > mostIdle || bytes > mostIdleBytes) {
		bytes -= i.kept[0].bytes
		err = errors.Join(err, i.kept[0].Close())
		i.kept = slices.Delete(i.kept, 0, 1)
	}
	return err
}

// drop closes what is open of a generation.
func (i *idle) drop(g *generation) error {
	var err error
	for {
		o, open := i.take(g)
		if !open {
			return err
		}
		err = errors.Join(err, o.Close())
	}
}

// close closes all, and what comes later.
func (i *idle) close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	var err error
	for _, kept := range i.kept {
		err = errors.Join(err, kept.Close())
	}
	i.kept = nil
	return err
}
