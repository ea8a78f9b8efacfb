package apiv1

import (
	"strings"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// ListFabricsRequest returns the request for the fabrics that a caller wants to see, of all or of those that it may.
func ListFabricsRequest(req *bridgev1.ListFabricsRequest, may []int32, all bool) *fabricv1.ListFabricsRequest {
	order, direction, _ := strings.Cut(req.GetOrderBy(), " ")
	return &fabricv1.ListFabricsRequest{
		Limit: Limit(req.GetLimit(), DefaultFabrics), PageToken: req.GetPageToken(), OnlySome: !all, FabricIds: may,
		WithStatus: true, Search: strings.TrimSpace(req.GetSearch()), Repository: req.GetRepository(),
		State: fabricStateNames.filter(req.GetState()), Order: fabricOrderNames.value(order),
		Descending: direction != "",
	}
}

// FabricCountsToAPI shows how many fabrics are in each state.
func FabricCountsToAPI(c *fabricv1.FabricCounts) *bridgev1.FabricCounts {
	return &bridgev1.FabricCounts{
		Failing: c.GetFailing(), Overdue: c.GetOverdue(), Degraded: c.GetDegraded(), Suspended: c.GetSuspended(),
		Running: c.GetRunning(), Ok: c.GetOk(),
	}
}

// addStatus shows how a fabric is.
func addStatus(shown *bridgev1.Fabric, s *fabricv1.FabricStatus) {
	shown.State, shown.Reason = fabricStateNames.name(s.GetState()), FindingToAPI(s.GetReason())
	shown.ActiveSyncId = s.GetActiveSyncId()
	if last := s.GetLastSync(); last != nil {
		shown.LastSync = &bridgev1.LastSync{
			SyncId: last.GetSyncId(), State: stateNames.name(last.GetState()), Trigger: triggerNames.name(last.GetTrigger()),
			CompletedAt: last.GetCompletedAt(),
		}
	}
	if left := s.GetPublished(); left != nil {
		shown.LastSuccess = &bridgev1.LastSuccess{
			SyncId: left.GetSyncId(), CompletedAt: left.GetCompletedAt(), CommitSha: left.GetCommit(),
			CommitUrl: left.GetCommitUrl(), ResourcesTotal: left.GetResourcesTotal(), QuarantinedFiles: left.QuarantinedFiles,
		}
	}
}
