// Package treeio reads fabric directories from a TreeService and writes changes back.
package treeio

import (
	"context"
	"errors"
	"fmt"
	"io"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"

	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/directory/internal/structure"
)

// maxIgnoreBytes bounds the .fgdignore that is read; a larger one counts as absent.
const maxIgnoreBytes = 1 << 20

// Tree names a tree in a snapshot.
type Tree struct {
	Snapshot string
	ID       string
}

// Client is the way to the trees.
type Client struct{ trees gitv1.TreeServiceClient }

// New makes a client.
func New(trees gitv1.TreeServiceClient) Client { return Client{trees: trees} }

// Load reads the leaves of a tree, and the contents of the manifest and of .fgdignore where they are plain files of
// a sensible size.
func (c Client) Load(ctx context.Context, tree Tree) (structure.Directory, error) {
	entries, err := c.list(ctx, tree)
	if err != nil {
		return structure.Directory{}, fmt.Errorf("list tree %s: %w", tree.ID, err)
	}
	var manifest, ignore string
	var blobs []string
	for _, e := range entries {
		switch {
		case e.Path == layout.Manifest && isFile(e) && e.Size <= structure.MaxManifestBytes:
			manifest, blobs = e.Blob, append(blobs, e.Blob)
		case e.Path == layout.Ignore && isFile(e) && e.Size <= maxIgnoreBytes:
			ignore, blobs = e.Blob, append(blobs, e.Blob)
		}
	}
	contents, err := c.read(ctx, tree.Snapshot, blobs)
	if err != nil {
		return structure.Directory{}, fmt.Errorf("read the manifest of tree %s: %w", tree.ID, err)
	}
	return structure.Directory{Entries: entries, Manifest: contents[manifest], Ignore: contents[ignore]}, nil
}

func isFile(e structure.Entry) bool {
	return e.Mode == structure.Regular || e.Mode == structure.Executable
}

func (c Client) list(ctx context.Context, tree Tree) ([]structure.Entry, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.trees.ListTree(ctx, &gitv1.ListTreeRequest{SnapshotId: tree.Snapshot, Tree: tree.ID})
	if err != nil {
		return nil, err
	}
	var entries []structure.Entry
	for {
		page, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		for _, e := range page.GetEntries() {
			entries = append(entries, structure.Entry{Path: e.GetPath(), Mode: modeOf(e.GetMode()), Blob: e.GetBlobId(), Size: e.GetSize()})
		}
	}
}

func modeOf(m gitv1.FileMode) structure.Mode {
	switch m {
	case gitv1.FileMode_FILE_MODE_EXECUTABLE:
		return structure.Executable
	case gitv1.FileMode_FILE_MODE_SYMLINK:
		return structure.Symlink
	case gitv1.FileMode_FILE_MODE_SUBMODULE:
		return structure.Submodule
	default:
		return structure.Regular
	}
}

func (c Client) read(ctx context.Context, snapshot string, blobs []string) (map[string][]byte, error) {
	if len(blobs) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.trees.ReadBlobs(ctx, &gitv1.ReadBlobsRequest{SnapshotId: snapshot, BlobIds: blobs})
	if err != nil {
		return nil, err
	}
	contents := map[string][]byte{}
	for {
		page, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return contents, nil
		}
		if err != nil {
			return nil, err
		}
		for _, blob := range page.GetBlobs() {
			contents[blob.GetBlobId()] = blob.GetContent()
		}
	}
}

// Write applies changes and gives the new tree.
func (c Client) Write(ctx context.Context, base Tree, changes []structure.Change) (string, error) {
	stream, err := c.trees.WriteTree(ctx)
	if err != nil {
		return "", fmt.Errorf("write into tree %s: %w", base.ID, err)
	}
	request := &gitv1.WriteTreeRequest{SnapshotId: base.Snapshot, BaseTree: base.ID}
	for _, change := range changes {
		request.Changes = append(request.Changes, wireChange(change))
	}
	// When the other side has hung up, Send says only that; CloseAndRecv says why.
	if err := stream.Send(request); err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("write into tree %s: %w", base.ID, err)
	}
	response, err := stream.CloseAndRecv()
	if err != nil {
		return "", fmt.Errorf("write into tree %s: %w", base.ID, err)
	}
	return response.GetTree(), nil
}

func wireChange(c structure.Change) *gitv1.Change {
	if c.Blob != "" {
		return &gitv1.Change{Path: c.Path, Change: &gitv1.Change_BlobId{BlobId: c.Blob}}
	}
	return &gitv1.Change{Path: c.Path, Change: &gitv1.Change_Content{Content: c.Content}}
}
