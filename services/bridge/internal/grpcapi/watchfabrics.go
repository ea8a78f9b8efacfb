package grpcapi

import (
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/access"
	"fgdsync.dev/services/bridge/internal/apiv1"
)

// WatchFabrics streams how fabrics are.
func (s *fabricServer) WatchFabrics(
	req *bridgev1.WatchFabricsRequest, stream grpc.ServerStreamingServer[bridgev1.WatchFabricsResponse],
) error {
	ids := slices.Clone(req.GetFabricIds())
	if may, all := access.PrincipalOf(stream.Context()).VisibleFabrics(); !all {
		ids = slices.DeleteFunc(ids, func(id int32) bool { return !slices.Contains(may, id) })
	}
	begin := func() error { return stream.SendHeader(metadata.Pairs(apiv1.WatchingKey, "1")) }
	tell := func(f *bridgev1.Fabric) error { return stream.Send(&bridgev1.WatchFabricsResponse{Fabric: f}) }
	return s.watch.Follow(stream.Context(), ids, begin, tell)
}
