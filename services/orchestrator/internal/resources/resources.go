// Package resources answers what the files of fabrics say, for whoever shows them elsewhere: which fabrics are shown,
// what the last sync left of each, and what its resources say and who changed them. It changes nothing.
package resources

import (
	"context"
	"slices"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/snapshots"
)

// Deps is what answers are made of.
type Deps struct {
	Store     *recovery.Reader
	Snapshots snapshots.Opener
	Trees     gitv1.TreeServiceClient
	History   gitv1.HistoryServiceClient
	Ingestion ingestionv1.IngestionServiceClient
}

// Resources answers what files say.
type Resources struct{ deps Deps }

// New returns the room.
func New(deps Deps) *Resources { return &Resources{deps} }

// Linked lists the fabrics that a NetBox shows, by number; with a number that one alone.
func (r *Resources) Linked(ctx context.Context, only int32) ([]*fabricv1.LinkedFabric, error) {
	if err := r.deps.Store.EnsureComplete(ctx); err != nil {
		return nil, err
	}
	all, err := r.fabrics(ctx, only)
	if err != nil {
		return nil, err
	}
	linked := slices.DeleteFunc(all, func(f *fabricv1.Fabric) bool { return f.GetNetbox() == nil })
	return r.deps.Store.Standings(ctx, linked)
}

func (r *Resources) fabrics(ctx context.Context, only int32) ([]*fabricv1.Fabric, error) {
	if only == 0 {
		return r.deps.Store.Fabrics(ctx)
	}
	fabric, err := r.deps.Store.Fabric(ctx, only)
	return []*fabricv1.Fabric{fabric}, err
}

// batchRemoved is how many removed files a message has at most.
const batchRemoved = 1000

// Read sends what the files of managed/ say at a commit: of all of them, or of those that differ from an earlier
// commit. Where that can't be compared with, all are sent.
func (r *Resources) Read(
	ctx context.Context, req *fabricv1.ReadResourcesRequest, send func(*fabricv1.ReadResourcesResponse) error,
) error {
	open := &gitv1.OpenSnapshotRequest{}
	if req.GetCommit() != "" {
		open.At = &gitv1.OpenSnapshotRequest_AtCommit{AtCommit: req.GetCommit()}
	}
	return r.deps.Snapshots.At(ctx, req.GetFabricId(), open, func(
		ctx context.Context, fabric *fabricv1.Fabric, snapshot *gitv1.Snapshot,
	) error {
		if !snapshot.GetDirectoryExists() { // else all resources would be gone that are elsewhere
			return errs.New(errs.DirectoryNotFound, "The commit %s does not have the directory %q.", snapshot.GetCommit(),
				fabric.GetLocation().GetDirectory())
		}
		since, err := r.changes(ctx, snapshot, req.GetSinceCommit())
		if err != nil {
			return err
		}
		begin := &fabricv1.ReadResourcesResponse{
			Complete: since == nil, Commit: snapshot.GetCommit(), Pages: snapshot.GetPages(),
		}
		if err := send(begin); err != nil || since.nothing() {
			return err
		}
		var who *authors
		if !req.GetWithoutAuthors() {
			if who, err = r.authorsOf(ctx, snapshot, since); err != nil {
				return err
			}
		}
		if err := sendRemoved(since.gone(), who, send); err != nil {
			return err
		}
		return r.read(ctx, fabric, reading{snapshot, since, req.GetResource(), req.GetWithReferences(), who}, send)
	})
}

// changes is which files of managed/ differ between two commits; nil stands for all that there are.
type changes struct {
	from    string            // the commit
	old     map[string]string // the ids of what they were, by path; empty for those that are new
	changed []string          // those that are there
	removed []string          // those that are gone
}

func (c *changes) commit() string {
	if c == nil {
		return ""
	}
	return c.from
}

func (c *changes) nothing() bool { return c != nil && len(c.old) == 0 }

func (c *changes) gone() []string {
	if c == nil {
		return nil
	}
	return c.removed
}

// before returns the id of what a file was before it changed, if it is one that has changed.
func (c *changes) before(path string) (id string, changed bool) {
	if c == nil {
		return "", false
	}
	id, changed = c.old[path]
	return id, changed
}

// changes compares a snapshot with an earlier commit. It returns nil where there is none to compare with.
func (r *Resources) changes(ctx context.Context, snapshot *gitv1.Snapshot, since string) (*changes, error) {
	if since == "" {
		return nil, nil //nolint:nilnil // all files
	}
	found := &changes{from: since, old: map[string]string{}}
	err := rpc.Collect(ctx, r.deps.Trees.ListChanges, &gitv1.ListChangesRequest{
		SnapshotId: snapshot.GetSnapshotId(), SinceCommit: since,
	}, func(part *gitv1.ListChangesResponse) error {
		for _, change := range part.GetChanges() {
			found.add(change)
		}
		return nil
	})
	if errs.HasCode(err, errs.CommitNotFound) {
		return nil, nil //nolint:nilnil // history was rewritten
	}
	return found, err
}

func (c *changes) add(change *gitv1.FileChange) {
	path := change.GetPath()
	if layout.Part(path) != layout.Managed || layout.StaysPut(path) {
		return
	}
	c.old[path] = change.GetOldBlobId()
	if change.GetKind() == gitv1.FileChangeKind_FILE_CHANGE_KIND_REMOVED {
		c.removed = append(c.removed, path)
	} else {
		c.changed = append(c.changed, path)
	}
}

func sendRemoved(paths []string, who *authors, send func(*fabricv1.ReadResourcesResponse) error) error {
	for batch := range slices.Chunk(paths, batchRemoved) {
		out := &fabricv1.ReadResourcesResponse{}
		for _, path := range batch {
			out.Removed = append(out.Removed, &fabricv1.RemovedFile{Path: path, ChangedBy: who.who(path, "")})
		}
		if err := send(out); err != nil {
			return err
		}
	}
	return nil
}

// reading is what is read of a fabric.
type reading struct {
	snapshot *gitv1.Snapshot
	since    *changes
	only     *reportv1.ResourceKey // nil for all
	refs     bool                  // say what each names, too
	who      *authors              // nil: nobody wants to know
}

// read has ingestion read files, and adds who changed them.
func (r *Resources) read(
	ctx context.Context, fabric *fabricv1.Fabric, of reading, send func(*fabricv1.ReadResourcesResponse) error,
) error {
	request := &ingestionv1.ReadResourcesRequest{
		SnapshotId: of.snapshot.GetSnapshotId(), Tree: of.snapshot.GetTree(), Options: fabric.GetOptions(),
		Resource: of.only, WithReferences: of.refs,
	}
	if of.since != nil {
		if request.Paths = of.since.changed; len(of.since.changed) == 0 {
			return nil
		}
	}
	return rpc.Collect(ctx, r.deps.Ingestion.ReadResources, request, func(part *ingestionv1.ReadResourcesResponse) error {
		out := &fabricv1.ReadResourcesResponse{}
		for _, resource := range part.GetResources() {
			out.Resources = append(out.Resources, &fabricv1.ChangedResource{
				Resource: resource, ChangedBy: of.who.who(resource.GetPath(), resource.GetOriginalFile()),
			})
		}
		return send(out)
	})
}
