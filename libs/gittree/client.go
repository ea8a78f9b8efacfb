package gittree

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/recent"
	"fgdsync.dev/libs/rpc"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// Sizes of a message of changes: bytes of content, and number of changes.
const (
	batchBytes   = 256 << 10
	batchChanges = 2000
)

// Client reads and writes the trees of a TreeService. It is safe for concurrent use.
type Client struct {
	trees    gitv1.TreeServiceClient
	listings *recent.Cache[string, Listing] // by the id of the tree, which stands for all that is in it
}

// NewClient returns a client over a connection to a TreeService. It remembers the listings of trees with at most so
// many leaves together. Without a connection, which is nil then, every call fails with FGD_5007.
func NewClient(conn grpc.ClientConnInterface, leaves int) (*Client, error) {
	listings, err := recent.New[string, Listing](leaves)
	if err != nil {
		return nil, err
	}
	if conn == nil {
		conn = noConn{}
	}
	return &Client{gitv1.NewTreeServiceClient(conn), listings}, nil
}

// noConn is the connection of a process that has no TreeService.
type noConn struct{}

var errNoConn = errs.New(errs.ConfigurationInvalid, "There is no connection to a service that holds trees.").
	WithRemedy("Run the service with a connection to github-sync (github_sync_address).")

func (noConn) Invoke(context.Context, string, any, any, ...grpc.CallOption) error { return errNoConn }

func (noConn) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errNoConn
}

// List returns all leaves of a tree in path order. They are not to be changed.
func (c *Client) List(ctx context.Context, tree Ref) ([]Entry, error) {
	listing, err := c.Listing(ctx, tree)
	return listing.Entries, err
}

// Listing returns what a tree holds. It is not to be changed.
func (c *Client) Listing(ctx context.Context, tree Ref) (Listing, error) {
	if listing, known := c.listings.Get(tree.ID); known {
		return listing, nil
	}
	var listing Listing
	request := &gitv1.ListTreeRequest{SnapshotId: tree.Snapshot, Tree: tree.ID}
	err := rpc.Collect(ctx, c.trees.ListTree, request, func(page *gitv1.ListTreeResponse) error {
		listing.Unreadable = append(listing.Unreadable, page.GetUnreadable()...)
		for _, e := range page.GetEntries() {
			listing.Entries = append(listing.Entries, entryFromProto(e))
		}
		return nil
	})
	if err != nil {
		return Listing{}, err
	}
	c.listings.Add(tree.ID, listing, 1+len(listing.Entries)+len(listing.Unreadable))
	return listing, nil
}

// Read hands the contents of objects to visit, in the order asked for.
func (c *Client) Read(ctx context.Context, snapshot string, blobs []string, visit func(content []byte) error) error {
	return Read(ctx, c.trees, snapshot, blobs, visit)
}

// Read hands the contents of objects to visit, in the order asked for.
func Read(ctx context.Context, trees gitv1.TreeServiceClient, snapshot string, blobs []string,
	visit func(content []byte) error,
) error {
	next := 0
	request := &gitv1.ReadBlobsRequest{SnapshotId: snapshot, BlobIds: blobs}
	return rpc.Collect(ctx, trees.ReadBlobs, request, func(page *gitv1.ReadBlobsResponse) error {
		for _, blob := range page.GetBlobs() {
			if next >= len(blobs) || blob.GetBlobId() != blobs[next] {
				return fmt.Errorf("object %s came out of turn", blob.GetBlobId())
			}
			next++
			if err := visit(blob.GetContent()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Write applies changes to a tree and returns the id of the new one.
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
		request.Changes = append(request.Changes, changeToProto(change))
		size += len(change.Content)
	}
	return stream.Send(request)
}
