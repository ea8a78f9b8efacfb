package gittree

import (
	"context"
	"errors"
	"fmt"
	"io"

	"fgdsync.dev/libs/recent"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// Sizes of a message of changes: bytes of content, and number of changes.
const (
	batchBytes   = 256 << 10
	batchChanges = 2000
)

// Client is the way to trees.
type Client struct {
	trees    gitv1.TreeServiceClient
	listings *recent.Cache[string, []Entry] // by the id of the tree, which stands for all that is in it
}

// NewClient returns a client that remembers listings of so many leaves.
func NewClient(trees gitv1.TreeServiceClient, leaves int) (*Client, error) {
	listings, err := recent.New[string, []Entry](leaves)
	if err != nil {
		return nil, err
	}
	return &Client{trees, listings}, nil
}

// List returns all leaves of a tree in path order. They are not to be changed.
func (c *Client) List(ctx context.Context, tree Ref) ([]Entry, error) {
	if entries, known := c.listings.Get(tree.ID); known {
		return entries, nil
	}
	entries, err := c.list(ctx, tree)
	if err == nil {
		c.listings.Add(tree.ID, entries, 1+len(entries))
	}
	return entries, err
}

func (c *Client) list(ctx context.Context, tree Ref) ([]Entry, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.trees.ListTree(ctx, &gitv1.ListTreeRequest{SnapshotId: tree.Snapshot, Tree: tree.ID})
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for {
		page, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		for _, e := range page.GetEntries() {
			entries = append(entries, Entry{
				Path: e.GetPath(), Mode: modeOf(e.GetMode()), Blob: e.GetBlobId(),
				Size: e.GetSize(),
			})
		}
	}
}

// Read hands out the contents of objects in the order asked for.
func (c *Client) Read(ctx context.Context, snapshot string, blobs []string, visit func(content []byte) error) error {
	return Read(ctx, c.trees, snapshot, blobs, visit)
}

// Read hands out the contents of objects in the order asked for.
func Read(ctx context.Context, trees gitv1.TreeServiceClient, snapshot string, blobs []string,
	visit func(content []byte) error,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := trees.ReadBlobs(ctx, &gitv1.ReadBlobsRequest{SnapshotId: snapshot, BlobIds: blobs})
	if err != nil {
		return err
	}
	next := 0
	for {
		page, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, blob := range page.GetBlobs() {
			if next >= len(blobs) || blob.GetBlobId() != blobs[next] {
				return fmt.Errorf("object %s came out of turn", blob.GetBlobId())
			}
			next++
			if err := visit(blob.GetContent()); err != nil {
				return err
			}
		}
	}
}

// Write applies changes and gives the new tree.
func (c *Client) Write(ctx context.Context, base Ref, changes []Change) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.trees.WriteTree(ctx)
	if err != nil {
		return "", err
	}
	// When the other side has hung up, Send says only that; CloseAndRecv says why.
	if err := send(stream, base, changes); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	response, err := stream.CloseAndRecv()
	if err != nil {
		return "", err
	}
	return response.GetTree(), nil
}

func send(stream gitv1.TreeService_WriteTreeClient, base Ref, changes []Change) error {
	request := &gitv1.WriteTreeRequest{SnapshotId: base.Snapshot, BaseTree: base.ID}
	size := 0
	for _, change := range changes {
		if size+len(change.Content) > batchBytes && size > 0 || len(request.Changes) >= batchChanges {
			if err := stream.Send(request); err != nil {
				return err
			}
			request, size = &gitv1.WriteTreeRequest{}, 0
		}
		request.Changes = append(request.Changes, wireChange(change))
		size += len(change.Content)
	}
	return stream.Send(request)
}
