package pullrequests_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/redisconn"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/pullrequests"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

// host knows one pull request, and can be away.
type host struct {
	gitv1.RepositoryServiceClient
	pull  *gitv1.PullRequest
	away  error
	asked int
}

func (h *host) GetPullRequest(_ context.Context, req *gitv1.GetPullRequestRequest,
	_ ...grpc.CallOption,
) (*gitv1.GetPullRequestResponse, error) {
	h.asked++
	if req.GetLocation().GetFabricId() != 35 {
		return nil, errors.New("it does not say whose the location is")
	}
	if h.away != nil || req.GetNumber() != h.pull.GetNumber() {
		return nil, errors.Join(h.away, errors.New("no such pull request"))
	}
	return &gitv1.GetPullRequestResponse{PullRequest: proto.CloneOf(h.pull)}, nil
}

// TestAPullRequestIsFollowed: as long as it is open nothing happens; its end is remembered and makes one sync, whoever
// looks; then nobody asks any more. A host that is away is asked again.
func TestAPullRequestIsFollowed(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		ctx := t.Context()
		store := state.New(conn, state.Limits{Retention: time.Hour, Active: 100}, time.Now)
		fabric := &fabricv1.Fabric{
			FabricId: 35, Name: "f", Location: &gitv1.Location{RepositoryUrl: "https://host/r"},
			RepositoryKey: "host/r",
		}
		if err := store.CreateFabric(ctx, fabric, &eventv1.Event{EventId: uuid.NewString()}); err != nil {
			t.Fatal(err)
		}
		open := &gitv1.PullRequest{Number: 7, State: gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN, Branch: "fgd/f-35/1"}
		if err := store.SetPullRequest(ctx, 35, open); err != nil {
			t.Fatal(err)
		}
		if got, err := store.PullRequest(ctx, 35); err != nil || got != nil {
			t.Errorf("a fabric that no sync has run of has %v, %v", got, err)
		}
		if err := conn.Main.HSet(ctx, state.RunKey(35), "synced", "1").Err(); err != nil {
			t.Fatal(err)
		}
		if err := store.SetPullRequest(ctx, 35, open); err != nil {
			t.Fatal(err)
		}
		h := &host{pull: proto.CloneOf(open)}
		started := map[string]bool{}
		start := func(_ context.Context, req *syncv1.StartSyncRequest) (state.Admission, error) {
			started[req.GetRequestId()] = true
			return state.Admission{}, nil
		}
		f := pullrequests.New(store, h, start)
		look := func(starts, asked int) {
			t.Helper()
			if err := f.RunOnce(ctx); (err != nil) != (h.away != nil) {
				t.Errorf("looked: %v", err)
			}
			if len(started) != starts || h.asked != asked {
				t.Errorf("%d syncs started and %d questions, not %d and %d", len(started), h.asked, starts, asked)
			}
		}
		look(0, 1)
		h.pull.HeadCommit = "another commit"
		look(0, 2)
		h.away = errors.New("away")
		look(0, 3)
		h.away, h.pull.State = nil, gitv1.PullRequestState_PULL_REQUEST_STATE_MERGED
		look(1, 4)
		look(1, 4)
		if got, err := store.PullRequest(ctx, 35); err != nil || !proto.Equal(got, h.pull) {
			t.Errorf("remembered as %v, %v", got, err)
		}
		for id := range started {
			if strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' }) || len(id) > 64 {
				t.Errorf("request id %q", id)
			}
		}
	})
}

// TestPullRequestsOfEditsAreFollowed: each to its end, which makes one sync, whichever edits share it. What the number
// is of in another repository is nobody's.
func TestPullRequestsOfEditsAreFollowed(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		ctx := t.Context()
		store := state.New(conn, state.Limits{Retention: time.Hour, Active: 100}, time.Now)
		fabric := &fabricv1.Fabric{FabricId: 35, Name: "f", Location: &gitv1.Location{RepositoryUrl: "https://host/r"}}
		if err := store.CreateFabric(ctx, fabric, &eventv1.Event{EventId: uuid.NewString()}); err != nil {
			t.Fatal(err)
		}
		if err := conn.Main.HSet(ctx, state.RunKey(35), "synced", "1").Err(); err != nil {
			t.Fatal(err)
		}
		open := &gitv1.PullRequest{
			Number: 7, State: gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN, Branch: "fgd/f-35-edits/d/1",
		}
		first, second := state.NewSyncID(time.Now(), 35), state.NewSyncID(time.Now(), 35)
		for _, id := range []string{first, second} {
			if err := store.FollowEdit(ctx, 35, id, open); err != nil {
				t.Fatal(err)
			}
		}
		h, started := &host{pull: proto.CloneOf(open)}, map[string]bool{}
		var refused error
		start := func(_ context.Context, req *syncv1.StartSyncRequest) (state.Admission, error) {
			if refused == nil {
				started[req.GetRequestId()] = true
			}
			return state.Admission{}, refused
		}
		f := pullrequests.New(store, h, start)
		look := func(fails bool, starts, left int) {
			t.Helper()
			if err := f.RunOnce(ctx); (err != nil) != fails {
				t.Errorf("looked: %v", err)
			}
			followed, err := store.FollowedEdits(ctx, []int32{35})
			if err != nil || len(started) != starts || len(followed[0]) != left {
				t.Errorf("%d syncs started and %v followed, %v", len(started), followed, err)
			}
		}
		look(false, 0, 2)
		h.pull.State, h.pull.Branch = gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED, "another"
		look(false, 0, 2)
		h.pull.Branch, refused = open.GetBranch(), errors.New("away")
		look(true, 0, 2)
		refused = nil
		look(false, 1, 0)
		look(false, 1, 0)
		if pull, err := store.PullRequest(ctx, 35); err != nil || pull != nil {
			t.Errorf("the fabric has %v, %v", pull, err)
		}
	})
}
