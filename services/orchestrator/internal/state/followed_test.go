package state_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

const (
	pullOpen   = gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN
	pullMerged = gitv1.PullRequestState_PULL_REQUEST_STATE_MERGED
)

func (b *bench) followed(fabric int32) map[string]*gitv1.PullRequest {
	b.t.Helper()
	all, err := b.FollowedEdits(b.ctx(), []int32{fabric})
	return ok(b.t, all, err)[0]
}

// TestWhatBecameOfAnEditsPullRequest is noted with its sync, once that has ended; and what is late is too late.
func TestWhatBecameOfAnEditsPullRequest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		id := b.startEdit(35, &syncv1.SyncOptions{}).SyncID
		open := &gitv1.PullRequest{Number: 7, State: pullOpen, Branch: "b"}
		moved := &gitv1.PullRequest{Number: 7, State: pullOpen, Branch: "b", HeadCommit: "2"}
		merged := &gitv1.PullRequest{Number: 7, State: pullMerged, Branch: "b", MergeCommit: "m"}
		must(t, b.FollowEdit(b.ctx(), 35, id, open))
		v := b.get(id)
		must(t, b.move(v, 1, initializing))
		must(t, b.NoteEdit(b.ctx(), 35, id, merged))
		if got := b.followed(35); len(got) != 1 || !proto.Equal(got[id], open) {
			t.Errorf("while the sync runs, %v is followed", got)
		}
		v.Result = &syncv1.Result{PullRequest: open}
		v.Warnings = []*reportv1.Finding{{Code: "FGD_1"}}
		must(t, b.move(v, 1, reconciling)) // nobody has written between
		must(t, b.move(v, 1, completed))
		must(t, b.NoteEdit(b.ctx(), 35, id, moved))
		noted := b.get(id).GetResult().GetPullRequest()
		if !proto.Equal(noted, moved) || !proto.Equal(b.followed(35)[id], moved) {
			t.Errorf("noted as %v, followed as %v", noted, b.followed(35))
		}
		must(t, b.NoteEdit(b.ctx(), 35, id, merged))
		must(t, b.NoteEdit(b.ctx(), 35, id, moved)) // somebody who asked before
		got := b.get(id)
		if !proto.Equal(got.GetResult().GetPullRequest(), merged) || len(got.GetWarnings()) != 1 || len(b.followed(35)) != 0 {
			t.Errorf("noted as %v, followed are %v", got, b.followed(35))
		}
	})
}

// TestPullRequestsOfManyEdits: the newest are followed, one whose sync is forgotten too, and none of a fabric that is
// gone.
func TestPullRequestsOfManyEdits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		must(t, b.FollowEdit(b.ctx(), 35, "early", &gitv1.PullRequest{Number: 1, State: pullOpen}))
		if len(b.followed(35)) != 0 {
			t.Error("one is followed of a fabric that no sync has run of")
		}
		b.end(b.start(35, nil).SyncID, completed)
		const many, most = 103, 100
		for i := range many {
			id := fmt.Sprintf("00000000-0000-7000-8000-%012d", many-i)
			must(t, b.FollowEdit(b.ctx(), 35, id, &gitv1.PullRequest{Number: int32(many - i), State: pullOpen}))
		}
		got := b.followed(35)
		for _, pull := range got {
			if pull.GetNumber() <= many-most {
				t.Errorf("an old one is followed: %v", pull)
			}
		}
		if len(got) != most {
			t.Errorf("%d are followed", len(got))
		}
		active, err := b.DeleteFabric(b.ctx(), 35, 1, busEvent("fabric.deleted"))
		if ok(t, active, err) != "" || len(b.followed(35)) != 0 {
			t.Errorf("of a fabric that is gone %d are followed", len(b.followed(35)))
		}
	})
}

// TestAPullRequestWhoseSyncIsForgotten is followed to its end all the same.
func TestAPullRequestWhoseSyncIsForgotten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		id := b.start(35, nil).SyncID
		b.end(id, completed)
		must(t, b.FollowEdit(b.ctx(), 35, id, &gitv1.PullRequest{Number: 1, State: pullOpen}))
		must(t, b.conn.Main.Del(b.ctx(), state.SyncKey(35, id)).Err())
		moved := &gitv1.PullRequest{Number: 1, State: pullOpen, HeadCommit: "2"}
		must(t, b.NoteEdit(b.ctx(), 35, id, moved))
		if !proto.Equal(b.followed(35)[id], moved) {
			t.Errorf("followed are %v", b.followed(35))
		}
		must(t, b.NoteEdit(b.ctx(), 35, id, &gitv1.PullRequest{Number: 1, State: pullMerged}))
		if len(b.followed(35)) != 0 {
			t.Errorf("followed are %v", b.followed(35))
		}
	})
}

// TestAnEditThatIsForgotten is followed no longer, and its sync says what it said.
func TestAnEditThatIsForgotten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		first, second := b.start(35, nil).SyncID, "another"
		b.end(first, completed)
		for _, id := range []string{first, second} {
			must(t, b.FollowEdit(b.ctx(), 35, id, &gitv1.PullRequest{Number: 1, State: pullOpen}))
		}
		before := b.get(first)
		must(t, b.ForgetEdit(b.ctx(), 35, first))
		if got := b.followed(35); len(got) != 1 || got[second] == nil || !proto.Equal(before.Sync, b.get(first).Sync) {
			t.Errorf("followed are %v, and the sync says %v", got, b.get(first))
		}
	})
}
