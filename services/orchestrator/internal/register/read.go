package register

import (
	"context"
	"fmt"
	"slices"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/orchestrator/internal/paging"
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

// List returns a page of all fabrics, or of some, by number.
func (r *Register) List(ctx context.Context, req *fabricv1.ListFabricsRequest) (*fabricv1.ListFabricsResponse, error) {
	query, err := paging.New(req.GetLimit(), req.GetPageToken(), "fabrics")
	if err != nil {
		return nil, err
	}
	all, err := r.deps.Store.Fabrics(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetOnlySome() {
		all = slices.DeleteFunc(all, func(f *fabricv1.Fabric) bool {
			return !slices.Contains(req.GetFabricIds(), f.GetFabricId())
		})
	}
	page, next := paging.Cut(query, all, func(f *fabricv1.Fabric) string { return fmt.Sprintf("%010d", f.GetFabricId()) })
	ids := make([]int32, len(page))
	for i, fabric := range page {
		ids[i] = fabric.GetFabricId()
	}
	pulls, err := r.deps.Store.PullRequests(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, fabric := range page {
		fabric.PullRequest = pulls[i]
	}
	return &fabricv1.ListFabricsResponse{Fabrics: page, Total: int32(len(all)), NextPageToken: next}, nil
}
