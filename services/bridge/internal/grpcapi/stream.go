package grpcapi

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// StreamSyncEvents streams the progress of a sync: everything from its start, then live, to its end.
func (s *Server) StreamSyncEvents(req *bridgev1.StreamSyncEventsRequest,
	stream grpc.ServerStreamingServer[bridgev1.StreamSyncEventsResponse],
) error {
	return s.watch(stream.Context(), req.GetSyncId(), func(event *syncv1.SyncEvent) error {
		return stream.Send(eventToAPI(event))
	})
}

// watch hands over all events of a sync in order and returns when it has ended. Its error is that of the stream, or
// that of the receiver.
func (s *Server) watch(ctx context.Context, syncID string, receive func(*syncv1.SyncEvent) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.syncs.WatchSync(ctx, &syncv1.WatchSyncRequest{SyncId: syncID})
	if err != nil {
		return err
	}
	for {
		page, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, event := range page.GetEvents() {
			if err := receive(event); err != nil {
				return err
			}
		}
	}
}

func eventToAPI(e *syncv1.SyncEvent) *bridgev1.StreamSyncEventsResponse {
	return &bridgev1.StreamSyncEventsResponse{
		Type: e.GetType(), SyncId: e.GetSyncId(), Timestamp: e.GetTime(),
		Data: &bridgev1.SyncEventData{
			State: stateWords.word(e.GetState()), Stage: stageWords.word(e.GetStage()),
			Progress: e.GetProgress().GetPercentComplete(), CurrentFile: e.GetCurrentFile(),
			FilesProcessed: e.GetProgress().GetFilesProcessed(), TotalFiles: e.GetProgress().GetTotalFiles(),
			Finding: findingToAPI(e.GetFinding()), Result: resultToAPI(e.GetResult()),
		},
	}
}
