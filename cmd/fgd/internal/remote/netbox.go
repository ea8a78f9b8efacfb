package remote

import (
	"context"

	"google.golang.org/grpc"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// NetBox shows the NetBox of the installation, and those that fabrics are linked to.
func (s System) NetBox(ctx context.Context) (*bridgev1.GetNetBoxResponse, error) {
	return ask(ctx, s, bridgev1.NewNetBoxServiceClient, bridgev1.NetBoxServiceClient.GetNetBox,
		&bridgev1.GetNetBoxRequest{})
}

// SetNetBox changes which NetBox that of the installation is.
func (s System) SetNetBox(
	ctx context.Context, request *bridgev1.UpdateNetBoxRequest,
) (*bridgev1.UpdateNetBoxResponse, error) {
	return ask(ctx, s, bridgev1.NewNetBoxServiceClient, bridgev1.NetBoxServiceClient.UpdateNetBox, request)
}

// CheckNetBox looks at a NetBox.
func (s System) CheckNetBox(
	ctx context.Context, request *bridgev1.CheckNetBoxRequest,
) (*bridgev1.CheckNetBoxResponse, error) {
	return ask(ctx, s, bridgev1.NewNetBoxServiceClient, bridgev1.NetBoxServiceClient.CheckNetBox, request)
}

// SetUpNetBox makes in a NetBox what delivery needs.
func (s System) SetUpNetBox(
	ctx context.Context, request *bridgev1.SetUpNetBoxRequest,
) (*bridgev1.SetUpNetBoxResponse, error) {
	return ask(ctx, s, bridgev1.NewNetBoxServiceClient, bridgev1.NetBoxServiceClient.SetUpNetBox, request)
}

// RemoveNetBox removes from a NetBox what SetUpNetBox has made.
func (s System) RemoveNetBox(
	ctx context.Context, request *bridgev1.RemoveNetBoxRequest,
) (*bridgev1.RemoveNetBoxResponse, error) {
	return ask(ctx, s, bridgev1.NewNetBoxServiceClient, bridgev1.NetBoxServiceClient.RemoveNetBox, request)
}

// Deliver has the records of a fabric delivered now.
func (s System) Deliver(
	ctx context.Context, request *bridgev1.DeliverRecordsRequest,
) (*bridgev1.DeliverRecordsResponse, error) {
	return ask(ctx, s, bridgev1.NewNetBoxServiceClient, bridgev1.NetBoxServiceClient.DeliverRecords, request)
}

// Receipts lists what of a fabric's resources is proven to be in NetBox; with a state, only those.
func (s System) Receipts(ctx context.Context, fabricID int32, state string) (*bridgev1.ListReceiptsResponse, error) {
	all := &bridgev1.ListReceiptsResponse{}
	err := s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		request := &bridgev1.ListReceiptsRequest{FabricId: fabricID, State: state, Limit: pageSize}
		for {
			page, err := bridgev1.NewNetBoxServiceClient(conn).ListReceipts(ctx, request)
			if err != nil {
				return err
			}
			all.Receipts = append(all.Receipts, page.GetReceipts()...)
			all.Total, all.Delivery = page.GetTotal(), page.GetDelivery()
			if request.PageToken = page.GetNextPageToken(); request.GetPageToken() == "" {
				return nil
			}
		}
	})
	return all, err
}

// NetBoxFabrics lists the fabrics that a NetBox knows.
func (s System) NetBoxFabrics(ctx context.Context, url, tokenRef string) (*bridgev1.ListNetBoxFabricsResponse, error) {
	all := &bridgev1.ListNetBoxFabricsResponse{}
	err := s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		request := &bridgev1.ListNetBoxFabricsRequest{Url: url, TokenRef: tokenRef, Limit: pageSize}
		for {
			page, err := bridgev1.NewNetBoxServiceClient(conn).ListNetBoxFabrics(ctx, request)
			if err != nil {
				return err
			}
			all.Fabrics, all.Total = append(all.Fabrics, page.GetFabrics()...), page.GetTotal()
			if request.PageToken = page.GetNextPageToken(); request.GetPageToken() == "" {
				return nil
			}
		}
	})
	return all, err
}
