package register

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/orchestrator/internal/fabricstatus"
	"fgdsync.dev/services/orchestrator/internal/schedule"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// Fabric returns a fabric, and says of it how it is.
func (r *Register) Fabric(ctx context.Context, id int32) (*fabricv1.Fabric, error) {
	seen, err := r.deps.Store.Sight(ctx, id)
	if err != nil {
		return nil, err
	}
	r.judge(seen)
	return announced(seen), nil
}

// Show says how a fabric is that has just been changed.
func (r *Register) Show(ctx context.Context, fabric *fabricv1.Fabric) error {
	seen, err := r.deps.Store.Look(ctx, []*fabricv1.Fabric{fabric})
	if err != nil {
		return err
	}
	r.judge(seen[0])
	announced(seen[0])
	return nil
}

// judge says of a fabric how it is.
func (r *Register) judge(seen state.Sight) {
	seen.Fabric.Status = fabricstatus.Of(seen.Fabric, seen.Standing, r.deps.Now())
}

// announced says of a fabric what its last pull request is, and when the next sync starts by itself.
func announced(seen state.Sight) *fabricv1.Fabric {
	seen.Fabric.PullRequest = seen.PullRequest
	if at := schedule.Next(seen.Fabric, seen.Activity); !at.IsZero() {
		seen.Fabric.NextSyncAt = timestamppb.New(at)
	}
	return seen.Fabric
}
