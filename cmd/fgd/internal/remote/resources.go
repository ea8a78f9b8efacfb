package remote

import (
	"context"

	"google.golang.org/grpc"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Resources lists the resources of a fabric; with a kind or a namespace, only those.
func (s System) Resources(
	ctx context.Context, fabricID int32, kind, namespace string,
) (*bridgev1.ListResourcesResponse, error) {
	all := &bridgev1.ListResourcesResponse{}
	err := s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		request := &bridgev1.ListResourcesRequest{FabricId: fabricID, Kind: kind, Namespace: namespace, Limit: pageSize}
		for {
			page, err := bridgev1.NewResourceServiceClient(conn).ListResources(ctx, request)
			if err != nil {
				return err
			}
			all.Resources, all.Total = append(all.Resources, page.GetResources()...), page.GetTotal()
			if request.PageToken = page.GetNextPageToken(); request.GetPageToken() == "" {
				return nil
			}
		}
	})
	return all, err
}

// Resource reads a resource.
func (s System) Resource(
	ctx context.Context, request *bridgev1.GetResourceRequest,
) (*bridgev1.GetResourceResponse, error) {
	return ask(ctx, s, bridgev1.NewResourceServiceClient, bridgev1.ResourceServiceClient.GetResource, request)
}

// ResourceChanges lists a page of the changes of a resource.
func (s System) ResourceChanges(
	ctx context.Context, request *bridgev1.ListResourceChangesRequest,
) (*bridgev1.ListResourceChangesResponse, error) {
	return ask(ctx, s, bridgev1.NewResourceServiceClient, bridgev1.ResourceServiceClient.ListResourceChanges, request)
}

// EditResources makes changes in one commit.
func (s System) EditResources(
	ctx context.Context, request *bridgev1.BatchEditResourcesRequest,
) (*bridgev1.BatchEditResourcesResponse, error) {
	return ask(ctx, s, bridgev1.NewResourceServiceClient, bridgev1.ResourceServiceClient.BatchEditResources, request)
}
