package grpcapi

import (
	"context"
	"time"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
)

// maxDirectoryWait bounds how long a call waits for the sync that mends a directory.
const maxDirectoryWait = time.Minute

// answerShare is the part of the caller's time that is kept for telling it that the sync still runs.
const answerShare = 20

// directoryServer implements fgd.bridge.v1.DirectoryService.
type directoryServer struct {
	bridgev1.UnsafeDirectoryServiceServer
	views fabricv1.DirectoryViewServiceClient
	syncs syncv1.SyncServiceClient
}

var _ bridgev1.DirectoryServiceServer = (*directoryServer)(nil)

// ValidateDirectory judges the directory's structure.
func (s *directoryServer) ValidateDirectory(
	ctx context.Context, req *bridgev1.ValidateDirectoryRequest,
) (*bridgev1.ValidateDirectoryResponse, error) {
	checked, err := s.views.CheckDirectory(ctx, &fabricv1.CheckDirectoryRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	return apiv1.DirectoryReportToAPI(checked), nil
}

// GetDirectoryHealth sums up how the directory is.
func (s *directoryServer) GetDirectoryHealth(
	ctx context.Context, req *bridgev1.GetDirectoryHealthRequest,
) (*bridgev1.GetDirectoryHealthResponse, error) {
	found, err := s.views.GetDirectoryHealth(ctx, &fabricv1.GetDirectoryHealthRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	return apiv1.DirectoryHealthToAPI(found), nil
}

// ListFiles lists the files of the directory at the branch head, or as they were.
func (s *directoryServer) ListFiles(
	ctx context.Context, req *bridgev1.ListFilesRequest,
) (*bridgev1.ListFilesResponse, error) {
	found, err := s.views.ListFiles(ctx, apiv1.ListFilesRequest(req))
	if err != nil {
		return nil, err
	}
	return apiv1.FilesToAPI(found), nil
}

// ListDirectoryChanges says which files differ between a commit and the branch head.
func (s *directoryServer) ListDirectoryChanges(
	ctx context.Context, req *bridgev1.ListDirectoryChangesRequest,
) (*bridgev1.ListDirectoryChangesResponse, error) {
	found, err := s.views.ListChanges(ctx, &fabricv1.ListChangesRequest{
		FabricId: req.GetFabricId(), SinceCommit: req.GetSince(),
		Limit: apiv1.Limit(req.GetLimit(), apiv1.DefaultChanges), PageToken: req.GetPageToken(),
	})
	if err != nil {
		return nil, err
	}
	return apiv1.ChangesToAPI(found), nil
}

// InitializeDirectory makes what is missing.
func (s *directoryServer) InitializeDirectory(
	ctx context.Context, req *bridgev1.InitializeDirectoryRequest,
) (*bridgev1.InitializeDirectoryResponse, error) {
	sync, err := s.runDirectorySync(ctx, req.GetFabricId(), req.GetCreateSamples())
	if err != nil {
		return nil, err
	}
	return apiv1.InitializeToAPI(sync), nil
}

// RepairDirectory mends what is damaged.
func (s *directoryServer) RepairDirectory(
	ctx context.Context, req *bridgev1.RepairDirectoryRequest,
) (*bridgev1.RepairDirectoryResponse, error) {
	sync, err := s.runDirectorySync(ctx, req.GetFabricId(), false)
	if err != nil {
		return nil, err
	}
	return apiv1.RepairToAPI(sync), nil
}

// runDirectorySync runs a sync of the directory alone and waits for its end.
func (s *directoryServer) runDirectorySync(
	ctx context.Context, fabricID int32, createSamples bool,
) (*syncv1.Sync, error) {
	started, err := s.syncs.StartSync(ctx, apiv1.ManualStart(fabricID, &syncv1.SyncOptions{
		Scope: syncv1.Scope_SCOPE_DIRECTORY, CreateSamples: createSamples,
	}))
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, directoryWait(ctx))
	defer cancel()
	ignore := func(*syncv1.SyncEvent) error { return nil }
	if err := watch(waiting, s.syncs, started.GetSyncId(), ignore); err != nil {
		// The other side counts the same time, and its word may come before the timer here has fired.
		late := waiting.Err() != nil || errs.KindOf(err) == errs.Deadline
		if late && ctx.Err() == nil {
			return nil, stillRunning(started.GetSyncId())
		}
		return nil, err
	}
	found, err := s.syncs.GetSync(ctx, &syncv1.GetSyncRequest{SyncId: started.GetSyncId()})
	if err != nil {
		return nil, err
	}
	return found.GetSync(), failureOf(found.GetSync())
}

// directoryWait returns how long to wait: at most a minute, and not quite as long as the caller does.
func directoryWait(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return maxDirectoryWait
	}
	left := time.Until(deadline)
	return min(left-left/answerShare, maxDirectoryWait)
}

func stillRunning(syncID string) error {
	return errs.New(errs.SyncTimeout, "The sync of the directory has not ended yet; it goes on.").
		WithRemedy("Follow it at %s.", apiv1.TrackingURL(syncID)).WithMeta("sync_id", syncID)
}

// failureOf returns the error of a sync that did not complete.
func failureOf(s *syncv1.Sync) error {
	switch s.GetState() {
	case syncv1.State_STATE_COMPLETED:
		return nil
	case syncv1.State_STATE_CANCELLED:
		return errs.New(errs.DirectoryRepairFailed, "The sync of the directory was cancelled.").
			WithMeta("sync_id", s.GetSyncId())
	case syncv1.State_STATE_FAILED:
	default: // the stream of its events ended early
		return stillRunning(s.GetSyncId())
	}
	if len(s.GetErrors()) == 0 {
		return errs.New(errs.DirectoryRepairFailed, "The sync of the directory failed.").WithMeta("sync_id", s.GetSyncId())
	}
	return errs.FromFinding(s.GetErrors()[0]).WithMeta("sync_id", s.GetSyncId())
}
