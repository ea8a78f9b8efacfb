package register

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// undoTime bounds how long a caller who is told of a failure waits until what he asked for is taken back.
const undoTime = 10 * time.Second

// keepNew writes a new fabric into the ledger. Where that fails the fabric is withdrawn, so that it can be registered
// again.
func (r *Register) keepNew(ctx context.Context, fabric *fabricv1.Fabric) error {
	err := r.deps.Ledger.PutFabric(fabric)
	if err == nil {
		return nil
	}
	return r.undo(ctx, fabric, err, func(ctx context.Context) error {
		active, err := r.remove(ctx, fabric, r.generation(fabric.GetGeneration()))
		if active != "" {
			err = errors.Join(err, deleteLater(fabric.GetFabricId(), active))
		}
		return err
	})
}

// undo takes a change back that the ledger did not keep, and returns why it did not. What takes its place has a higher
// generation: other orchestrators may have seen the change already. What somebody else has made of the fabric since
// stays.
func (r *Register) undo(
	ctx context.Context, made *fabricv1.Fabric, cause error, back func(context.Context) error,
) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	err := r.locked(ctx, func(ctx context.Context) error {
		stored, err := r.deps.Store.Fabric(ctx, made.GetFabricId())
		if errs.HasCode(err, errs.FabricNotFound) || err == nil && stored.GetGeneration() != made.GetGeneration() {
			return nil
		}
		if err != nil {
			return err
		}
		return back(ctx)
	})
	if err != nil {
		err = fmt.Errorf("undo the change of fabric %d: %w", made.GetFabricId(), err)
	}
	return errors.Join(cause, err) // the first is what the caller hears of
}
