package apiv1

import (
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Words of a trigger and of its answer.
const (
	ifRunningQueue  = "queue"
	ifRunningRefuse = "refuse"
	statusStarted   = "started"
	statusQueued    = "queued"
)

// StartRequest returns the request for a sync that a trigger asks for.
func StartRequest(req *bridgev1.TriggerSyncRequest) *syncv1.StartSyncRequest {
	o := req.GetOptions()
	exactly := o.GetExpectedCommit() != "" // it waits for none that could move the branch, and looks at where that is
	withoutPush := o != nil && o.IncludeGithubSync != nil && !o.GetIncludeGithubSync()
	return &syncv1.StartSyncRequest{
		FabricId: req.GetFabricId(), Trigger: triggerNames.value(req.GetTrigger()), RequestId: req.GetRequestId(),
		Options: &syncv1.SyncOptions{
			Scope: syncv1.Scope_SCOPE_FULL, ForceRefresh: o.GetForceRefresh() || exactly,
			ValidateOnly:    o.GetValidateOnly() || withoutPush,
			RefuseIfRunning: o.GetIfRunning() == ifRunningRefuse || exactly, Force: o.GetForce(),
			RetryQuarantined: o.GetRetryQuarantined(), TakeOver: o.GetTakeOver(), ExpectedCommit: o.GetExpectedCommit(),
		},
	}
}

// ManualStart returns the request for a sync that a person asks for.
func ManualStart(fabricID int32, options *syncv1.SyncOptions) *syncv1.StartSyncRequest {
	return &syncv1.StartSyncRequest{
		FabricId: fabricID, Trigger: syncv1.Trigger_TRIGGER_MANUAL, Options: options,
	}
}

// RestoreOptions returns the options of the sync that brings a directory back to what it was at a commit.
func RestoreOptions(req *bridgev1.RestoreDirectoryRequest, commit string) *syncv1.SyncOptions {
	return &syncv1.SyncOptions{
		Scope: syncv1.Scope_SCOPE_FULL, RestoreCommit: commit, RestorePaths: req.GetPaths(), Force: req.GetForce(),
		ValidateOnly: req.GetValidateOnly(), ExpectedCommit: req.GetExpectedCommit(),
		RefuseIfRunning: req.GetExpectedCommit() != "", // what waited could move the branch
	}
}

// ListSyncsRequest returns the request for the syncs that a caller wants to see.
func ListSyncsRequest(req *bridgev1.ListSyncsRequest) *syncv1.ListSyncsRequest {
	return &syncv1.ListSyncsRequest{
		FabricId: req.GetFabricId(), Limit: Limit(req.GetLimit(), DefaultSyncs), Offset: req.GetOffset(),
		State: stateNames.filter(req.GetStatus()), Trigger: triggerNames.filter(req.GetTrigger()),
		StartDate: req.GetStartDate(), EndDate: req.GetEndDate(),
	}
}

// ToTriggerResponse says which sync serves a request, and where it can be followed.
func ToTriggerResponse(started *syncv1.StartSyncResponse) *bridgev1.TriggerSyncResponse {
	id := started.GetSyncId()
	out := &bridgev1.TriggerSyncResponse{
		Success: true, SyncId: id, Status: statusStarted, Message: "The sync has been started.",
		TrackingUrl: TrackingURL(id), StatusUrl: "/api/sync-status/" + id + "/",
		WebsocketUrl: "/ws/sync-progress/" + id + "/",
	}
	if started.GetQueued() {
		out.Status, out.Message = statusQueued, "A sync of the fabric is active; this one runs when it has ended."
	}
	return out
}

// ToRestoreResponse is ToTriggerResponse for a restore.
func ToRestoreResponse(started *syncv1.StartSyncResponse) *bridgev1.RestoreDirectoryResponse {
	t := ToTriggerResponse(started)
	return &bridgev1.RestoreDirectoryResponse{
		Success: t.GetSuccess(), SyncId: t.GetSyncId(), Status: t.GetStatus(), Message: t.GetMessage(),
		TrackingUrl: t.GetTrackingUrl(), StatusUrl: t.GetStatusUrl(), WebsocketUrl: t.GetWebsocketUrl(),
	}
}

// ToRetryResponse is ToTriggerResponse for files that are judged again.
func ToRetryResponse(started *syncv1.StartSyncResponse) *bridgev1.RetryQuarantinedResponse {
	t := ToTriggerResponse(started)
	return &bridgev1.RetryQuarantinedResponse{
		Success: t.GetSuccess(), SyncId: t.GetSyncId(), Status: t.GetStatus(), Message: t.GetMessage(),
		TrackingUrl: t.GetTrackingUrl(), StatusUrl: t.GetStatusUrl(), WebsocketUrl: t.GetWebsocketUrl(),
	}
}

// ToMendResponse is ToTriggerResponse for a file that is mended.
func ToMendResponse(started *syncv1.StartSyncResponse) *bridgev1.MendQuarantinedResponse {
	t := ToTriggerResponse(started)
	return &bridgev1.MendQuarantinedResponse{
		Success: t.GetSuccess(), SyncId: t.GetSyncId(), Status: t.GetStatus(), Message: t.GetMessage(),
		TrackingUrl: t.GetTrackingUrl(), StatusUrl: t.GetStatusUrl(), WebsocketUrl: t.GetWebsocketUrl(),
	}
}

// ToReleaseResponse is ToTriggerResponse for files that are put back.
func ToReleaseResponse(started *syncv1.StartSyncResponse) *bridgev1.ReleaseQuarantinedResponse {
	t := ToTriggerResponse(started)
	return &bridgev1.ReleaseQuarantinedResponse{
		Success: t.GetSuccess(), SyncId: t.GetSyncId(), Status: t.GetStatus(), Message: t.GetMessage(),
		TrackingUrl: t.GetTrackingUrl(), StatusUrl: t.GetStatusUrl(), WebsocketUrl: t.GetWebsocketUrl(),
	}
}

// TrackingURL returns the path at which the progress of a sync can be followed.
func TrackingURL(syncID string) string { return "/api/v1/syncs/" + syncID + "/events" }
