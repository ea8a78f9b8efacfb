package remote

import (
	"context"

	"google.golang.org/grpc"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Conflicts lists the conflicts of a fabric; with a state or a kind, only those.
func (s System) Conflicts(
	ctx context.Context, fabricID int32, state, kind string,
) (*bridgev1.ListConflictsResponse, error) {
	all := &bridgev1.ListConflictsResponse{}
	err := s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		request := &bridgev1.ListConflictsRequest{FabricId: fabricID, State: state, Kind: kind, Limit: pageSize}
		for {
			page, err := bridgev1.NewConflictServiceClient(conn).ListConflicts(ctx, request)
			if err != nil {
				return err
			}
			all.Conflicts, all.Total = append(all.Conflicts, page.GetConflicts()...), page.GetTotal()
			if request.PageToken = page.GetNextPageToken(); request.GetPageToken() == "" {
				return nil
			}
		}
	})
	return all, err
}

// Conflict shows a conflict.
func (s System) Conflict(ctx context.Context, fabricID int32, id string) (*bridgev1.GetConflictResponse, error) {
	return ask(ctx, s, bridgev1.NewConflictServiceClient, bridgev1.ConflictServiceClient.GetConflict,
		&bridgev1.GetConflictRequest{FabricId: fabricID, ConflictId: id})
}

// ResolveConflict settles a conflict.
func (s System) ResolveConflict(
	ctx context.Context, request *bridgev1.ResolveConflictRequest,
) (*bridgev1.ResolveConflictResponse, error) {
	return ask(ctx, s, bridgev1.NewConflictServiceClient, bridgev1.ConflictServiceClient.ResolveConflict, request)
}
