package follow

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const (
	// longestPause is between two tries to have an edit accepted, while another one waits.
	longestPause = 200 * time.Millisecond
	// patience is how long that is tried.
	patience = 20 * time.Second
)

// Edits has a sync make the edits of a request, and waits for its end as ToEnd does. It returns the sync whenever that
// has ended, with its error when it did not complete.
func Edits(ctx context.Context, syncs syncv1.SyncServiceClient, req *syncv1.StartSyncRequest) (*syncv1.Sync, error) {
	started, err := start(ctx, syncs, req)
	if err != nil {
		return nil, err
	}
	return ToEnd(ctx, syncs, started.GetSyncId(), Edit)
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
