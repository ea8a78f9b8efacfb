// Package treestore is a TreeService in memory for tests: a real gRPC server on a loopback, over maps keyed by the
// object ids that Git itself would use. It keeps every promise of the contract except durability, and can be told to
// fail.
package treestore

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/rpc"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/testkit/grpctest"
)

// Leaf is a leaf of a tree.
type Leaf struct {
	Mode gitv1.FileMode
	Blob string
}

// Store holds trees and blobs.
type Store struct {
	mu        sync.Mutex
	snapshots map[string]bool
	blobs     map[string][]byte
	trees     map[string]map[string]Leaf
	failure   error
	writes    int
}

// New returns a store with the empty tree in it.
func New() *Store {
	s := &Store{snapshots: map[string]bool{}, blobs: map[string][]byte{}, trees: map[string]map[string]Leaf{}}
	s.putTree(map[string]Leaf{})
	return s
}

// Serve serves the store for the time of a test and returns a connection to it.
func (s *Store) Serve(t testing.TB) *grpc.ClientConn {
	t.Helper()
	return grpctest.Serve(t, rpc.Services, func(r grpc.ServiceRegistrar) {
		gitv1.RegisterTreeServiceServer(r, &service{store: s})
	})
}

// Open makes a snapshot of a directory of regular files and returns the names of both.
func (s *Store) Open(files map[string]string) (snapshot, tree string) {
	leaves := make(map[string]Leaf, len(files))
	for path, content := range files {
		leaves[path] = Leaf{Mode: gitv1.FileMode_FILE_MODE_REGULAR, Blob: s.PutBlob([]byte(content))}
	}
	return s.OpenLeaves(leaves)
}

// OpenLeaves is Open for leaves of any mode. Their blobs are put before; a submodule's id is any commit.
func (s *Store) OpenLeaves(leaves map[string]Leaf) (snapshot, tree string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot = fmt.Sprintf("snapshot-%d", len(s.snapshots)+1)
	s.snapshots[snapshot] = true
	return snapshot, s.putTree(leaves)
}

// Close lets go of a snapshot.
func (s *Store) Close(snapshot string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.snapshots[snapshot] = false
}

// PutBlob stores a content and returns its id.
func (s *Store) PutBlob(content []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.putBlob(content)
}

func (s *Store) putBlob(content []byte) string {
	id := objectID("blob", content)
	s.blobs[id] = slices.Clone(content)
	return id
}

func (s *Store) putTree(leaves map[string]Leaf) string {
	id := treeID(leaves)
	s.trees[id] = maps.Clone(leaves)
	return id
}

// Files returns the contents of a tree's leaves; nil when there is no such tree.
func (s *Store) Files(tree string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	leaves, ok := s.trees[tree]
	if !ok {
		return nil
	}
	files := make(map[string]string, len(leaves))
	for path, leaf := range leaves {
		files[path] = string(s.blobs[leaf.Blob])
	}
	return files
}

// Leaves returns the leaves of a tree; nil when there is no such tree.
func (s *Store) Leaves(tree string) map[string]Leaf {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.trees[tree])
}

// Writes counts the WriteTree calls that succeeded.
func (s *Store) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// Fail makes every call fail with an error until it is called with nil.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}
