// Package treeapi serves TreeService and HistoryService, on the snapshots that RepositoryService opens.
package treeapi

import (
	"errors"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/snapshot"
)

const (
	listBatch = 2000
	readBatch = 256 << 10
	diffLimit = 1 << 20
	diffPiece = 256 << 10
)

// Trees serves TreeService.
type Trees struct {
	gitv1.UnsafeTreeServiceServer
	registry *snapshot.Registry
}

var _ gitv1.TreeServiceServer = (*Trees)(nil)

// NewTrees returns the service over the held snapshots.
func NewTrees(registry *snapshot.Registry) *Trees { return &Trees{registry: registry} }

// at finds a snapshot, and reads the id of an object in it, which came in a field.
func (t *Trees) at(snapshotID, field, id string) (*snapshot.Snapshot, plumbing.Hash, error) {
	s, err := t.registry.Get(snapshotID)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	object, err := ParseID(field, id)
	return s, object, err
}

// ListTree lists the leaves of a tree.
func (t *Trees) ListTree(req *gitv1.ListTreeRequest, stream grpc.ServerStreamingServer[gitv1.ListTreeResponse]) error {
	s, tree, err := t.at(req.GetSnapshotId(), "tree", req.GetTree())
	if err != nil {
		return err
	}
	leaves, unreadable, err := s.Leaves(tree)
	if err != nil {
		return err
	}
	if len(unreadable) > 0 {
		if err := stream.Send(&gitv1.ListTreeResponse{Unreadable: unreadable}); err != nil {
			return err
		}
	}
	for len(leaves) > 0 {
		n := min(len(leaves), listBatch)
		entries, err := toEntries(s, leaves[:n])
		if err != nil {
			return err
		}
		if err := stream.Send(&gitv1.ListTreeResponse{Entries: entries}); err != nil {
			return err
		}
		leaves = leaves[n:]
	}
	return nil
}

func toEntries(s *snapshot.Snapshot, leaves []snapshot.Leaf) ([]*gitv1.TreeEntry, error) {
	entries := make([]*gitv1.TreeEntry, len(leaves))
	for i, leaf := range leaves {
		entry := &gitv1.TreeEntry{Path: leaf.Path, Mode: toMode(leaf.Mode), BlobId: leaf.Hash.String()}
		if leaf.Mode != filemode.Submodule {
			size, err := s.BlobSize(leaf.Hash)
			if err != nil {
				return nil, err
			}
			entry.Size = size
		}
		entries[i] = entry
	}
	return entries, nil
}

func toMode(m filemode.FileMode) gitv1.FileMode {
	switch m {
	case filemode.Executable:
		return gitv1.FileMode_FILE_MODE_EXECUTABLE
	case filemode.Symlink:
		return gitv1.FileMode_FILE_MODE_SYMLINK
	case filemode.Submodule:
		return gitv1.FileMode_FILE_MODE_SUBMODULE
	default:
		return gitv1.FileMode_FILE_MODE_REGULAR
	}
}

func fromMode(m gitv1.FileMode) filemode.FileMode {
	switch m {
	case gitv1.FileMode_FILE_MODE_REGULAR:
		return filemode.Regular
	case gitv1.FileMode_FILE_MODE_EXECUTABLE:
		return filemode.Executable
	case gitv1.FileMode_FILE_MODE_SYMLINK:
		return filemode.Symlink
	case gitv1.FileMode_FILE_MODE_SUBMODULE:
		return filemode.Submodule
	default:
		return filemode.Empty
	}
}

// ReadBlobs streams contents.
func (t *Trees) ReadBlobs(req *gitv1.ReadBlobsRequest,
	stream grpc.ServerStreamingServer[gitv1.ReadBlobsResponse],
) error {
	s, err := t.registry.Get(req.GetSnapshotId())
	if err != nil {
		return err
	}
	batch, size := &gitv1.ReadBlobsResponse{}, 0
	for _, text := range req.GetBlobIds() {
		content, err := blob(s, text)
		if err != nil {
			return errors.Join(err, sendBlobs(stream, batch))
		}
		batch.Blobs = append(batch.Blobs, &gitv1.Blob{BlobId: text, Content: content})
		if size += len(content); size >= readBatch {
			if err := stream.Send(batch); err != nil {
				return err
			}
			batch, size = &gitv1.ReadBlobsResponse{}, 0
		}
	}
	return sendBlobs(stream, batch)
}

func blob(s *snapshot.Snapshot, text string) ([]byte, error) {
	id, err := ParseID("blob_ids", text)
	if err != nil {
		return nil, err
	}
	return s.Blob(id)
}

// sendBlobs sends the last contents of an answer, if there are any.
func sendBlobs(stream grpc.ServerStreamingServer[gitv1.ReadBlobsResponse], batch *gitv1.ReadBlobsResponse) error {
	if len(batch.GetBlobs()) == 0 {
		return nil
	}
	return stream.Send(batch)
}

// WriteTree applies changes to a tree.
func (t *Trees) WriteTree(stream grpc.ClientStreamingServer[gitv1.WriteTreeRequest, gitv1.WriteTreeResponse]) error {
	var editor *snapshot.Editor
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if editor == nil {
			if editor, err = t.edit(req); err != nil {
				return err
			}
		}
		for _, c := range req.GetChanges() {
			change, err := fromChange(c)
			if err != nil {
				return err
			}
			if err := editor.Apply(change); err != nil {
				return err
			}
		}
	}
	if editor == nil {
		return errs.Field("snapshot_id", "The first message must name the snapshot and the base tree.")
	}
	tree, err := editor.Tree()
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.TreeWritten)
	return stream.SendAndClose(&gitv1.WriteTreeResponse{Tree: tree.String()})
}

func (t *Trees) edit(first *gitv1.WriteTreeRequest) (*snapshot.Editor, error) {
	s, base, err := t.at(first.GetSnapshotId(), "base_tree", first.GetBaseTree())
	if err != nil {
		return nil, err
	}
	return s.Edit(base)
}

// ParseID reads the id of an object, which came in a field.
func ParseID(field, text string) (plumbing.Hash, error) {
	if !plumbing.IsHash(text) {
		return plumbing.ZeroHash, errs.Field(field, "%q is no id of an object of Git; it has 40 digits.", text)
	}
	return plumbing.NewHash(text), nil
}

func fromChange(c *gitv1.Change) (snapshot.Change, error) {
	change := snapshot.Change{Path: c.GetPath(), Mode: fromMode(c.GetMode())}
	switch v := c.GetChange().(type) {
	case *gitv1.Change_Content:
		change.Content = v.Content
	case *gitv1.Change_BlobId:
		id, err := ParseID("changes.blob_id", v.BlobId)
		if err != nil {
			return change, err
		}
		change.Blob = id
	case *gitv1.Change_Remove:
		change.Remove = true
	default:
		return change, errs.Field("changes", "The change of %q says nothing.", c.GetPath())
	}
	return change, nil
}

// DiffTrees compares two trees.
func (t *Trees) DiffTrees(req *gitv1.DiffTreesRequest,
	stream grpc.ServerStreamingServer[gitv1.DiffTreesResponse],
) error {
	s, from, err := t.at(req.GetSnapshotId(), "from_tree", req.GetFromTree())
	if err != nil {
		return err
	}
	to, err := ParseID("to_tree", req.GetToTree())
	if err != nil {
		return err
	}
	pairs, err := s.Compare(from, to)
	if err != nil {
		return err
	}
	if err := stream.Send(&gitv1.DiffTreesResponse{Counts: ToCounts(pairs)}); err != nil || req.GetCountsOnly() {
		return err
	}
	err = sendChanges(pairs, func(changes []*gitv1.FileChange) error {
		return stream.Send(&gitv1.DiffTreesResponse{Changes: changes})
	})
	if err != nil {
		return err
	}
	return sendDiff(s, pairs, func(piece string) error { return stream.Send(&gitv1.DiffTreesResponse{Diff: piece}) })
}
