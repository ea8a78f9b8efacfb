package resourcehistory

import (
	"context"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// judge holds what a commit says of the sync that made it against the record of that sync. Who may push can write any
// trailers: what a commit copies from another one, it may not say. Where there is no record any more, or it names no
// commit, nobody knows.
func (w *walk) judge(ctx context.Context, change *fabricv1.ResourceChange) error {
	c := change.GetCommit()
	if c.GetSyncId() == "" {
		change.Confirmed = true
		return nil
	}
	id, err := state.FabricOfSync(c.GetSyncId())
	if err != nil {
		disown(change)
		return nil //nolint:nilerr // no sync ever had such an id
	}
	if id != w.fabric.GetFabricId() { // the directory may have been that fabric's then
		return nil
	}
	record, err := w.Store.Get(ctx, c.GetSyncId())
	if errs.HasCode(err, errs.SyncNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	compare(change, record.GetResult())
	return nil
}

// compare holds a change against what its sync came to. The host may make another commit of what was proposed, and so
// may whoever may push to the branch of the proposal: of those the commit alone says what it is.
func compare(change *fabricv1.ResourceChange, result *syncv1.Result) {
	made, pull := result.GetCommitSha(), result.GetPullRequest()
	switch {
	case made == change.GetCommit().GetCommit():
		change.Confirmed, change.PullRequest = true, pull
	case made != "" && pull == nil:
		disown(change)
	default: // it ended before it knew, or what it proposed became another commit
		change.PullRequest = pull
	}
}

// disown takes away what only syncs may say of a commit.
func disown(change *fabricv1.ResourceChange) {
	c := change.GetCommit()
	c.SyncId, c.Trigger, c.RequestedBy, c.RequestedVia, c.Fabric = "", "", "", "", ""
	c.NetboxRequestId, c.NetboxChangeIds = "", nil
	c.Origin = gitv1.ChangeOrigin_CHANGE_ORIGIN_GIT
	change.Confirmed = true
}
