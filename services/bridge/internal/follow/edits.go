package follow

import (
	"context"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"

	"fgdsync.dev/libs/errs"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const (
	// longestPause is between two tries to have an edit accepted, while another one waits.
	longestPause = 200 * time.Millisecond
	// patience is how long that is tried.
	patience = 20 * time.Second
)

// Edits has a sync make edits, and waits for its end as ToEnd does. It returns the sync whenever that has ended, with
// its error when it did not complete. Who asks again with the same request id gets the same sync.
func Edits(
	ctx context.Context, syncs syncv1.SyncServiceClient, fabricID int32, requestID string, set *editv1.EditSet,
) (*syncv1.Sync, error) {
	return edits(ctx, syncs, &syncv1.StartSyncRequest{FabricId: fabricID, RequestId: requestID, EditSet: set})
}

// DryEdits has a sync see what edits would come to, and returns it with the unified diff when it has completed.
func DryEdits(
	ctx context.Context, syncs syncv1.SyncServiceClient, fabricID int32, set *editv1.EditSet,
) (*syncv1.Sync, string, error) {
	ended, err := edits(ctx, syncs, &syncv1.StartSyncRequest{
		FabricId: fabricID, RequestId: uuid.NewString(), EditSet: set,
		Options: &syncv1.SyncOptions{ValidateOnly: true},
	})
	if err != nil {
		return nil, "", err
	}
	diff, err := diffOf(ctx, syncs, ended.GetSyncId())
	return ended, diff, err
}

func edits(ctx context.Context, syncs syncv1.SyncServiceClient, req *syncv1.StartSyncRequest) (*syncv1.Sync, error) {
	req.Trigger = syncv1.Trigger_TRIGGER_MANUAL
	started, err := start(ctx, syncs, req)
	if err != nil {
		return nil, err
	}
	return ToEnd(ctx, syncs, started.GetSyncId(), Edit)
}

// diffOf returns the diff of a dry run.
func diffOf(ctx context.Context, syncs syncv1.SyncServiceClient, syncID string) (string, error) {
	var text strings.Builder
	for token := ""; ; {
		page, err := syncs.GetSyncDiff(ctx, &syncv1.GetSyncDiffRequest{SyncId: syncID, PageToken: token})
		if err != nil {
			return "", err
		}
		text.WriteString(page.GetDiff())
		if token = page.GetNextPageToken(); token == "" || page.GetDiff() == "" {
			return text.String(), nil
		}
	}
}

// start has a sync accepted. While another edit waits for its turn, this one waits for the place.
func start(
	ctx context.Context, syncs syncv1.SyncServiceClient, req *syncv1.StartSyncRequest,
) (*syncv1.StartSyncResponse, error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = longestPause/20, longestPause
	return backoff.Retry(ctx, func() (*syncv1.StartSyncResponse, error) {
		started, err := syncs.StartSync(ctx, req)
		if err != nil && !errs.HasCode(err, errs.SyncAlreadyInProgress) {
			err = backoff.Permanent(err)
		}
		return started, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(patience))
}
