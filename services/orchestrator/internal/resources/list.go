package resources

import (
	"cmp"
	"context"
	"slices"
	"strings"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/orchestrator/internal/paging"
)

// List lists the resources that the last sync left, by kind, namespace and name.
func (r *Resources) List(
	ctx context.Context, req *fabricv1.ListResourcesRequest,
) (*fabricv1.ListResourcesResponse, error) {
	query, err := paging.New(req.GetLimit(), req.GetPageToken(), "resources", req.GetFabricId(),
		req.GetKind(), req.GetNamespace())
	if err != nil {
		return nil, err
	}
	if _, err := r.deps.Store.Fabric(ctx, req.GetFabricId()); err != nil {
		return nil, err
	}
	index, err := r.deps.Store.Resources(ctx, req.GetFabricId())
	if err != nil {
		return nil, err
	}
	var all []*fabricv1.ListedResource
	for _, one := range index.Resources {
		key := one.GetKey()
		if req.GetKind() != "" && key.GetKind() != req.GetKind() ||
			req.GetNamespace() != "" && key.GetNamespace() != req.GetNamespace() {
			continue
		}
		all = append(all, &fabricv1.ListedResource{
			Key: key, Path: one.GetPath(), BlobId: one.GetBlobId(), Valid: one.GetValid(),
		})
	}
	slices.SortFunc(all, func(a, b *fabricv1.ListedResource) int { return cmp.Compare(placeOf(a), placeOf(b)) })
	page, next := paging.Cut(query, all, placeOf)
	return &fabricv1.ListResourcesResponse{Resources: page, NextPageToken: next, Total: int32(len(all))}, nil
}

// placeOf is where a resource stands in a list: its parts, of which none goes on behind another one's end. Nothing that
// a name can have is below what is between them.
func placeOf(r *fabricv1.ListedResource) string {
	key := r.GetKey()
	return strings.Join([]string{key.GetKind(), key.GetNamespace(), key.GetName(), key.GetGroup()}, "\x00")
}
