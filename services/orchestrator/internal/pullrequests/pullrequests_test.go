package pullrequests_test

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
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
	pull    *gitv1.PullRequest
	away    error
	missing error // that it says of another pull request; one of no code when it is nil
	asked   int
}

func (h *host) GetPullRequest(_ context.Context, req *gitv1.GetPullRequestRequest,
	_ ...grpc.CallOption,
) (*gitv1.GetPullRequestResponse, error) {
	h.asked++
	if req.GetLocation().GetFabricId() != 35 {
		return nil, errors.New("it does not say whose the location is")
	}
	if h.away != nil {
		return nil, h.away
	}
	if req.GetNumber() != h.pull.GetNumber() {
		return nil, cmp.Or(h.missing, errors.New("it does not say which one"))
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

// edits is a fabric with edits that are followed.
type edits struct {
	*testing.T
	store   *state.Store
	host    *host
	started map[string]bool
	refused error // why no sync starts
	*pullrequests.Follower
}

// newEdits returns edits, one for each of their pull requests. The host has the first of these.
func newEdits(t *testing.T, conn *redisconn.Conn, pulls ...*gitv1.PullRequest) *edits {
	t.Helper()
	store := state.New(conn, state.Limits{Retention: time.Hour, Active: 100}, time.Now)
	fabric := &fabricv1.Fabric{FabricId: 35, Name: "f", Location: &gitv1.Location{RepositoryUrl: "https://host/r"}}
	if err := store.CreateFabric(t.Context(), fabric, &eventv1.Event{EventId: uuid.NewString()}); err != nil {
		t.Fatal(err)
	}
	if err := conn.Main.HSet(t.Context(), state.RunKey(35), "synced", "1").Err(); err != nil {
		t.Fatal(err)
	}
	for _, pull := range pulls {
		if err := store.FollowEdit(t.Context(), 35, state.NewSyncID(time.Now(), 35), pull); err != nil {
			t.Fatal(err)
		}
	}
	e := &edits{T: t, store: store, host: &host{pull: proto.CloneOf(pulls[0])}, started: map[string]bool{}}
	e.Follower = pullrequests.New(store, e.host, e.start)
	return e
}

func (e *edits) start(_ context.Context, req *syncv1.StartSyncRequest) (state.Admission, error) {
	if e.refused == nil {
		e.started[req.GetRequestId()] = true
	}
	return state.Admission{}, e.refused
}

// look looks once, and holds how many syncs were started by now and how many edits are followed against what it should
// be.
func (e *edits) look(fails bool, starts, left int) {
	e.Helper()
	if err := e.RunOnce(e.Context()); (err != nil) != fails {
		e.Errorf("looked: %v", err)
	}
	followed, err := e.store.FollowedEdits(e.Context(), []int32{35})
	if err != nil || len(e.started) != starts || len(followed[0]) != left {
		e.Errorf("%d syncs started and %v followed, %v", len(e.started), followed, err)
	}
}

func proposed(number int32) *gitv1.PullRequest {
	return &gitv1.PullRequest{
		Number: number, State: gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN, Branch: "fgd/f-35-edits/d/1",
	}
}

// TestPullRequestsOfEditsAreFollowed: each to its end, which makes one sync, whichever edits share it.
func TestPullRequestsOfEditsAreFollowed(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		e := newEdits(t, conn, proposed(7), proposed(7))
		e.look(false, 0, 2)
		e.host.pull.State, e.refused = gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED, errors.New("away")
		e.look(true, 0, 2)
		e.refused = nil
		e.look(false, 1, 0)
		e.look(false, 1, 0)
		if pull, err := e.store.PullRequest(t.Context(), 35); err != nil || pull != nil {
			t.Errorf("the fabric has %v, %v", pull, err)
		}
	})
}

// TestAPullRequestThatIsNotThatOfTheEdit: what the number is of in another repository is nobody's, or another one's,
// and is asked for once.
func TestAPullRequestThatIsNotThatOfTheEdit(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		e := newEdits(t, conn, proposed(7), proposed(8))
		e.host.missing = errs.New(errs.GitHubNotFound, "There is none.")
		e.host.pull.State, e.host.pull.Branch = gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED, "another"
		e.look(false, 0, 0)
		e.look(false, 0, 0)
		if e.host.asked != 2 {
			t.Errorf("the host was asked %d times", e.host.asked)
		}
	})
}

// TestOnePullRequestThatCantBeAskedFor keeps none of the others from being followed, and is asked for again.
func TestOnePullRequestThatCantBeAskedFor(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		e := newEdits(t, conn, proposed(7), proposed(8), proposed(9), proposed(10))
		e.host.pull.State = gitv1.PullRequestState_PULL_REQUEST_STATE_MERGED
		e.look(true, 1, 3)
		e.look(true, 1, 3)
		if e.host.asked != 7 {
			t.Errorf("the host was asked %d times", e.host.asked)
		}
	})
}
