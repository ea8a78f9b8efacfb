package remote

import (
	"context"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// LastChange returns the last commit that changed the directory of a fabric, 40 hex digits; "" when none did.
func (s System) LastChange(ctx context.Context, fabricID int32) (string, error) {
	answer, err := ask(ctx, s, bridgev1.NewHistoryServiceClient, bridgev1.HistoryServiceClient.ListCommits,
		&bridgev1.ListCommitsRequest{FabricId: fabricID, Limit: 1})
	return Newest(answer), err
}

// Newest returns the id of the newest commit of a list; "" of an empty one.
func Newest(list *bridgev1.ListCommitsResponse) string {
	if len(list.GetCommits()) == 0 {
		return ""
	}
	return list.GetCommits()[0].GetCommitSha()
}
