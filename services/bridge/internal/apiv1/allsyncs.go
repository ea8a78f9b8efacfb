package apiv1

import (
	"slices"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// ListAllSyncsRequest returns the request for the syncs that a caller wants to see, of all fabrics or of those that it
// may.
func ListAllSyncsRequest(req *bridgev1.ListAllSyncsRequest, may []int32, all bool) *syncv1.ListAllSyncsRequest {
	out := &syncv1.ListAllSyncsRequest{
		Limit: Limit(req.GetLimit(), DefaultSyncs), PageToken: req.GetPageToken(), OnlySome: !all, FabricIds: may,
		Active: req.GetActive(), State: stateNames.filter(req.GetStatus()), Trigger: triggerNames.filter(req.GetTrigger()),
		StartDate: req.GetStartDate(), EndDate: req.GetEndDate(),
	}
	if wanted := req.GetFabricId(); wanted != 0 {
		out.OnlySome = true
		out.FabricIds = slices.DeleteFunc([]int32{wanted}, func(id int32) bool { return !all && !slices.Contains(may, id) })
	}
	return out
}

// AllSyncsToAPI shows a page of the syncs of all fabrics.
func AllSyncsToAPI(found *syncv1.ListAllSyncsResponse) *bridgev1.ListAllSyncsResponse {
	out := &bridgev1.ListAllSyncsResponse{
		Syncs: each(found.GetSyncs(), SyncToAPI), Total: found.Total, NextPageToken: found.GetNextPageToken(),
	}
	for _, shown := range out.GetSyncs() {
		shown.FabricName = found.GetFabricNames()[shown.GetFabricId()]
	}
	return out
}
