// Package pullrequests follows the open pull requests of fabrics and of edits to their end: one that is merged or
// closed is remembered as that, and the fabric is synced, so that what was merged comes into the index. Nothing depends
// on it but how soon that happens; a sync looks for itself. Any number of orchestrators may follow the same.
package pullrequests

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/intake"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// Follower follows pull requests.
type Follower struct {
	store        *state.Store
	repositories gitv1.RepositoryServiceClient
	accept       intake.AcceptFunc
}

// New returns a follower.
func New(store *state.Store, repositories gitv1.RepositoryServiceClient, accept intake.AcceptFunc) *Follower {
	return &Follower{store: store, repositories: repositories, accept: accept}
}

// RunOnce asks what became of every pull request that was open.
func (f *Follower) RunOnce(ctx context.Context) error {
	fabrics, err := f.store.Fabrics(ctx)
	if err != nil {
		return err
	}
	ids := make([]int32, len(fabrics))
	for i, fabric := range fabrics {
		ids[i] = fabric.GetFabricId()
	}
	pulls, err := f.store.PullRequests(ctx, ids)
	if err != nil {
		return err
	}
	edits, err := f.store.FollowedEdits(ctx, ids)
	if err != nil {
		return err
	}
	for i, fabric := range fabrics {
		if pulls[i].GetState() == gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN {
			err = errors.Join(err, f.follow(ctx, fabric, pulls[i]))
		}
		err = errors.Join(err, f.followEdits(ctx, fabric, edits[i]))
	}
	return err
}

func (f *Follower) follow(ctx context.Context, fabric *fabricv1.Fabric, last *gitv1.PullRequest) error {
	now, err := f.ask(ctx, fabric, last)
	if err != nil || proto.Equal(now, last) {
		return err
	}
	if err := f.store.SetPullRequest(ctx, fabric.GetFabricId(), now); err != nil || now.GetState() == last.GetState() {
		return err
	}
	return f.sync(ctx, fabric, now)
}

// followEdits follows the pull requests of the edits of a fabric, by sync.
func (f *Follower) followEdits(
	ctx context.Context, fabric *fabricv1.Fabric, pulls map[string]*gitv1.PullRequest,
) (err error) {
	for syncID, pull := range pulls {
		err = errors.Join(err, f.followEdit(ctx, fabric, syncID, pull))
	}
	return err
}

// followEdit follows the pull request of an edit. A fabric may have moved to another repository meanwhile, in which the
// number is nobody's or another one's: then there is nothing more to follow.
func (f *Follower) followEdit(
	ctx context.Context, fabric *fabricv1.Fabric, syncID string, last *gitv1.PullRequest,
) error {
	now, err := f.ask(ctx, fabric, last)
	if errs.HasCode(err, errs.GitHubNotFound) || err == nil && now.GetBranch() != last.GetBranch() {
		return f.store.ForgetEdit(ctx, fabric.GetFabricId(), syncID)
	}
	if err != nil || proto.Equal(now, last) {
		return err
	}
	if now.GetState() != last.GetState() {
		if err := f.sync(ctx, fabric, now); err != nil {
			return err
		}
	}
	return f.store.NoteEdit(ctx, fabric.GetFabricId(), syncID, now)
}

func (f *Follower) ask(
	ctx context.Context, fabric *fabricv1.Fabric, last *gitv1.PullRequest,
) (*gitv1.PullRequest, error) {
	response, err := f.repositories.GetPullRequest(rpc.WithRoutingKey(ctx, fabric.GetRepositoryKey()),
		&gitv1.GetPullRequestRequest{
			Location: state.LocationOf(fabric), Number: last.GetNumber(),
		})
	if err != nil {
		return nil, fmt.Errorf("ask for pull request %d of fabric %d: %w", last.GetNumber(), fabric.GetFabricId(), err)
	}
	return response.GetPullRequest(), nil
}

// sync starts the sync that takes in what became of a pull request: one, whichever orchestrator is first.
func (f *Follower) sync(ctx context.Context, fabric *fabricv1.Fabric, pull *gitv1.PullRequest) error {
	_, err := f.accept(ctx, &syncv1.StartSyncRequest{
		FabricId: fabric.GetFabricId(), Trigger: syncv1.Trigger_TRIGGER_WEBHOOK,
		RequestId: fmt.Sprintf("pull-request:%d:%d:%d", fabric.GetFabricId(), pull.GetNumber(), pull.GetState()),
	})
	if errs.HasCode(err, errs.FabricNotFound) || state.IsHeld(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sync fabric %d after its pull request: %w", fabric.GetFabricId(), err)
	}
	return nil
}
