// Package store keeps one bare repository per remote on this machine's disk: a cache of what was fetched. It may be
// deleted at any time; one that is damaged or has grown too large is thrown away and fetched anew.
package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"

	lru "github.com/hashicorp/golang-lru/v2"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/services/github-sync/internal/pack"
	"fgdsync.dev/services/github-sync/internal/remote"
)

const (
	maxPacks       = 50
	objectCache    = 16 * cache.MiByte
	largeObject    = 1 << 20
	readableLength = 60

	rememberedSizes = 200_000
)

// Pool is a folder of stores.
type Pool struct {
	dir string

	mu    sync.Mutex
	repos map[string]*Repo
}

// NewPool makes a pool over a folder.
func NewPool(dir string) *Pool { return &Pool{dir: dir, repos: map[string]*Repo{}} }

// Repo gives the store of a remote.
func (p *Pool) Repo(location remote.Location) (*Repo, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if repo := p.repos[location.Key]; repo != nil {
		return repo, nil
	}
	sizes, err := lru.New[plumbing.Hash, int64](rememberedSizes)
	if err != nil {
		return nil, fmt.Errorf("make a memory of sizes: %w", err)
	}
	repo := &Repo{location: location, dir: filepath.Join(p.dir, folder(location.Key)), sizes: sizes}
	p.repos[location.Key] = repo
	return repo, nil
}

// folder makes a name that people can read and that no two remotes share.
func folder(key string) string {
	readable := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, strings.TrimPrefix(key, "file://"))
	sum := sha256.Sum256([]byte(key))
	return readable[:min(len(readable), readableLength)] + "-" + hex.EncodeToString(sum[:6])
}

// Repo is the store of one remote. Its lock makes many syncs of one head fetch once.
type Repo struct {
	location remote.Location
	dir      string
	sizes    *lru.Cache[plumbing.Hash, int64] // of objects; an id never changes its content

	mu      sync.Mutex
	current *generation // nil until it is needed
	number  int
}

// Ensure brings a commit with its tree into the store, and opens it for reading. The caller closes it.
func (r *Repo) Ensure(ctx context.Context, from remote.Remote, branch string, commit plumbing.Hash, depth int) (*Objects, error) {
	if r.location.Local() {
		s, err := remote.LocalStorage(r.location.Path)
		return &Objects{Storage: s}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.begin(); err != nil {
		return nil, err
	}
	if r.current.grown() {
		if err := r.renew(); err != nil {
			return nil, err
		}
	}
	if s, err := r.current.held(commit); err == nil && depth == 1 {
		return r.lend(s), nil
	}
	s, err := r.fetch(ctx, from, branch, commit, depth)
	if err == nil {
		return r.lend(s), nil
	}
	if !mayBeDamage(err) || ctx.Err() != nil {
		return nil, err
	}
	// The exchange may have tripped over what was there: once more, from nothing.
	if renewErr := r.renew(); renewErr != nil {
		return nil, errors.Join(err, renewErr)
	}
	if s, err = r.fetch(ctx, from, branch, commit, depth); err != nil {
		return nil, err
	}
	return r.lend(s), nil
}

// mayBeDamage tells whether the store may be to blame, and not the Git host or the way to it.
func mayBeDamage(err error) bool {
	var known *errs.Error
	return !errors.As(err, &known) || errs.HasCode(err, errs.StorageFailed) || errors.Is(err, remote.ErrUnreadable)
}

func (r *Repo) lend(s *filesystem.Storage) *Objects {
	r.current.lend()
	return &Objects{Storage: s, repo: r, from: r.current}
}

// begin takes over what an earlier process left, or starts from nothing.
func (r *Repo) begin() error {
	if r.current != nil {
		return nil
	}
	number, err := left(r.dir)
	if err != nil {
		return err
	}
	r.number = max(number, 1)
	r.current = r.generation()
	return nil
}

func (r *Repo) generation() *generation {
	return &generation{dir: filepath.Join(r.dir, strconv.Itoa(r.number))}
}

// renew begins a new generation.
func (r *Repo) renew() error {
	old := r.current
	r.number++
	r.current = r.generation()
	return old.end()
}

func (r *Repo) fetch(ctx context.Context, from remote.Remote, branch string, commit plumbing.Hash, depth int) (*filesystem.Storage, error) {
	if err := os.MkdirAll(r.current.dir, 0o700); err != nil {
		return nil, storageFailed(err)
	}
	s := r.current.open()
	if err := s.Init(); err != nil {
		return nil, errors.Join(storageFailed(err), s.Close())
	}
	failpoint.Hit(failpoint.FetchBefore)
	err := from.Fetch(ctx, s, commit, depth)
	failpoint.Hit(failpoint.FetchStored)
	if err == nil {
		err = s.SetReference(plumbing.NewHashReference(fetched(branch), commit))
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.Reindex()
	return s, nil
}

// fetched is the ref that remembers what was fetched of a branch.
func fetched(branch string) plumbing.ReferenceName {
	return plumbing.ReferenceName("refs/fetched/" + branch)
}

func storageFailed(err error) error {
	return errs.New(errs.Unavailable, errs.StorageFailed, "The store of fetched repositories can't be written.").Because(err)
}

// Add puts a published pack into the store, so that the next fetch brings only what others change. A failure costs
// no more than that.
func (r *Repo) Add(ctx context.Context, branch string, commit plumbing.Hash, content []byte) error {
	if r.location.Local() {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.current.open()
	packs := pack.Folder{Path: filepath.Join(r.current.dir, "objects", "pack")}
	err := packs.Receive(ctx, bytes.NewReader(content))
	if err == nil {
		err = s.SetReference(plumbing.NewHashReference(fetched(branch), commit))
	}
	if err = errors.Join(err, s.Close()); err != nil {
		return fmt.Errorf("add pack to the store: %w", err)
	}
	return nil
}
