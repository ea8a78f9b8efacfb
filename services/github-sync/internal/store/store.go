// Package store keeps one bare repository per remote on this machine's disk: a cache of what was fetched. It may be
// deleted at any time; one that is damaged or has grown too large is thrown away and fetched anew. Processes that share
// a folder have a part of it each.
package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/prometheus/client_golang/prometheus"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/remote"
)

const readableLength = 60

// Options say where stores are and how much may be kept.
type Options struct {
	Dir      string           // nothing else is kept in it
	MaxBytes int64            // of all stores together
	MaxAge   time.Duration    // of a store that nobody uses
	Bytes    prometheus.Gauge // shows how much is kept
	Now      func() time.Time
	Log      *slog.Logger
}

// Pool is the stores of a process.
type Pool struct {
	options Options

	sweeping sync.Mutex // one sweep at a time
	alone    bool       // nothing is left in slots that no process has
	idle     idle

	mu     sync.Mutex
	slot   *slot                  // nil until it is needed
	stores map[string]*repository // by their folders
	closed bool
}

// NewPool returns a pool over a folder.
func NewPool(options Options) *Pool { return &Pool{options: options, stores: map[string]*repository{}} }

// Repo returns the store of a remote.
func (p *Pool) Repo(location remote.Location) (*Repo, error) {
	repo := &Repo{pool: p, location: location}
	if location.Local() {
		return repo, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return repo, p.begin()
}

// begin takes a slot, with the stores that an earlier process left in it.
func (p *Pool) begin() error {
	if p.closed {
		return errs.New(errs.StorageFailed, "The store of fetched repositories is closed: the process ends.")
	}
	if p.slot != nil {
		return nil
	}
	taken, err := takeSlot(p.options.Dir)
	if err != nil {
		return storageFailed(err)
	}
	left, err := taken.stores()
	if err != nil {
		return storageFailed(errors.Join(err, taken.release()))
	}
	for name, used := range left {
		p.stores[name] = p.repository(taken, name, used)
	}
	p.slot = taken
	return nil
}

func (p *Pool) repository(in *slot, name string, used time.Time) *repository {
	return &repository{
		dir: filepath.Join(in.dir, name), maxBytes: p.options.MaxBytes, idle: &p.idle, log: p.options.Log, used: used,
		changed: true,
	}
}

// use returns the store of a name to somebody, who has to give it back.
func (p *Pool) use(name string) (*repository, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.begin(); err != nil {
		return nil, err
	}
	b := p.stores[name]
	if b == nil {
		b = p.repository(p.slot, name, time.Time{})
		p.stores[name] = b
	}
	b.users++
	return b, nil
}

func (p *Pool) release(b *repository) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.users--
	b.used, b.changed = p.options.Now(), true
}

// Close lets another process have what is here. What is still in use stays ours until this process ends.
func (p *Pool) Close() error {
	p.sweeping.Lock()
	defer p.sweeping.Unlock()
	err := p.measure()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	err = errors.Join(err, p.idle.close())
	for _, b := range p.stores {
		if b.users > 0 {
			return err
		}
	}
	if p.slot != nil {
		err = errors.Join(err, p.slot.release())
		p.slot = nil
	}
	return err
}

// Repo is the store of one remote. It can be held for as long as one likes: when the store has gone meanwhile, it
// begins anew.
type Repo struct {
	pool     *Pool
	location remote.Location
}

// Ensure brings a commit with its tree into the store, and opens it for reading. The caller closes it.
func (r *Repo) Ensure(ctx context.Context, from remote.Remote, branch string, commit plumbing.Hash,
	depth int,
) (*Objects, error) {
	if r.location.Local() {
		s, err := remote.LocalStorage(r.location.Path)
		return &Objects{opened: opened{Storage: s}}, err
	}
	b, err := r.pool.use(folder(r.location.Key))
	if err != nil {
		return nil, err
	}
	objects, err := b.ensure(ctx, from, branch, commit, depth)
	if err != nil {
		r.pool.release(b)
		return nil, err
	}
	objects.pool = r.pool
	return objects, nil
}

// Add puts a published pack into the store, so that the next fetch brings only what others change. A failure costs no
// more than that. The pack has what is new on top of a commit of the branch; without that one here it would be half of
// what it is taken for, and stays away.
func (r *Repo) Add(ctx context.Context, branch string, onto, commit plumbing.Hash, content []byte) error {
	if r.location.Local() {
		return nil
	}
	b, err := r.pool.use(folder(r.location.Key))
	if err != nil {
		return err
	}
	defer r.pool.release(b)
	return b.add(ctx, branch, onto, commit, content)
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

func storageFailed(err error) error {
	return errs.New(errs.StorageFailed, "The store of fetched repositories can't be written.").WithCause(err)
}
