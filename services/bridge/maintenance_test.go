package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
)

func TestRebuildState(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backend.rebuilt = &adminv1.RebuildStateResponse{
		FabricsRestored: 1, SyncsRestored: 2, SyncsRevived: 3, SyncsExpired: 4, SyncIds: []string{"a", "b"},
	}
	got := fmt.Sprint(b.ok("POST", "/api/v1/state:rebuild", ""))
	if want := "map[fabrics_restored:1 sync_ids:[a b] syncs_expired:4 syncs_restored:2 syncs_revived:3]"; got != want {
		t.Errorf("%s", got)
	}
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backend.letters = &adminv1.ListDeadLettersResponse{NextPageToken: "next", DeadLetters: []*adminv1.DeadLetter{{
		Id: "0/1-0", Time: timestamppb.New(time.Unix(0, 0)), Error: "e", Deliveries: 5, SyncId: "s", FabricId: 35,
	}}}
	got := fmt.Sprint(b.ok("GET", "/api/v1/dead-letters?page_token=t", ""))
	want := "map[dead_letters:[map[deliveries:5 error:e fabric_id:35 id:0/1-0 sync_id:s time:1970-01-01T00:00:00Z]] " +
		"next_page_token:next]"
	if got != want {
		t.Errorf("%s", got)
	}
	b.requireAsked(&adminv1.ListDeadLettersRequest{Limit: 100, PageToken: "t"})
	replayed := fmt.Sprint(b.ok("POST", "/api/v1/dead-letters:replay", `{"ids":["0/1-0","1/2-0"]}`))
	want = "map[replayed:[map[id:0/1-0 sync_id:the sync of 0/1-0] map[id:1/2-0 sync_id:the sync of 1/2-0]]]"
	if replayed != want {
		t.Errorf("%s", replayed)
	}
	b.backend.fail(errs.New(errs.DeadLetterNotFound, "There is no dead letter 0/1-0."))
	b.problem("POST", "/api/v1/dead-letters:replay", `{"ids":["0/1-0"]}`, 404, "FGD_3013")
}
