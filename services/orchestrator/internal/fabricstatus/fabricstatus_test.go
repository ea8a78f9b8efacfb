package fabricstatus_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/fabricstatus"
	"fgdsync.dev/services/orchestrator/internal/state"
)

const (
	completed = syncv1.State_STATE_COMPLETED
	failed    = syncv1.State_STATE_FAILED
	cancelled = syncv1.State_STATE_CANCELLED
)

// TestOneWordForAFabric: which of several words counts, and what is said of why.
func TestOneWordForAFabric(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	broken := &reportv1.Finding{Code: "FGD_4002", Message: "no", Remedy: "yes"}
	for name, c := range map[string]struct {
		fabric *fabricv1.Fabric
		change func(*state.Standing)
		want   string
		code   string
	}{
		"all is well": {nil, func(*state.Standing) {}, "OK", ""},
		"suspended, and a sync that failed goes on": {
			&fabricv1.Fabric{Suspension: &fabricv1.Suspension{Reason: "moved", SuspendedBy: "Jo"}},
			func(s *state.Standing) { s.Active, s.Last.State = "x", failed }, "SUSPENDED", errs.FabricSuspended.ID,
		},
		"a sync runs after one that failed": {
			nil, func(s *state.Standing) { s.Active, s.Last.State = "x", failed }, "RUNNING", "",
		},
		"failed, and no success for a day": {
			nil, func(s *state.Standing) {
				s.Last.State, s.Last.Error, s.LastSuccess = failed, broken, now.Add(-24*time.Hour)
			}, "FAILING", "FGD_4002",
		},
		"failed without an error": {nil, func(s *state.Standing) { s.Last.State = failed }, "FAILING", errs.SyncFailed.ID},
		"just in time":            {nil, func(s *state.Standing) { s.LastSuccess = now.Add(-10 * time.Minute) }, "OK", ""},
		"too late": {
			nil, func(s *state.Standing) { s.LastSuccess = now.Add(-10*time.Minute - time.Millisecond) }, "OVERDUE",
			errs.SyncOverdue.ID,
		},
		"late, and only on request": {
			&fabricv1.Fabric{}, func(s *state.Standing) { s.LastSuccess = now.Add(-24 * time.Hour) }, "OK", "",
		},
		"never synced, and due": {
			&fabricv1.Fabric{SyncIntervalSeconds: 300, CreatedAt: timestamppb.New(now.Add(-time.Hour))},
			func(s *state.Standing) { *s = state.Standing{} }, "OVERDUE", errs.SyncOverdue.ID,
		},
		"just registered": {
			nil, func(s *state.Standing) { *s = state.Standing{} }, "DEGRADED", errs.NoCompletedSync.ID,
		},
		"cancelled": {
			nil, func(s *state.Standing) { s.Last.State = cancelled }, "DEGRADED", errs.SyncCancelled.ID,
		},
		"errors are left": {
			nil, func(s *state.Standing) { s.Last.Error, s.Last.ErrorsTotal = broken, 3 }, "DEGRADED", "FGD_4002",
		},
		"a quarantine": {
			nil, func(s *state.Standing) { s.Published.QuarantinedFiles = proto.Int32(2) }, "DEGRADED",
			errs.FilesInQuarantine.ID,
		},
	} {
		fabric := c.fabric
		if fabric == nil {
			fabric = &fabricv1.Fabric{SyncIntervalSeconds: 300, CreatedAt: timestamppb.New(now)}
		}
		s := state.Standing{
			Last: &fabricv1.LastSync{State: completed}, LastSuccess: now.Add(-time.Minute),
			Published: &fabricv1.PublishedState{},
		}
		c.change(&s)
		got := fabricstatus.Of(fabric, s, now)
		if got.GetState().String() != "FABRIC_STATE_"+c.want || got.GetReason().GetCode() != c.code {
			t.Errorf("%s: %v", name, got)
		}
		if r := got.GetReason(); r != nil && (r.GetMessage() == "" || r.GetRemedy() == "") {
			t.Errorf("%s: the reason is %v", name, r)
		}
	}
}
