package grpcapi

import (
	"context"
	"strings"
	"unicode"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Words of a trigger.
const (
	ifRunningQueue  = "queue"
	ifRunningRefuse = "refuse"
	statusStarted   = "started"
	statusQueued    = "queued"
)

// TriggerSync starts a sync, or joins the one that waits.
func (s *Server) TriggerSync(ctx context.Context, req *bridgev1.TriggerSyncRequest) (*bridgev1.TriggerSyncResponse,
	error,
) {
	trigger, err := triggerWords.parse("trigger", req.GetTrigger())
	if err != nil {
		return nil, err
	}
	options, err := syncOptions(req.GetOptions())
	if err != nil {
		return nil, err
	}
	if err := checkRequestID(req.GetRequestId()); err != nil {
		return nil, err
	}
	started, err := s.syncs.StartSync(ctx, &syncv1.StartSyncRequest{
		FabricId: req.GetFabricId(), Trigger: trigger, Options: options, RequestedBy: caller(ctx),
		RequestId: req.GetRequestId(),
	})
	if err != nil {
		return nil, err
	}
	return triggered(started), nil
}

const maxRequestID = 64

// checkRequestID keeps the ids of callers apart from those that the system gives itself, which have a colon.
func checkRequestID(id string) error {
	foreign := strings.ContainsFunc(id, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-", r)
	})
	if foreign || len(id) > maxRequestID {
		return invalid("request_id",
			"request_id is %.80q; allowed are up to %d letters, digits, dots, dashes and underscores.", id, maxRequestID)
	}
	return nil
}

func syncOptions(o *bridgev1.TriggerOptions) (*syncv1.SyncOptions, error) {
	switch o.GetIfRunning() {
	case "", ifRunningQueue, ifRunningRefuse:
	default:
		return nil, invalid("options.if_running", "options.if_running is %q; allowed is queue, refuse.", o.GetIfRunning())
	}
	withoutPush := o != nil && o.IncludeGithubSync != nil && !o.GetIncludeGithubSync()
	return &syncv1.SyncOptions{
		ForceRefresh: o.GetForceRefresh(), ValidateOnly: o.GetValidateOnly() || withoutPush,
		RefuseIfRunning: o.GetIfRunning() == ifRunningRefuse, Scope: syncv1.Scope_SCOPE_FULL, Force: o.GetForce(),
		RetryQuarantined: o.GetRetryQuarantined(),
	}, nil
}

func triggered(started *syncv1.StartSyncResponse) *bridgev1.TriggerSyncResponse {
	id := started.GetSyncId()
	out := &bridgev1.TriggerSyncResponse{
		Success: true, SyncId: id, Status: statusStarted, Message: "The sync has been started.",
		TrackingUrl: trackingURL(id), StatusUrl: "/api/sync-status/" + id + "/", WebsocketUrl: "/ws/sync-progress/" + id +
			"/",
	}
	if started.GetQueued() {
		out.Status, out.Message = statusQueued, "A sync of the fabric is active; this one runs when it has ended."
	}
	return out
}

func trackingURL(syncID string) string { return "/api/v1/syncs/" + syncID + "/events" }

// GetSyncStatus shows a sync.
func (s *Server) GetSyncStatus(ctx context.Context,
	req *bridgev1.GetSyncStatusRequest,
) (*bridgev1.GetSyncStatusResponse, error) {
	found, err := s.syncs.GetSync(ctx, &syncv1.GetSyncRequest{SyncId: req.GetSyncId()})
	if err != nil {
		return nil, err
	}
	return &bridgev1.GetSyncStatusResponse{Status: syncToAPI(found.GetSync())}, nil
}

// CancelSync asks a sync to end.
func (s *Server) CancelSync(ctx context.Context, req *bridgev1.CancelSyncRequest) (*bridgev1.CancelSyncResponse,
	error,
) {
	cancelled, err := s.syncs.CancelSync(ctx, &syncv1.CancelSyncRequest{SyncId: req.GetSyncId(), RequestedBy: caller(ctx)})
	if err != nil {
		return nil, err
	}
	return &bridgev1.CancelSyncResponse{Status: syncToAPI(cancelled.GetSync())}, nil
}

// ListSyncHistory lists the syncs of a fabric.
func (s *Server) ListSyncHistory(ctx context.Context,
	req *bridgev1.ListSyncHistoryRequest,
) (*bridgev1.ListSyncHistoryResponse, error) {
	state, err := stateWords.filter("status", req.GetStatus())
	if err != nil {
		return nil, err
	}
	trigger, err := triggerWords.filter("trigger", req.GetTrigger())
	if err != nil {
		return nil, err
	}
	found, err := s.syncs.ListSyncs(ctx, &syncv1.ListSyncsRequest{
		FabricId: req.GetFabricId(), Limit: req.GetLimit(), Offset: req.GetOffset(), State: state, Trigger: trigger,
		StartDate: req.GetStartDate(), EndDate: req.GetEndDate(),
	})
	if err != nil {
		return nil, err
	}
	out := &bridgev1.ListSyncHistoryResponse{Total: found.GetTotal()}
	for _, sync := range found.GetSyncs() {
		out.Syncs = append(out.Syncs, syncToAPI(sync))
	}
	return out, nil
}
