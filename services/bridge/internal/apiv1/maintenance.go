package apiv1

import (
	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// RebuildToAPI shows what of the state came back.
func RebuildToAPI(r *adminv1.RebuildStateResponse) *bridgev1.RebuildStateResponse {
	return &bridgev1.RebuildStateResponse{
		FabricsRestored: r.GetFabricsRestored(), SyncsRestored: r.GetSyncsRestored(), SyncsRevived: r.GetSyncsRevived(),
		SyncsExpired: r.GetSyncsExpired(), SyncIds: r.GetSyncIds(),
	}
}

// DeadLettersToAPI shows a page of work entries that were given up.
func DeadLettersToAPI(found *adminv1.ListDeadLettersResponse) *bridgev1.ListDeadLettersResponse {
	return &bridgev1.ListDeadLettersResponse{
		DeadLetters: each(found.GetDeadLetters(), deadLetterToAPI), NextPageToken: found.GetNextPageToken(),
	}
}

func deadLetterToAPI(d *adminv1.DeadLetter) *bridgev1.DeadLetter {
	return &bridgev1.DeadLetter{
		Id: d.GetId(), Time: d.GetTime(), Error: d.GetError(), Deliveries: d.GetDeliveries(), SyncId: d.GetSyncId(),
		FabricId: d.GetFabricId(),
	}
}

// ReplayedToAPI shows which work entries were handed out again.
func ReplayedToAPI(r *adminv1.ReplayDeadLettersResponse) *bridgev1.ReplayDeadLettersResponse {
	return &bridgev1.ReplayDeadLettersResponse{Replayed: each(r.GetReplayed(), replayedToAPI)}
}

func replayedToAPI(r *adminv1.Replayed) *bridgev1.Replayed {
	return &bridgev1.Replayed{Id: r.GetId(), SyncId: r.GetSyncId()}
}
