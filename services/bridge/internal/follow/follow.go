// Package follow waits for what becomes of syncs.
package follow

import (
	"context"
	"errors"
	"io"
	"time"

	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
)

// maxDirectoryWait bounds how long a call waits for the sync that mends a directory.
const maxDirectoryWait = time.Minute

// answerShare is the part of the caller's time that is kept for telling it that the sync still runs.
const answerShare = 20

// Watch hands over all events of a sync in order and returns when it has ended. Its error is that of the stream, or
// that of the receiver.
func Watch(
	ctx context.Context, syncs syncv1.SyncServiceClient, syncID string, receive func(*syncv1.SyncEvent) error,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := syncs.WatchSync(ctx, &syncv1.WatchSyncRequest{SyncId: syncID})
	if err != nil {
		return err
	}
	for {
		page, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, event := range page.GetEvents() {
			if err := receive(event); err != nil {
				return err
			}
		}
	}
}

// DirectorySync runs a sync of the directory of a fabric alone and waits for its end: at most a minute, and not quite
// as long as the caller does. SYNC_TIMEOUT (FGD_3002), with the id of the sync, when it goes on after that.
func DirectorySync(
	ctx context.Context, syncs syncv1.SyncServiceClient, fabricID int32, createSamples bool,
) (*syncv1.Sync, error) {
	started, err := syncs.StartSync(ctx, apiv1.ManualStart(fabricID, &syncv1.SyncOptions{
		Scope: syncv1.Scope_SCOPE_DIRECTORY, CreateSamples: createSamples,
	}))
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, directoryWait(ctx))
	defer cancel()
	ignore := func(*syncv1.SyncEvent) error { return nil }
	if err := Watch(waiting, syncs, started.GetSyncId(), ignore); err != nil {
		// The other side counts the same time, and its word may come before the timer here has fired.
		late := waiting.Err() != nil || errs.KindOf(err) == errs.Deadline
		if late && ctx.Err() == nil {
			return nil, stillRunning(started.GetSyncId())
		}
		return nil, err
	}
	found, err := syncs.GetSync(ctx, &syncv1.GetSyncRequest{SyncId: started.GetSyncId()})
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
