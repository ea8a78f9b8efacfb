// Package view answers questions about the directory of a fabric, at the head of its branch or earlier. It changes
// nothing. Each answer is of one snapshot, which is closed with it.
package view

import (
	"context"

	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/snapshots"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// Deps is what answers are made of.
type Deps struct {
	Store        *recovery.Reader
	Snapshots    snapshots.Opener
	Trees        gitv1.TreeServiceClient
	History      gitv1.HistoryServiceClient
	Directory    directoryv1.DirectoryServiceClient
	Ingestion    ingestionv1.IngestionServiceClient
	MaxFileBytes int64 // larger contents are not sent, and no more than that in all
}

// View answers questions about directories.
type View struct{ deps Deps }

// New returns a view.
func New(deps Deps) *View { return &View{deps} }

// atHead opens a snapshot of the head of the fabric's branch for the time of a call.
func (v *View) atHead(
	ctx context.Context, fabricID int32, call func(context.Context, *fabricv1.Fabric, *gitv1.Snapshot) error,
) error {
	return v.at(ctx, fabricID, &gitv1.OpenSnapshotRequest{}, call)
}

// at opens a snapshot of the fabric's branch for the time of a call, of the state that the request names.
func (v *View) at(
	ctx context.Context, fabricID int32, open *gitv1.OpenSnapshotRequest,
	call func(context.Context, *fabricv1.Fabric, *gitv1.Snapshot) error,
) error {
	return v.deps.Snapshots.At(ctx, fabricID, open, call)
}

// Check judges the structure of a fabric's directory.
func (v *View) Check(ctx context.Context, fabricID int32) (*fabricv1.CheckDirectoryResponse, error) {
	out := &fabricv1.CheckDirectoryResponse{}
	err := v.atHead(ctx, fabricID, func(ctx context.Context, fabric *fabricv1.Fabric, snapshot *gitv1.Snapshot) error {
		var err error
		out.Commit = snapshot.GetCommit()
		out.Report, err = v.report(ctx, fabric, snapshot)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (v *View) report(
	ctx context.Context, fabric *fabricv1.Fabric, snapshot *gitv1.Snapshot,
) (*directoryv1.DirectoryReport, error) {
	response, err := v.deps.Directory.ValidateDirectory(ctx, &directoryv1.ValidateDirectoryRequest{
		SnapshotId: snapshot.GetSnapshotId(), Tree: snapshot.GetTree(),
		Fabric: &directoryv1.FabricIdentity{
			FabricId: fabric.GetFabricId(), Name: fabric.GetName(), FormerNames: fabric.GetFormerNames(),
		},
		Surroundings: snapshot.GetSurroundings(),
	})
	return response.GetReport(), err
}

// lastSyncs returns the latest sync of the whole directory that has ended and the latest that has completed, dry runs
// left out; nil when there is none.
func (v *View) lastSyncs(ctx context.Context, fabricID int32) (ended, completed *syncv1.Sync, err error) {
	if _, err := v.deps.Store.Fabric(ctx, fabricID); err != nil {
		return nil, nil, err
	}
	const pageLength = 50
	for offset := 0; ; offset += pageLength {
		page, err := v.deps.Store.History(ctx, fabricID, state.Query{Offset: offset, Limit: pageLength})
		if err != nil {
			return nil, nil, err
		}
		for _, sync := range page.Syncs {
			if !wholeAndEnded(sync) {
				continue
			}
			if ended == nil {
				ended = sync
			}
			if sync.GetState() == syncv1.State_STATE_COMPLETED {
				return ended, sync, nil
			}
		}
		if offset+pageLength >= page.Total {
			return ended, nil, nil
		}
	}
}

func wholeAndEnded(s *syncv1.Sync) bool { return state.Whole(s) && state.Terminal(s.GetState()) }
