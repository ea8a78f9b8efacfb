package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	lru "github.com/hashicorp/golang-lru/v2"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/pack"
	"fgdsync.dev/services/github-sync/internal/remote"
)

const (
	rememberedSizes   = 200_000
	rememberedLacking = 1000
)

// repository is what is kept of one remote. Its lock makes many syncs of one head fetch once.
type repository struct {
	dir      string
	maxBytes int64
	idle     *idle
	log      *slog.Logger

	mu      sync.Mutex
	current *generation // nil until it is needed
	number  int
	sizes   *lru.Cache[plumbing.Hash, int64] // of objects; an id never changes its content
	// Objects that were not found, and whether the host has been asked for them since by a store that began from nothing.
	lacking map[plumbing.Hash]bool

	// What the pool knows of it, under the pool's lock.
	users   int
	used    time.Time // the last time
	bytes   int64     // on the disk, when it was measured
	changed bool      // since then
}

func (b *repository) ensure(ctx context.Context, from remote.Remote, branch string, commit plumbing.Hash,
	depth int,
) (*Objects, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.begin(); err != nil {
		return nil, err
	}
	if b.current.grown(b.maxBytes) {
		if err := b.renew(); err != nil {
			return nil, err
		}
	}
	if depth <= b.current.depth(commit) {
		if s, err := b.current.held(commit); err == nil {
			return b.acquire(s), nil
		}
	}
	s, err := b.fetch(ctx, from, branch, commit, depth)
	if err == nil {
		return b.acquire(s), nil
	}
	if !mayBeDamage(err) || ctx.Err() != nil {
		return nil, err
	}
	// The exchange may have tripped over what was there: once more, from nothing.
	if renewErr := b.replace(ctx, err); renewErr != nil {
		return nil, errors.Join(err, renewErr)
	}
	if s, err = b.fetch(ctx, from, branch, commit, depth); err != nil {
		return nil, err
	}
	return b.acquire(s), nil
}

// mayBeDamage reports whether the store may be to blame, and not the Git host or the way to it.
func mayBeDamage(err error) bool {
	var known *errs.Error
	return !errors.As(err, &known) || errs.HasCode(err, errs.StorageFailed) || errors.Is(err, remote.ErrUnreadable)
}

func (b *repository) acquire(o opened) *Objects {
	b.current.acquire()
	return &Objects{opened: o, of: b, from: b.current}
}

// begin takes over what an earlier process left, or starts from nothing.
func (b *repository) begin() error {
	if b.current != nil {
		return nil
	}
	number, err := leftover(b.dir)
	if err != nil {
		return err
	}
	if b.sizes, err = lru.New[plumbing.Hash, int64](rememberedSizes); err != nil {
		return fmt.Errorf("make a memory of sizes: %w", err)
	}
	b.lacking = map[plumbing.Hash]bool{}
	b.number = max(number, 1)
	b.current = b.generation()
	return nil
}

func (b *repository) generation() *generation {
	return &generation{dir: filepath.Join(b.dir, strconv.Itoa(b.number)), depths: map[plumbing.Hash]int{}, idle: b.idle}
}

// renew begins a new generation. What was said of sizes came from the old one, which may be damaged.
func (b *repository) renew() error {
	old := b.current
	b.number++
	b.current = b.generation()
	b.sizes.Purge()
	return old.end()
}

// replace begins a new generation in the place of one that may be damaged, and says so.
func (b *repository) replace(ctx context.Context, cause error) error {
	b.log.WarnContext(ctx, "a fetched repository can't be read, and is fetched anew", "repository", filepath.Base(b.dir),
		"error", cause.Error())
	return b.renew()
}

func (b *repository) fetch(ctx context.Context, from remote.Remote, branch string, commit plumbing.Hash,
	depth int) (opened,
	error,
) {
	_, statErr := os.Stat(b.current.dir)
	fresh := errors.Is(statErr, os.ErrNotExist)
	if err := os.MkdirAll(b.current.dir, 0o700); err != nil {
		return opened{}, storageFailed(err)
	}
	s := b.current.open()
	if err := s.Init(); err != nil {
		return opened{}, errors.Join(storageFailed(err), s.Close())
	}
	failpoint.Hit(failpoint.FetchBefore)
	err := from.Fetch(ctx, s.Storage, commit, depth)
	failpoint.Hit(failpoint.FetchStored)
	if err == nil {
		s.Reindex()
		err = whole(s, commit, fresh)
	}
	if err == nil {
		err = s.SetReference(plumbing.NewHashReference(fetched(branch), commit))
	}
	if err == nil && depth > 1 {
		err = s.SetReference(plumbing.NewHashReference(deepened(branch), commit))
	}
	if err == nil {
		s.state, err = b.current.changed()
	}
	if err != nil {
		err = errors.Join(err, s.Close())
		if errs.HasCode(err, errs.HostIncomplete) { // what it has sent is of no use
			err = errors.Join(err, b.renew())
		}
		return opened{}, err
	}
	b.current.depths[commit] = max(b.current.depths[commit], depth)
	b.lookAgain(s, fresh)
	return s, nil
}

// lookAgain looks whether a fetch has brought what was not found before. What a host has not sent to a store that began
// from nothing, it does not have.
func (b *repository) lookAgain(s opened, fresh bool) {
	for id := range b.lacking {
		switch {
		case s.HasEncodedObject(id) == nil:
			delete(b.lacking, id)
		case fresh:
			b.lacking[id] = true
		}
	}
}

// miss begins a new generation, after an object was not found in one, and reports whether the host is to blame for it.
// If a new one has begun already, that one stays.
func (b *repository) miss(id plumbing.Hash, in *generation) (notSent bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current != in {
		return false, nil
	}
	notSent = b.lacking[id]
	if len(b.lacking) < rememberedLacking {
		b.lacking[id] = notSent
	}
	if notSent {
		return true, b.renew()
	}
	return false, b.replace(context.Background(), fmt.Errorf("find %s: %w", id, plumbing.ErrObjectNotFound))
}

// whole holds that a commit is here with its tree, after it was fetched. When the host began from nothing, it has not
// sent them; else what was here before may be to blame.
func whole(s opened, commit plumbing.Hash, fresh bool) error {
	missing := commit
	encoded, err := s.EncodedObject(plumbing.AnyObject, commit)
	if err == nil && encoded.Type() == plumbing.CommitObject {
		var read *gitobject.Commit
		if read, err = gitobject.DecodeCommit(s, encoded); err == nil && read.TreeHash != object.EmptyTree {
			missing, err = read.TreeHash, s.HasEncodedObject(read.TreeHash)
		}
	}
	switch {
	case err == nil:
		return nil
	case fresh:
		return notSent(missing).WithCause(err)
	}
	return storageFailed(fmt.Errorf("find %s in what was fetched: %w", missing, err))
}

func notSent(id plumbing.Hash) *errs.Error {
	return errs.New(errs.HostIncomplete, "The Git host does not send the object %s, which it was asked for.", id)
}

// fetched is the ref that remembers what was fetched of a branch.
func fetched(branch string) plumbing.ReferenceName {
	return plumbing.ReferenceName("refs/fetched/" + branch)
}

// deepened is the ref that remembers of what commit of a branch the history was fetched, so that the host sends only
// what has come since when the history of a later one is asked for.
func deepened(branch string) plumbing.ReferenceName {
	return plumbing.ReferenceName("refs/deepened/" + branch)
}

func (b *repository) add(ctx context.Context, branch string, onto, commit plumbing.Hash, content []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.begin(); err != nil {
		return err
	}
	s, err := b.current.held(onto)
	if err != nil {
		return fmt.Errorf("find what the pack builds on: %w", err)
	}
	packs := pack.Folder{Path: filepath.Join(b.current.dir, "objects", "pack")}
	err = packs.Receive(ctx, bytes.NewReader(content))
	if err == nil {
		err = s.SetReference(plumbing.NewHashReference(fetched(branch), commit))
	}
	_, changeErr := b.current.changed()
	if err = errors.Join(err, changeErr, s.Close()); err != nil {
		return fmt.Errorf("add pack to the store: %w", err)
	}
	return nil
}
