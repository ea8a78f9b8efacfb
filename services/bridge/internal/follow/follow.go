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

// maxWait bounds how long a call waits for a sync.
const maxWait = time.Minute

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

// Purpose is what a sync is waited for.
type Purpose struct {
	name   string    // for people
	failed errs.Code // of one that was cancelled, or failed without a reason
}

// Purposes.
var (
	Directory = Purpose{"sync of the directory", errs.DirectoryRepairFailed}
	Edit      = Purpose{"edit", errs.SyncFailed}
)

// DirectorySync runs a sync of the directory of a fabric alone and waits for its end, as ToEnd does.
func DirectorySync(
	ctx context.Context, syncs syncv1.SyncServiceClient, fabricID int32, createSamples bool,
) (*syncv1.Sync, error) {
	started, err := syncs.StartSync(ctx, apiv1.ManualStart(fabricID, &syncv1.SyncOptions{
		Scope: syncv1.Scope_SCOPE_DIRECTORY, CreateSamples: createSamples,
	}))
	if err != nil {
		return nil, err
	}
	return ToEnd(ctx, syncs, started.GetSyncId(), Directory)
}

// ToEnd waits for the end of a sync: at most a minute, and not quite as long as the caller does. SYNC_TIMEOUT
// (FGD_3002), with the id of the sync, when it goes on after that; the sync's own error when it did not complete.
func ToEnd(ctx context.Context, syncs syncv1.SyncServiceClient, syncID string, p Purpose) (*syncv1.Sync, error) {
	waiting, cancel := context.WithTimeout(ctx, wait(ctx))
	defer cancel()
	ignore := func(*syncv1.SyncEvent) error { return nil }
	if err := Watch(waiting, syncs, syncID, ignore); err != nil {
		// The other side counts the same time, and its word may come before the timer here has fired.
		late := waiting.Err() != nil || errs.KindOf(err) == errs.Deadline
		if late && ctx.Err() == nil {
			return nil, p.stillRunning(syncID)
		}
		return nil, err
	}
	found, err := syncs.GetSync(ctx, &syncv1.GetSyncRequest{SyncId: syncID})
	if err != nil {
		return nil, err
	}
	return found.GetSync(), p.failureOf(found.GetSync())
}

// wait returns how long to wait: at most a minute, and not quite as long as the caller does.
func wait(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return maxWait
	}
	left := time.Until(deadline)
	return min(left-left/answerShare, maxWait)
}

func (p Purpose) stillRunning(syncID string) error {
	return errs.New(errs.SyncTimeout, "The %s has not ended yet; it goes on.", p.name).
		WithRemedy("Follow it at %s.", apiv1.TrackingURL(syncID)).WithMeta("sync_id", syncID)
}

// failureOf returns the error of a sync that did not complete.
func (p Purpose) failureOf(s *syncv1.Sync) error {
	switch s.GetState() {
	case syncv1.State_STATE_COMPLETED:
		return nil
	case syncv1.State_STATE_CANCELLED:
		return errs.New(p.failed, "The %s was cancelled.", p.name).WithMeta("sync_id", s.GetSyncId())
	case syncv1.State_STATE_FAILED:
	default: // the stream of its events ended early
		return p.stillRunning(s.GetSyncId())
	}
	if len(s.GetErrors()) == 0 {
		return errs.New(p.failed, "The %s failed.", p.name).WithMeta("sync_id", s.GetSyncId())
	}
	return errs.FromFinding(s.GetErrors()[0]).WithMeta("sync_id", s.GetSyncId())
}
