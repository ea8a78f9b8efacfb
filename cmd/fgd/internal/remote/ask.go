package remote

import (
	"context"

	"google.golang.org/grpc"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// ask calls a method of a running system.
func ask[Client, Request, Answer any](
	ctx context.Context, s System, client func(grpc.ClientConnInterface) Client,
	method func(Client, context.Context, *Request, ...grpc.CallOption) (*Answer, error), request *Request,
) (answer *Answer, err error) {
	err = s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err = method(client(conn), ctx, request)
		return err
	})
	return answer, err
}

// Fabrics lists all fabrics that the caller may see.
func (s System) Fabrics(ctx context.Context) (*bridgev1.ListFabricsResponse, error) {
	all := &bridgev1.ListFabricsResponse{}
	err := s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		request := &bridgev1.ListFabricsRequest{Limit: pageSize}
		for {
			page, err := bridgev1.NewFabricServiceClient(conn).ListFabrics(ctx, request)
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

// Fabric shows a fabric.
func (s System) Fabric(ctx context.Context, id int32) (*bridgev1.GetFabricResponse, error) {
	return ask(ctx, s, bridgev1.NewFabricServiceClient, bridgev1.FabricServiceClient.GetFabric,
		&bridgev1.GetFabricRequest{FabricId: id})
}

// CreateFabric registers a fabric.
func (s System) CreateFabric(
	ctx context.Context, request *bridgev1.CreateFabricRequest,
) (*bridgev1.CreateFabricResponse, error) {
	return ask(ctx, s, bridgev1.NewFabricServiceClient, bridgev1.FabricServiceClient.CreateFabric, request)
}

// UpdateFabric changes what a request names of a fabric.
func (s System) UpdateFabric(
	ctx context.Context, request *bridgev1.UpdateFabricRequest,
) (*bridgev1.UpdateFabricResponse, error) {
	return ask(ctx, s, bridgev1.NewFabricServiceClient, bridgev1.FabricServiceClient.UpdateFabric, request)
}

// SuspendFabric lets no sync of a fabric publish.
func (s System) SuspendFabric(ctx context.Context, id int32, reason string) (*bridgev1.SuspendFabricResponse, error) {
	return ask(ctx, s, bridgev1.NewFabricServiceClient, bridgev1.FabricServiceClient.SuspendFabric,
		&bridgev1.SuspendFabricRequest{FabricId: id, Reason: reason})
}

// ResumeFabric lets a fabric be synced again.
func (s System) ResumeFabric(ctx context.Context, id int32) (*bridgev1.ResumeFabricResponse, error) {
	return ask(ctx, s, bridgev1.NewFabricServiceClient, bridgev1.FabricServiceClient.ResumeFabric,
		&bridgev1.ResumeFabricRequest{FabricId: id})
}

// DeleteFabric forgets a fabric.
func (s System) DeleteFabric(ctx context.Context, id int32) (*bridgev1.DeleteFabricResponse, error) {
	return ask(ctx, s, bridgev1.NewFabricServiceClient, bridgev1.FabricServiceClient.DeleteFabric,
		&bridgev1.DeleteFabricRequest{FabricId: id})
}

// CheckConnection tries out how a repository can be reached.
func (s System) CheckConnection(
	ctx context.Context, request *bridgev1.CheckConnectionRequest,
) (*bridgev1.CheckConnectionResponse, error) {
	return ask(ctx, s, bridgev1.NewFabricServiceClient, bridgev1.FabricServiceClient.CheckConnection, request)
}

// Syncs lists syncs of a fabric, newest first.
func (s System) Syncs(ctx context.Context, request *bridgev1.ListSyncsRequest) (*bridgev1.ListSyncsResponse, error) {
	return ask(ctx, s, bridgev1.NewSyncServiceClient, bridgev1.SyncServiceClient.ListSyncs, request)
}

// AllSyncs lists syncs of one fabric, or of all that the caller may see, newest first, as many as are asked for.
func (s System) AllSyncs(
	ctx context.Context, request *bridgev1.ListAllSyncsRequest,
) (*bridgev1.ListAllSyncsResponse, error) {
	all, most := &bridgev1.ListAllSyncsResponse{}, request.GetLimit()
	err := s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		for {
			page, err := bridgev1.NewSyncServiceClient(conn).ListAllSyncs(ctx, request)
			if err != nil {
				return err
			}
			all.Syncs, all.Total = append(all.Syncs, page.GetSyncs()...), page.Total
			request.PageToken, request.Limit = page.GetNextPageToken(), most-int32(len(all.GetSyncs()))
			if request.GetPageToken() == "" || request.GetLimit() <= 0 {
				return nil
			}
		}
	})
	return all, err
}

// Health says how a system and each component of it is.
func (s System) Health(ctx context.Context) (*bridgev1.GetHealthResponse, error) {
	return ask(ctx, s, bridgev1.NewHealthServiceClient, bridgev1.HealthServiceClient.GetHealth,
		&bridgev1.GetHealthRequest{})
}

// LastSync returns the newest sync of a fabric, nil when it has none.
func (s System) LastSync(ctx context.Context, fabricID int32) (*bridgev1.SyncStatus, error) {
	answer, err := s.Syncs(ctx, &bridgev1.ListSyncsRequest{FabricId: fabricID, Limit: 1})
	if len(answer.GetSyncs()) == 0 {
		return nil, err
	}
	return answer.GetSyncs()[0], err
}

// WithClient connects for as long as work takes.
func (s System) WithClient(ctx context.Context, work func(context.Context, Client) error) error {
	return s.connected(ctx, func(ctx context.Context, conn *grpc.ClientConn) error { return work(ctx, Client{conn}) })
}

// Ended waits until a sync has ended, and returns how.
func (s System) Ended(ctx context.Context, syncID string) (status *bridgev1.SyncStatus, err error) {
	err = s.connected(ctx, func(ctx context.Context, conn *grpc.ClientConn) error { // for as long as a sync may take
		status, err = Client{conn}.Follow(ctx, syncID, func(*bridgev1.SyncEventData) {})
		return err
	})
	return status, err
}
