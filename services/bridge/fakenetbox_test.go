package bridge_test

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// fakeResources keeps the NetBox of the installation as the orchestrator's contract says. No fabric has resources.
type fakeResources struct {
	fabricv1.UnimplementedResourceServiceServer
	b         *backend
	netbox    *fabricv1.NetBox
	published string // the commit that the last sync of each fabric left
}

func (f *fakeResources) ListLinkedFabrics(
	_ context.Context, req *fabricv1.ListLinkedFabricsRequest,
) (*fabricv1.ListLinkedFabricsResponse, error) {
	out := &fabricv1.ListLinkedFabricsResponse{}
	if req.GetFabricId() != 0 && f.published != "" {
		out.Fabrics = []*fabricv1.LinkedFabric{{
			FabricId: req.GetFabricId(), Published: &fabricv1.PublishedState{Commit: f.published},
		}}
	}
	return out, nil
}

func (f *fakeResources) ListResources(
	context.Context, *fabricv1.ListResourcesRequest,
) (*fabricv1.ListResourcesResponse, error) {
	leave, err := f.b.enterUnasked()
	defer leave()
	return &fabricv1.ListResourcesResponse{}, err
}

// ListResourceChanges finds nothing.
func (f *fakeResources) ListResourceChanges(
	*fabricv1.ListResourceChangesRequest, grpc.ServerStreamingServer[fabricv1.ListResourceChangesResponse],
) error {
	leave, err := f.b.enterUnasked()
	defer leave()
	return err
}

// ReadResources finds nothing.
func (f *fakeResources) ReadResources(
	*fabricv1.ReadResourcesRequest, grpc.ServerStreamingServer[fabricv1.ReadResourcesResponse],
) error {
	leave, err := f.b.enterUnasked()
	defer leave()
	return err
}

func (f *fakeResources) GetNetBox(context.Context, *fabricv1.GetNetBoxRequest) (*fabricv1.GetNetBoxResponse, error) {
	leave, err := f.b.enterUnasked()
	defer leave()
	return &fabricv1.GetNetBoxResponse{Netbox: proto.CloneOf(f.netbox)}, err
}

func (f *fakeResources) PutNetBox(
	_ context.Context, req *fabricv1.PutNetBoxRequest,
) (*fabricv1.PutNetBoxResponse, error) {
	leave, err := f.b.enterUnasked()
	defer leave()
	if err != nil {
		return nil, err
	}
	if req.GetNetbox().GetGeneration() != f.netbox.GetGeneration() {
		return nil, errs.New(errs.NetBoxChanged, "Somebody else has changed it.")
	}
	called := f.netbox.GetInstallationId()
	f.netbox = proto.CloneOf(req.GetNetbox())
	f.netbox.Generation++
	if f.netbox.InstallationId = called; called == "" {
		f.netbox.InstallationId = "installation-of-a-test"
	}
	return &fabricv1.PutNetBoxResponse{Netbox: proto.CloneOf(f.netbox)}, nil
}
