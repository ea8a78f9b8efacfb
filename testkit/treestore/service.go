package treestore

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// Sizes of a page, small enough that tests see several.
const (
	entriesPerPage = 100
	blobsPerPage   = 20
)

type service struct {
	gitv1.UnimplementedTreeServiceServer // it has no commits to compare
	store                                *Store
}

var _ gitv1.TreeServiceServer = (*service)(nil)

// ListTree lists the leaves in path order.
func (s *service) ListTree(req *gitv1.ListTreeRequest, stream gitv1.TreeService_ListTreeServer) error {
	entries, err := s.store.entries(req.GetSnapshotId(), req.GetTree())
	if err != nil {
		return err
	}
	for page := range slices.Chunk(entries, entriesPerPage) {
		if err := stream.Send(&gitv1.ListTreeResponse{Entries: page}); err != nil {
			return err
		}
	}
	return nil
}

// ReadBlobs sends contents in the order asked for.
func (s *service) ReadBlobs(req *gitv1.ReadBlobsRequest, stream gitv1.TreeService_ReadBlobsServer) error {
	blobs, err := s.store.contents(req.GetSnapshotId(), req.GetBlobIds())
	if err != nil {
		return err
	}
	for page := range slices.Chunk(blobs, blobsPerPage) {
		if err := stream.Send(&gitv1.ReadBlobsResponse{Blobs: page}); err != nil {
			return err
		}
	}
	return nil
}

// WriteTree applies changes.
func (s *service) WriteTree(stream gitv1.TreeService_WriteTreeServer) error {
	var snapshot, base string
	var changes []*gitv1.Change
	for first := true; ; first = false {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if first {
			snapshot, base = req.GetSnapshotId(), req.GetBaseTree()
		}
		changes = append(changes, req.GetChanges()...)
	}
	tree, err := s.store.write(snapshot, base, changes)
	if err != nil {
		return err
	}
	return stream.SendAndClose(&gitv1.WriteTreeResponse{Tree: tree})
}

// DiffTrees counts what differs; its text shows each differing file as a whole.
func (s *service) DiffTrees(req *gitv1.DiffTreesRequest, stream gitv1.TreeService_DiffTreesServer) error {
	counts, diff, err := s.store.diff(req.GetSnapshotId(), req.GetFromTree(), req.GetToTree())
	if err != nil {
		return err
	}
	if req.GetCountsOnly() {
		diff = ""
	}
	return stream.Send(&gitv1.DiffTreesResponse{Counts: counts, Diff: diff})
}

// leaves is the guard of every read: the switch, the snapshot, the tree.
func (s *Store) leaves(snapshot, tree string) (map[string]Leaf, error) {
	if err := s.ready(snapshot); err != nil {
		return nil, err
	}
	leaves, ok := s.trees[tree]
	if !ok {
		return nil, errs.New(errs.SnapshotNotFound, "The snapshot holds no tree %s.", tree)
	}
	return leaves, nil
}

func (s *Store) ready(snapshot string) error {
	if s.failure != nil {
		return s.failure
	}
	if !s.snapshots[snapshot] {
		return errs.New(errs.SnapshotNotFound, "The snapshot %s is not held.", snapshot)
	}
	return nil
}

func (s *Store) entries(snapshot, tree string) ([]*gitv1.TreeEntry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	leaves, err := s.leaves(snapshot, tree)
	if err != nil {
		return nil, err
	}
	entries := make([]*gitv1.TreeEntry, 0, len(leaves))
	for _, p := range slices.Sorted(maps.Keys(leaves)) {
		leaf := leaves[p]
		entries = append(entries, &gitv1.TreeEntry{
			Path: p, Mode: leaf.Mode, BlobId: leaf.Blob,
			Size: int64(len(s.blobs[leaf.Blob])),
		})
	}
	return entries, nil
}

func (s *Store) contents(snapshot string, ids []string) ([]*gitv1.Blob, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(snapshot); err != nil {
		return nil, err
	}
	blobs := make([]*gitv1.Blob, 0, len(ids))
	for _, id := range ids {
		content, ok := s.blobs[id]
		if !ok {
			return nil, errs.New(errs.SnapshotNotFound, "The snapshot holds no object %s.", id)
		}
		blobs = append(blobs, &gitv1.Blob{BlobId: id, Content: content})
	}
	return blobs, nil
}

func (s *Store) write(snapshot, base string, changes []*gitv1.Change) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	leaves, err := s.leaves(snapshot, base)
	if err != nil {
		return "", err
	}
	next, folders := maps.Clone(leaves), map[string]int{}
	for p := range next {
		countIn(folders, p, 1)
	}
	seen := map[string]bool{}
	for _, c := range changes {
		p := c.GetPath()
		if seen[p] || !validPath(p) {
			return "", errs.New(errs.InvalidRequest, "The path %q is invalid or named twice.", p)
		}
		seen[p] = true
		_, was := next[p]
		if err := s.apply(next, c); err != nil {
			return "", err
		}
		if _, is := next[p]; is != was {
			countIn(folders, p, map[bool]int{true: 1, false: -1}[is])
		}
		if clashes(next, folders, p) {
			return "", errs.New(errs.InvalidRequest, "The path %q would be a file and a folder, or lead through a file.", p)
		}
	}
	s.writes++
	return s.putTree(next), nil
}

func (s *Store) apply(leaves map[string]Leaf, c *gitv1.Change) error {
	leaf := leaves[c.GetPath()]
	if mode := c.GetMode(); mode != gitv1.FileMode_FILE_MODE_UNSPECIFIED {
		leaf.Mode = mode
	} else if leaf.Mode == gitv1.FileMode_FILE_MODE_UNSPECIFIED {
		leaf.Mode = gitv1.FileMode_FILE_MODE_REGULAR
	}
	switch change := c.GetChange().(type) {
	case *gitv1.Change_Remove:
		delete(leaves, c.GetPath())
		return nil
	case *gitv1.Change_Content:
		leaf.Blob = s.putBlob(change.Content)
	case *gitv1.Change_BlobId:
		if _, ok := s.blobs[change.BlobId]; !ok && leaf.Mode != gitv1.FileMode_FILE_MODE_SUBMODULE {
			return errs.New(errs.SnapshotNotFound, "The snapshot holds no object %s.", change.BlobId)
		}
		leaf.Blob = change.BlobId
	default:
		return errs.New(errs.InvalidRequest, "The change of %q says nothing.", c.GetPath())
	}
	leaves[c.GetPath()] = leaf
	return nil
}

func validPath(p string) bool {
	return p != "" && p != "." && p != ".." && p == path.Clean(p) && !path.IsAbs(p) && !strings.HasPrefix(p, "../") &&
		!strings.ContainsAny(p, "\x00\\")
}

// countIn counts a leaf in the folders above it.
func countIn(folders map[string]int, p string, by int) {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		folders[dir] += by
	}
}

// clashes reports whether the leaf at a path is a folder too, or stands below another leaf. As with Git, that must not
// be at any time: what is in the way is removed before.
func clashes(leaves map[string]Leaf, folders map[string]int, p string) bool {
	if _, is := leaves[p]; !is {
		return false
	}
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if _, both := leaves[dir]; both {
			return true
		}
	}
	return folders[p] > 0
}

func (s *Store) diff(snapshot, from, to string) (*gitv1.ChangeCounts, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := s.leaves(snapshot, from)
	if err != nil {
		return nil, "", err
	}
	after, err := s.leaves(snapshot, to)
	if err != nil {
		return nil, "", err
	}
	counts, text := &gitv1.ChangeCounts{}, &strings.Builder{}
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, p := range slices.Sorted(maps.Keys(all)) {
		old, was := before[p]
		now, is := after[p]
		switch {
		case old == now:
			continue
		case !was:
			counts.Created++
		case !is:
			counts.Removed++
		default:
			counts.Updated++
		}
		fmt.Fprintf(text, "--- a/%s\n+++ b/%s\n%s%s", p, p, marked("-", s.blobs[old.Blob]), marked("+", s.blobs[now.Blob]))
	}
	return counts, text.String(), nil
}

func marked(mark string, content []byte) string {
	var out strings.Builder
	for line := range strings.Lines(string(content)) {
		out.WriteString(mark + strings.TrimSuffix(line, "\n") + "\n")
	}
	return out.String()
}
