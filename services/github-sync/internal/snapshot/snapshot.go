// Package snapshot holds branch heads for the time of a sync: the fetched objects, and over them in memory the
// objects that the stages write. Nothing written here is visible to anyone until it is published, and all of it may
// be lost: the sync starts over from the head.
package snapshot

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/uuid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/services/github-sync/internal/store"
)

// Limits bound what is read.
type Limits struct {
	MaxBlobBytes int64
	MaxEntries   int
	MaxDepth     int
	MaxCommits   int // of a history, that one question walks through
}

// DefaultLimits bound a tree and a history; the size of a file comes from the configuration.
func DefaultLimits(maxBlobBytes int64) Limits {
	return Limits{MaxBlobBytes: maxBlobBytes, MaxEntries: 200_000, MaxDepth: layout.MaxDepth, MaxCommits: 20_000}
}

// Snapshot is a held branch head. Its methods may be called concurrently.
type Snapshot struct {
	ID        string
	Branch    string
	Directory string
	Commit    plumbing.Hash
	Time      time.Time     // of the commit
	Root      plumbing.Hash // tree of the commit
	Tree      plumbing.Hash // tree of the directory
	Exists    bool          // whether the directory does
	Location  remote.Location
	ReadOnly  bool // it was opened as of an earlier time: nothing can be published on it

	Remote remote.Remote
	Repo   *store.Repo
	Login  credentials.Login // with which it was opened
	limits Limits
	info   object.CommitInfo
	head   plumbing.Hash // of the branch when it was opened

	deepening sync.Mutex // one at a time fetches more of the history
	depth     int        // to which it was fetched

	branches map[string]plumbing.Hash // of the remote, when it was opened

	mu       sync.Mutex // the library's storage is not safe for concurrent use
	base     *store.Objects
	overlay  map[plumbing.Hash]object.Object
	deflater *object.Deflater
	closed   bool
	used     time.Time
}

// Open holds the head of a branch.
func Open(ctx context.Context, from remote.Remote, repo *store.Repo, location remote.Location, branch, directory string,
	limits Limits,
) (*Snapshot, error) {
	refs, err := from.Refs(ctx)
	if err != nil {
		return nil, err
	}
	commit, err := Head(refs, branch)
	if err != nil {
		return nil, err
	}
	s, err := openAt(ctx, from, repo, location, branch, directory, commit, limits)
	if err != nil {
		return nil, err
	}
	s.branches = refs.Branches
	return s, nil
}

// Look reports whether a directory is in the head of a branch, which it fetches.
func Look(ctx context.Context, from remote.Remote, repo *store.Repo, location remote.Location, branch, directory string,
	head plumbing.Hash, limits Limits,
) (exists bool, err error) {
	s, err := openAt(ctx, from, repo, location, branch, directory, head, limits)
	if err != nil {
		return false, err
	}
	return s.Exists, s.Close()
}

func openAt(ctx context.Context, from remote.Remote, repo *store.Repo, location remote.Location,
	branch, directory string, commit plumbing.Hash, limits Limits,
) (*Snapshot, error) {
	base, err := repo.Ensure(ctx, from, branch, commit, 1)
	if err != nil {
		return nil, movedOn(err, branch)
	}
	s := &Snapshot{
		ID: uuid.NewString(), Branch: branch, Directory: directory, Commit: commit, Location: location, Remote: from,
		Repo:   repo,
		limits: limits, head: commit, base: base, overlay: map[plumbing.Hash]object.Object{}, deflater: object.NewDeflater(),
	}
	if err := s.resolve(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Head is the commit of a branch.
func Head(refs remote.Refs, branch string) (plumbing.Hash, error) {
	if commit, ok := refs.Branches[branch]; ok {
		return commit, nil
	}
	const shown = 5
	var some []string
	for name := range refs.Branches {
		some = append(some, name)
	}
	return plumbing.ZeroHash, errs.New(errs.BranchNotFound, "The repository has no branch %q; it has %s.",
		branch, listed(some, shown))
}

// resolve reads the commit and finds the directory in it.
func (s *Snapshot) resolve() error {
	var err error
	if s.info, err = readCommit(s.base, s.Commit); err != nil {
		return err
	}
	s.Root, s.Time = s.info.Tree, s.info.Time()
	s.Tree, s.Exists, err = s.Subtree(s.Root, s.Directory)
	return err
}

// Trailer finds a trailer of the commit.
func (s *Snapshot) Trailer(name string) string { return s.info.Trailer(name) }

// fenceAhead is how far the clock of Redis, which fencing numbers follow, may be ahead of this one.
const fenceAhead = 24 * time.Hour

// Fence is the fencing number in the trailers of the commit, 0 without one. Anybody can write a trailer: one that is
// far ahead of the clock, in microseconds, was given out by no lock. It does not count, and is ignored.
func (s *Snapshot) Fence(now time.Time) (fence, ignored int64) {
	fence, err := strconv.ParseInt(s.info.Trailer(layout.TrailerFence), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) && fence > 0:
		return 0, fence
	case err != nil:
		return 0, 0 // somebody else's commit
	case fence > now.Add(fenceAhead).UnixMicro():
		return 0, fence
	}
	return fence, 0
}

// Subtree finds a directory below a tree. A directory that does not exist is the empty tree.
func (s *Snapshot) Subtree(root plumbing.Hash, directory string) (tree plumbing.Hash, exists bool, err error) {
	if directory == "" {
		return root, true, nil
	}
	tree = root
	for _, name := range strings.Split(directory, "/") {
		entries, err := s.Entries(tree)
		if err != nil {
			return tree, false, err
		}
		next, found := find(entries, name)
		if !found {
			return object.EmptyTree, false, nil
		}
		if !next.IsTree() {
			return tree, false, errs.New(errs.DirectoryIsFile,
				"%q in the repository is a file, and the fabric directory %q needs a folder there.", name, directory)
		}
		tree = next.Hash
	}
	return tree, true, nil
}

func find(entries []object.Entry, name string) (object.Entry, bool) {
	for _, e := range entries {
		if e.Name == name {
			return e, true
		}
	}
	return object.Entry{}, false
}

// Entries reads a tree.
func (s *Snapshot) Entries(tree plumbing.Hash) ([]object.Entry, error) {
	if tree == object.EmptyTree {
		return nil, nil
	}
	content, err := s.read(plumbing.TreeObject, tree)
	if err != nil {
		return nil, err
	}
	entries, err := object.ParseTree(content)
	if err != nil {
		return nil, unusable(err)
	}
	return entries, nil
}

func unusable(err error) error {
	return errs.New(errs.RepositoryUnsupported, "The repository holds a tree that can't be used: %v.", err).
		WithRemedy("Remove or rename the entry with git, and start the sync again.")
}

// Blob reads a file's content, within the limit.
func (s *Snapshot) Blob(id plumbing.Hash) ([]byte, error) {
	size, err := s.BlobSize(id)
	if err != nil {
		return nil, err
	}
	if size > s.limits.MaxBlobBytes {
		return nil, errs.New(errs.FileTooLarge, "The object %s has %d bytes; the limit is %d.", id, size,
			s.limits.MaxBlobBytes)
	}
	return s.read(plumbing.BlobObject, id)
}

// BlobSize returns the size of a file without reading it.
func (s *Snapshot) BlobSize(id plumbing.Hash) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.overlay[id]; ok && o.Type == plumbing.BlobObject {
		return int64(o.Size), nil
	}
	if s.closed {
		return 0, missing(s.ID)
	}
	size, err := s.base.Size(id)
	if err != nil {
		return 0, s.base.Unreadable(id, err)
	}
	return size, nil
}

// Holds reports whether a file's content is here, whatever was here before.
func (s *Snapshot) Holds(id plumbing.Hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.overlay[id]; ok && o.Type == plumbing.BlobObject {
		return true
	}
	return !s.closed && s.base.HasEncodedObject(id) == nil
}

func (s *Snapshot) read(kind plumbing.ObjectType, id plumbing.Hash) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, missing(s.ID)
	}
	if o, ok := s.overlay[id]; ok && o.Type == kind {
		return o.Content()
	}
	return readFrom(s.base, kind, id)
}

const (
	// People write no longer commits. Of a longer one the beginning and the end are read, where the trailers are.
	maxCommitBytes = 1 << 20
	commitEnd      = 64 << 10
	// A larger tree has more entries than are allowed, whatever their names.
	maxTreeBytes = 64 << 20
)

// maxBytes bounds an object that is read. The size of a file has been looked at.
func maxBytes(kind plumbing.ObjectType) int64 {
	if kind == plumbing.TreeObject {
		return maxTreeBytes
	}
	return math.MaxInt64
}

func readFrom(base *store.Objects, kind plumbing.ObjectType, id plumbing.Hash) ([]byte, error) {
	encoded, err := base.EncodedObject(kind, id)
	if err != nil {
		return nil, base.Unreadable(id, err)
	}
	if limit := maxBytes(kind); encoded.Size() > limit {
		return nil, errs.New(errs.RepositoryUnsupported, "The %s %s has %d bytes; the limit is %d.", kind, id, encoded.Size(),
			limit)
	}
	r, err := encoded.Reader()
	if err != nil {
		return nil, base.Unreadable(id, err)
	}
	// The library does not look: of an object whose length is wrong in its pack it gives a part.
	hash := plumbing.NewHasher(kind, encoded.Size())
	content, err := readMost(io.TeeReader(r, hash), kind, encoded.Size())
	if err == nil && hash.Sum() != id {
		err = errDamaged
	}
	if err != nil {
		return nil, errors.Join(base.Unreadable(id, err), r.Close())
	}
	return content, r.Close()
}

// readMost reads an object in full, and of a commit that is too long the beginning and the last lines.
func readMost(r io.Reader, kind plumbing.ObjectType, size int64) ([]byte, error) {
	if kind != plumbing.CommitObject || size <= maxCommitBytes {
		content := make([]byte, size)
		_, err := io.ReadFull(r, content)
		return content, err
	}
	content := make([]byte, maxCommitBytes)
	begin, end := content[:maxCommitBytes-commitEnd], content[maxCommitBytes-commitEnd:]
	if _, err := io.ReadFull(r, begin); err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, r, size-maxCommitBytes); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(r, end); err != nil {
		return nil, err
	}
	_, lines, _ := bytes.Cut(end, []byte("\n")) // of the first one the beginning is missing
	return slices.Concat(begin, []byte("\n"), lines), nil
}

var errDamaged = errors.New("the content is not that of the object")

// Put adds an object to the overlay.
func (s *Snapshot) Put(kind plumbing.ObjectType, content []byte) (plumbing.Hash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return plumbing.ZeroHash, missing(s.ID)
	}
	o, err := s.deflater.Object(kind, content)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	s.overlay[o.Hash] = o
	return o.Hash, nil
}

// Overlay finds an object that was written into this snapshot.
func (s *Snapshot) Overlay(id plumbing.Hash) (object.Object, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.overlay[id]
	return o, ok
}

// Close lets go of everything. Closing twice is no error.
func (s *Snapshot) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.overlay = nil
	return s.base.Close()
}

func missing(id string) error {
	return errs.New(errs.SnapshotNotFound, "The snapshot %s is no longer held.", id)
}
