package grpcapi

import (
	"context"

	"google.golang.org/grpc"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/orchestrator/internal/netbox"
	"fgdsync.dev/services/orchestrator/internal/resourcehistory"
	"fgdsync.dev/services/orchestrator/internal/resources"
)

// Resources serves ResourceService.
type Resources struct {
	fabricv1.UnsafeResourceServiceServer
	resources *resources.Resources
	history   *resourcehistory.History
	netbox    *netbox.Default
}

var _ fabricv1.ResourceServiceServer = (*Resources)(nil)

// NewResources returns the service over the rooms.
func NewResources(r *resources.Resources, h *resourcehistory.History, n *netbox.Default) *Resources {
	return &Resources{resources: r, history: h, netbox: n}
}

// GetNetBox says which NetBox shows fabrics whose links name none.
func (r *Resources) GetNetBox(ctx context.Context, _ *fabricv1.GetNetBoxRequest) (*fabricv1.GetNetBoxResponse, error) {
	found, err := r.netbox.Get(ctx)
	if err != nil {
		return nil, err
	}
	return &fabricv1.GetNetBoxResponse{Netbox: found}, nil
}

// PutNetBox changes which one that is.
func (r *Resources) PutNetBox(
	ctx context.Context, req *fabricv1.PutNetBoxRequest,
) (*fabricv1.PutNetBoxResponse, error) {
	stored, err := r.netbox.Put(ctx, req.GetNetbox())
	if err != nil {
		return nil, err
	}
	return &fabricv1.PutNetBoxResponse{Netbox: stored}, nil
}

// ListLinkedFabrics lists the fabrics that a NetBox shows.
func (r *Resources) ListLinkedFabrics(
	ctx context.Context, req *fabricv1.ListLinkedFabricsRequest,
) (*fabricv1.ListLinkedFabricsResponse, error) {
	linked, err := r.resources.Linked(ctx, req.GetFabricId())
	if err != nil {
		return nil, err
	}
	return &fabricv1.ListLinkedFabricsResponse{Fabrics: linked}, nil
}

// ListResources lists the resources that the last sync left.
func (r *Resources) ListResources(
	ctx context.Context, req *fabricv1.ListResourcesRequest,
) (*fabricv1.ListResourcesResponse, error) {
	return r.resources.List(ctx, req)
}

// ListResourceChanges streams how a resource came to what it is.
func (r *Resources) ListResourceChanges(
	req *fabricv1.ListResourceChangesRequest, stream grpc.ServerStreamingServer[fabricv1.ListResourceChangesResponse],
) error {
	return r.history.List(stream.Context(), req, stream.Send)
}

// ReadResources streams what the files of a fabric say.
func (r *Resources) ReadResources(
	req *fabricv1.ReadResourcesRequest, stream grpc.ServerStreamingServer[fabricv1.ReadResourcesResponse],
) error {
	return r.resources.Read(stream.Context(), req, stream.Send)
}
