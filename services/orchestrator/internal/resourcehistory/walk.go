package resourcehistory

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/layout"
	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// place is where a walk goes on: with the commits that changed some files, from one of them on. It is what a page token
// says.
type place struct {
	Paths []string `json:"paths"`
	From  string   `json:"from,omitempty"`  // the commit to begin at; that of the snapshot when it is empty
	Token string   `json:"token,omitempty"` // of the list of these commits
	Homes []string `json:"homes"`           // where the file belongs
}

// walk follows one resource back in time.
type walk struct {
	Deps
	fabric   *fabricv1.Fabric
	snapshot *gitv1.Snapshot
	key      *reportv1.ResourceKey
	at       place
	send     func(*fabricv1.ListResourceChangesResponse) error

	wanted, commits, moves int // how many changes, commits and moves there may be yet
	sent, size             int // changes, and their bytes
	done, cut              bool
}

// begin finds the file of the resource, or where one would be.
func (w *walk) begin(ctx context.Context) error {
	located, err := w.Ingestion.LocateResource(ctx, &ingestionv1.LocateResourceRequest{
		SnapshotId: w.snapshot.GetSnapshotId(), Tree: w.snapshot.GetTree(), Options: w.fabric.GetOptions(), Resource: w.key,
	})
	if err != nil {
		return err
	}
	w.at.Homes, w.at.Paths = located.GetPlaces(), located.GetPlaces()
	if located.GetPath() != "" {
		w.at.Paths = []string{located.GetPath()}
	}
	w.done = len(w.at.Paths) == 0
	return nil
}

// page sends changes until there are enough, or enough was looked at.
func (w *walk) page(ctx context.Context) error {
	for !w.done && w.sent < w.wanted && w.size < pageBytes && w.commits > 0 && w.moves > 0 {
		if err := w.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// step goes through the next commits that changed the files that are followed now, up to one before which the resource
// was in another file, or with which the page has enough bytes. The contents of one commit are held at a time.
func (w *walk) step(ctx context.Context) error {
	list, err := w.next(ctx, min(w.wanted-w.sent, w.commits))
	if err != nil {
		return err
	}
	for i, c := range list.GetCommits() {
		if w.size >= pageBytes {
			return w.pause(ctx, i)
		}
		w.commits--
		said, err := w.read(ctx, versionsOf(c.GetChanges()))
		if err != nil {
			return err
		}
		moved, err := w.take(ctx, c, said)
		if err != nil || moved {
			return err
		}
	}
	w.at.Token = list.GetNextPageToken()
	w.done, w.cut = w.at.Token == "", list.GetTruncated()
	return nil
}

// next lists the next commits, so many at most.
func (w *walk) next(ctx context.Context, limit int) (*gitv1.ListCommitsResponse, error) {
	list := &gitv1.ListCommitsResponse{}
	err := rpc.Collect(ctx, w.History.ListCommits, &gitv1.ListCommitsRequest{
		SnapshotId: w.snapshot.GetSnapshotId(), Paths: w.at.Paths, FromCommit: w.at.From, PageToken: w.at.Token,
		WithChanges: true, Limit: int32(limit),
	}, func(part *gitv1.ListCommitsResponse) error {
		list.Commits = append(list.Commits, part.GetCommits()...)
		list.NextPageToken, list.Truncated = part.GetNextPageToken(), part.GetTruncated()
		return nil
	})
	return list, err
}

// pause has the walk go on after so many of the next commits: only the end of a list has a token.
func (w *walk) pause(ctx context.Context, taken int) error {
	list, err := w.next(ctx, taken)
	if err != nil {
		return err
	}
	w.at.Token = list.GetNextPageToken()
	return nil
}

// take sends what a commit has changed of the resource. It reports whether the walk goes on with other files: with the
// one that the resource was in before or, where it is new, with those that it may have had in an earlier life.
func (w *walk) take(ctx context.Context, c *gitv1.Commit, said contents) (elsewhere bool, err error) {
	before, after := said.sides(c.GetChanges())
	if before == nil && after == nil || w.untouched(before, after) {
		return false, nil
	}
	next := w.at.Paths
	if before == nil {
		if before, err = w.source(ctx, c, after); err != nil {
			return false, err
		}
		if next = w.at.Homes; before != nil {
			next = []string{before.GetPath()}
		}
	}
	c.Changes = nil
	if err := w.tell(ctx, c, before, after); err != nil {
		return false, err
	}
	if slices.Equal(next, w.at.Paths) || len(c.GetParents()) == 0 {
		return false, nil
	}
	w.moves--
	w.at = place{Paths: next, From: c.GetParents()[0], Homes: w.at.Homes}
	return true, nil
}

// untouched reports whether a commit has changed something else in a file that holds the resource and that is not its
// own.
func (w *walk) untouched(before, after *reportv1.ResourceContent) bool {
	if before == nil || after == nil || before.GetPath() != after.GetPath() ||
		layout.Part(after.GetPath()) == layout.Managed {
		return false
	}
	was := proto.CloneOf(before)
	was.BlobId = after.GetBlobId()
	return proto.Equal(was, after)
}

func (w *walk) tell(ctx context.Context, c *gitv1.Commit, before, after *reportv1.ResourceContent) error {
	change := &fabricv1.ResourceChange{Commit: c, Before: before, After: after}
	if err := w.judge(ctx, change); err != nil {
		return err
	}
	w.sent++
	w.size += proto.Size(change)
	return w.send(&fabricv1.ListResourceChangesResponse{Changes: []*fabricv1.ResourceChange{change}})
}

// errEnough ends a listing whose rest is not needed.
var errEnough = errors.New("enough was seen")

// source finds the file that held a resource before a commit put it where it is; nil when there is none.
func (w *walk) source(
	ctx context.Context, c *gitv1.Commit, after *reportv1.ResourceContent,
) (*reportv1.ResourceContent, error) {
	if len(c.GetParents()) == 0 {
		return nil, nil //nolint:nilnil // nothing was before
	}
	files, err := w.sources(ctx, c, after)
	if err != nil {
		return nil, err
	}
	for some := range slices.Chunk(files, sourcesAtOnce) {
		said, err := w.read(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, file := range some {
			if found := said[at{file.GetPath(), file.GetBlobId()}]; found.GetKey() != nil {
				return found, nil
			}
		}
	}
	return nil, nil //nolint:nilnil // it is new
}

// sources are the files that a commit changed or took away, as they were, the likely ones first: the one that the
// resource says it comes from, and those that are gone.
func (w *walk) sources(
	ctx context.Context, c *gitv1.Commit, after *reportv1.ResourceContent,
) ([]*ingestionv1.FileVersion, error) {
	var likely, gone, changed []*ingestionv1.FileVersion
	seen := 0
	err := rpc.Collect(ctx, w.History.ListCommits, &gitv1.ListCommitsRequest{
		SnapshotId: w.snapshot.GetSnapshotId(), FromCommit: c.GetCommit(), Limit: 1, WithChanges: true,
	}, func(part *gitv1.ListCommitsResponse) error {
		for _, one := range part.GetCommits() {
			if one.GetCommit() != c.GetCommit() {
				return errEnough
			}
			for _, change := range one.GetChanges() {
				if seen++; seen > mostChanges {
					return errEnough
				}
				path, blob := change.GetPath(), was(change).blob
				if blob == "" || !layout.IsYAML(path) || layout.Part(path) == layout.Metadata {
					continue
				}
				file := &ingestionv1.FileVersion{Path: path, BlobId: blob}
				switch {
				case path == after.GetOriginalFile() || file.GetBlobId() == after.GetBlobId():
					likely = append(likely, file)
				case change.GetNewBlobId() == "":
					gone = append(gone, file)
				default:
					changed = append(changed, file)
				}
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	files := slices.Concat(likely, gone, changed)
	return files[:min(len(files), mostSources)], nil
}
