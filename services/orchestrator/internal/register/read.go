package register

import (
	"context"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// Fabric returns a fabric with the last pull request of its syncs.
func (r *Register) Fabric(ctx context.Context, id int32) (*fabricv1.Fabric, error) {
	fabric, err := r.deps.Store.Fabric(ctx, id)
	if err != nil {
		return nil, err
	}
	fabric.PullRequest, err = r.deps.Store.PullRequest(ctx, id)
	return fabric, err
}

// addPullRequests adds the last pull request of each fabric.
func (r *Register) addPullRequests(ctx context.Context, fabrics []*fabricv1.Fabric) error {
	ids := make([]int32, len(fabrics))
	for i, fabric := range fabrics {
		ids[i] = fabric.GetFabricId()
	}
	pulls, err := r.deps.Store.PullRequests(ctx, ids)
	if err != nil {
		return err
	}
	for i, fabric := range fabrics {
		fabric.PullRequest = pulls[i]
	}
	return nil
}
