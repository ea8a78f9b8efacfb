package grpcapi

import (
	"context"
	"errors"
	"io"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/state"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const closeTimeout = 5 * time.Second

// atHead opens a snapshot of the fabric's branch for the time of a call.
func (f *Fabrics) atHead(ctx context.Context, fabricID int32,
	call func(context.Context, *fabricv1.Fabric, *gitv1.Snapshot) error,
) error {
	return f.at(ctx, fabricID, &gitv1.OpenSnapshotRequest{}, call)
}

// at opens a snapshot of the fabric's branch for the time of a call, of the state that the request names.
func (f *Fabrics) at(ctx context.Context, fabricID int32, open *gitv1.OpenSnapshotRequest,
	call func(context.Context, *fabricv1.Fabric, *gitv1.Snapshot) error,
) error {
	fabric, err := f.Store.Fabric(ctx, fabricID)
	if err != nil {
		return err
	}
	ctx = rpc.AboutRepository(ctx, fabric.GetRepositoryKey())
	open.Location = fabric.GetLocation()
	response, err := f.Repositories.OpenSnapshot(ctx, open)
	if err != nil {
		return err
	}
	snapshot := response.GetSnapshot()
	err = call(ctx, fabric, snapshot)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_, closeErr := f.Repositories.CloseSnapshot(closing, &gitv1.CloseSnapshotRequest{SnapshotId: snapshot.GetSnapshotId()})
	return errors.Join(err, closeErr)
}

// CheckDirectory judges the structure of a fabric's directory.
func (f *Fabrics) CheckDirectory(ctx context.Context,
	req *fabricv1.CheckDirectoryRequest,
) (*fabricv1.CheckDirectoryResponse, error) {
	out := &fabricv1.CheckDirectoryResponse{}
	err := f.atHead(ctx, req.GetFabricId(), func(ctx context.Context, fabric *fabricv1.Fabric,
		snapshot *gitv1.Snapshot,
	) error {
		var err error
		out.Commit = snapshot.GetCommit()
		out.Report, err = f.report(ctx, fabric, snapshot)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (f *Fabrics) report(ctx context.Context, fabric *fabricv1.Fabric,
	snapshot *gitv1.Snapshot,
) (*directoryv1.DirectoryReport, error) {
	response, err := f.Directory.ValidateDirectory(ctx, &directoryv1.ValidateDirectoryRequest{
		SnapshotId: snapshot.GetSnapshotId(), Tree: snapshot.GetTree(),
		Fabric: &directoryv1.FabricIdentity{FabricId: fabric.GetFabricId(), Name: fabric.GetName()},
	})
	return response.GetReport(), err
}

// ListChanges says which files differ between a commit and the branch head.
func (f *Fabrics) ListChanges(ctx context.Context, req *fabricv1.ListChangesRequest) (*fabricv1.ListChangesResponse,
	error,
) {
	out := &fabricv1.ListChangesResponse{SinceCommit: req.GetSinceCommit()}
	if out.GetSinceCommit() == "" {
		_, last, err := f.lastSyncs(ctx, req.GetFabricId())
		if err != nil {
			return nil, err
		}
		if last == nil {
			return nil, errs.New(errs.NoCompletedSync, "No sync of fabric %d has completed yet.", req.GetFabricId()).
				WithRemedy("Name a commit to compare with, or sync the fabric first.")
		}
		out.SinceCommit = commitAfter(last)
	}
	err := f.atHead(ctx, req.GetFabricId(), func(ctx context.Context, _ *fabricv1.Fabric, snapshot *gitv1.Snapshot) error {
		out.Commit = snapshot.GetCommit()
		var err error
		out.Changes, err = f.changes(ctx, snapshot, out.GetSinceCommit())
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (f *Fabrics) changes(ctx context.Context, snapshot *gitv1.Snapshot, since string) ([]*gitv1.FileChange, error) {
	stream, err := f.Trees.ListChanges(ctx, &gitv1.ListChangesRequest{
		SnapshotId:  snapshot.GetSnapshotId(),
		SinceCommit: since,
	})
	if err != nil {
		return nil, err
	}
	var out []*gitv1.FileChange
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, part.GetChanges()...)
	}
}

// lastSyncs returns the latest sync of the whole directory that has ended and the latest that has completed, dry runs
// left out; nil when there is none.
func (f *Fabrics) lastSyncs(ctx context.Context, fabricID int32) (ended, completed *syncv1.Sync, err error) {
	if _, err := f.Store.Fabric(ctx, fabricID); err != nil {
		return nil, nil, err
	}
	history, err := f.Store.History(ctx, fabricID, time.Time{}, time.Time{})
	if err != nil {
		return nil, nil, err
	}
	for _, sync := range history {
		o := sync.GetOptions()
		if o.GetValidateOnly() || o.GetScope() == syncv1.Scope_SCOPE_DIRECTORY || !state.Terminal(sync.GetState()) {
			continue
		}
		if ended == nil {
			ended = sync
		}
		if sync.GetState() == syncv1.State_STATE_COMPLETED {
			return ended, sync, nil
		}
	}
	return ended, nil, nil
}

// commitAfter is the commit that a completed sync left.
func commitAfter(s *syncv1.Sync) string {
	if made := s.GetResult().GetCommitSha(); made != "" {
		return made
	}
	return s.GetResult().GetBaseCommit()
}
