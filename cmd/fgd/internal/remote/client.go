package remote

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Client asks the public services of a system, whether it runs elsewhere or in this process.
type Client struct{ Conn grpc.ClientConnInterface }

func (c Client) syncs() bridgev1.SyncServiceClient { return bridgev1.NewSyncServiceClient(c.Conn) }

// Status returns how a sync is.
func (c Client) Status(ctx context.Context, syncID string) (*bridgev1.SyncStatus, error) {
	answer, err := c.syncs().GetSyncStatus(ctx, &bridgev1.GetSyncStatusRequest{SyncId: syncID})
	return answer.GetStatus(), err
}

// Follow shows the progress of a sync until it has ended, and returns how.
func (c Client) Follow(
	ctx context.Context, syncID string, show func(*bridgev1.SyncEventData),
) (*bridgev1.SyncStatus, error) {
	err := rpc.Collect(ctx, c.syncs().StreamSyncEvents, &bridgev1.StreamSyncEventsRequest{SyncId: syncID},
		func(event *bridgev1.StreamSyncEventsResponse) error {
			show(event.GetData())
			return nil
		})
	if err != nil {
		return nil, err
	}
	return c.Status(ctx, syncID)
}

// Cancel asks a sync to end, and returns how it is then.
func (c Client) Cancel(ctx context.Context, syncID string) (*bridgev1.SyncStatus, error) {
	answer, err := c.syncs().CancelSync(ctx, &bridgev1.CancelSyncRequest{SyncId: syncID})
	return answer.GetStatus(), err
}

// How much of a plan and of a diff is asked for at once.
const (
	mostActions = 1000
	mostLines   = 50_000
)

// Details returns what became of each resource and file in a sync that ended, and the diff of a dry run, which is empty
// of any other sync. There is no plan of a sync that has not come so far.
func (c Client) Details(ctx context.Context, status *bridgev1.SyncStatus) (*bridgev1.Plan, string, error) {
	if status.GetResult().GetCounts() == nil {
		return nil, "", nil
	}
	plan := &bridgev1.Plan{}
	ask := &bridgev1.GetSyncPlanRequest{SyncId: status.GetSyncId(), Limit: mostActions}
	for more := true; more; more = ask.GetPageToken() != "" {
		page, err := c.syncs().GetSyncPlan(ctx, ask)
		if err != nil {
			return nil, "", err
		}
		proto.Merge(plan, page.GetPlan()) // counts are the same on each page, and lists follow each other
		ask.PageToken = page.GetNextPageToken()
	}
	diff, err := c.diff(ctx, status.GetSyncId())
	return plan, diff, err
}

func (c Client) diff(ctx context.Context, syncID string) (string, error) {
	var diff strings.Builder
	ask := &bridgev1.GetSyncDiffRequest{SyncId: syncID, Limit: mostLines}
	for more := true; more; more = ask.GetPageToken() != "" {
		page, err := c.syncs().GetSyncDiff(ctx, ask)
		if err != nil {
			return "", err
		}
		diff.WriteString(page.GetDiff())
		ask.PageToken = page.GetNextPageToken()
	}
	return diff.String(), nil
}
