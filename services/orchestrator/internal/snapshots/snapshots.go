// Package snapshots holds the branch of a fabric still while somebody looks at it.
package snapshots

import (
	"context"
	"errors"
	"time"

	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/state"
)

const closeTimeout = 5 * time.Second

// Opener opens snapshots of the branches of fabrics.
type Opener struct {
	Store        *recovery.Reader
	Repositories gitv1.RepositoryServiceClient
}

// At opens a snapshot of the fabric's branch for the time of a call, of the state that the request names.
func (o Opener) At(
	ctx context.Context, fabricID int32, open *gitv1.OpenSnapshotRequest,
	call func(context.Context, *fabricv1.Fabric, *gitv1.Snapshot) error,
) error {
	fabric, err := o.Store.Fabric(ctx, fabricID)
	if err != nil {
		return err
	}
	ctx = rpc.WithRoutingKey(ctx, fabric.GetRepositoryKey())
	open.Location = state.LocationOf(fabric)
	response, err := o.Repositories.OpenSnapshot(ctx, open)
	if err != nil {
		return err
	}
	snapshot := response.GetSnapshot()
	err = call(ctx, fabric, snapshot)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_, closeErr := o.Repositories.CloseSnapshot(closing,
		&gitv1.CloseSnapshotRequest{SnapshotId: snapshot.GetSnapshotId()})
	return errors.Join(err, closeErr)
}
