package outcome_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/ledger"
	"fgdsync.dev/services/orchestrator/internal/outcome"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// archive is a store with one fabric.
type archive struct {
	*recovery.Reader
	t *testing.T
}

func newArchive(t *testing.T, conn *redisconn.Conn) *archive {
	t.Helper()
	kept, err := ledger.Open(filepath.Join(t.TempDir(), "ledger.db"))
	must(t, err)
	t.Cleanup(func() { must(t, kept.Close()) })
	store := state.New(conn, state.Limits{Retention: time.Hour, Active: 1 << 20}, time.Now)
	must(t, store.CreateFabric(t.Context(), &fabricv1.Fabric{FabricId: 35, Generation: 1}, &eventv1.Event{}))
	return &archive{recovery.NewReader(recovery.New(recovery.Deps{
		Store: store, Ledger: kept, Retention: time.Hour, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})), t}
}

// ended stores a sync with a result, and makes room for the next one.
func (a *archive) ended(result *syncv1.Result) string {
	a.t.Helper()
	record := &syncv1.Sync{
		SyncId: state.NewSyncID(time.Now(), 35), FabricId: 35, State: syncv1.State_STATE_PENDING,
		AcceptedAt: timestamppb.Now(),
	}
	_, err := a.Start(a.t.Context(), record, record.GetSyncId(), "")
	must(a.t, err)
	stored, err := a.Get(a.t.Context(), record.GetSyncId())
	must(a.t, err)
	stored.State, stored.Result = syncv1.State_STATE_FAILED, result
	must(a.t, a.Write(a.t.Context(), stored, 1, nil, nil))
	return record.GetSyncId()
}

// pages reads all pages of a list, and how many each says that there are.
func (a *archive) pages(limit int32, page func(limit int32, token string) (rows []string, total int32, next string),
) [][]string {
	a.t.Helper()
	var all [][]string
	for token, counted := "", -1; ; {
		rows, total, next := page(limit, token)
		if counted >= 0 && int(total) != counted {
			a.t.Errorf("limit %d: %d rows in all, and %d in the page before", limit, total, counted)
		}
		if all = append(all, rows); next == "" {
			return all
		}
		token, counted = next, int(total)
	}
}

// requirePages fails the test unless pages are a list cut into pieces of a length, of which the last may be shorter.
func requirePages(t *testing.T, limit int, got [][]string, want []string) {
	t.Helper()
	if whole := slices.Concat(got...); !slices.Equal(whole, want) {
		t.Errorf("limit %d: the pages have %d rows, not %d:\n%q", limit, len(whole), len(want), whole)
	}
	for i, page := range got {
		if last := i == len(got)-1; len(page) > limit || !last && len(page) < limit || last && i > 0 && len(page) == 0 {
			t.Errorf("limit %d: page %d of %d has %d rows", limit, i+1, len(got), len(page))
		}
	}
}

func (a *archive) plan(syncID string, limit int32, token string) *syncv1.GetSyncPlanResponse {
	a.t.Helper()
	got, err := outcome.Plan(a.t.Context(), a.Reader, &syncv1.GetSyncPlanRequest{
		SyncId: syncID, Limit: limit, PageToken: token,
	})
	must(a.t, err)
	return got
}

func (a *archive) diff(syncID string, limit int32, token string) *syncv1.GetSyncDiffResponse {
	a.t.Helper()
	got, err := outcome.Diff(a.t.Context(), a.Reader, &syncv1.GetSyncDiffRequest{
		SyncId: syncID, Limit: limit, PageToken: token,
	})
	must(a.t, err)
	return got
}

func each(t *testing.T, test func(t *testing.T, a *archive)) {
	t.Helper()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		test(t, newArchive(t, conn))
	})
}

const rows = 457 // more than a page of a plan has when nobody says how much

// long is a result whose lists have many rows, some of them alike.
func long() (result *syncv1.Result, actions, lines []string) {
	plan := &syncv1.Plan{
		Counts:  &syncv1.PlanCounts{Creates: rows, Orphans: 1},
		Orphans: []*reportv1.DanglingReference{{Field: "spec.vpc"}},
	}
	for i := range rows {
		name := fmt.Sprint("managed/", i/2)
		plan.Actions = append(plan.Actions, &syncv1.PlannedAction{Action: "create", To: name})
		actions, lines = append(actions, name), append(lines, fmt.Sprint("+", i/3, "\n"))
	}
	lines[rows-1] = "+no line break at the end"
	return &syncv1.Result{Plan: plan, Diff: strings.Join(lines, "")}, actions, lines
}

// TestThePagesAreTheWhole: no row is lost or comes twice, whatever the limit.
func TestThePagesAreTheWhole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *archive) {
		result, actions, lines := long()
		id := a.ended(result)
		for _, limit := range []int{1, 7, 100, rows - 1, rows, rows + 1} {
			requirePages(t, limit, a.pages(int32(limit), func(limit int32, token string) ([]string, int32, string) {
				got := a.plan(id, limit, token)
				var page []string
				for _, action := range got.GetPlan().GetActions() {
					page = append(page, action.GetTo())
				}
				if first := token == ""; first != (len(got.GetPlan().GetOrphans()) == 1) ||
					got.GetPlan().GetCounts().GetCreates() != rows {
					t.Errorf("first %t: orphans %v, counts %v", first, got.GetPlan().GetOrphans(), got.GetPlan().GetCounts())
				}
				return page, got.GetTotal(), got.GetNextPageToken()
			}), actions)
			requirePages(t, limit, a.pages(int32(limit), func(limit int32, token string) ([]string, int32, string) {
				got := a.diff(id, limit, token)
				return slices.Collect(strings.Lines(got.GetDiff())), got.GetTotal(), got.GetNextPageToken()
			}), lines)
		}
		if got := a.plan(id, 0, ""); len(got.GetPlan().GetActions()) != 200 || got.GetTotal() != rows {
			t.Errorf("a page has %d of %d actions", len(got.GetPlan().GetActions()), got.GetTotal())
		}
		if got := a.diff(id, 0, ""); got.GetDiff() != result.GetDiff() || got.GetNextPageToken() != "" {
			t.Errorf("a page has %d bytes of the diff", len(got.GetDiff()))
		}
	})
}

// TestATokenIsOfOneOutcome: it is good for the list of the sync that gave it, and for no other.
func TestATokenIsOfOneOutcome(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *archive) {
		result, _, _ := long()
		one, other := a.ended(result), a.ended(result)
		ofPlan, ofDiff := a.plan(one, 1, "").GetNextPageToken(), a.diff(one, 1, "").GetNextPageToken()
		for name, c := range map[string]struct{ syncID, plan, diff string }{
			"another sync": {other, ofPlan, ofDiff}, "the other list": {one, ofDiff, ofPlan},
			"nonsense": {one, "no token!", "no token!"}, "cut off": {one, ofPlan[:4], ofDiff[:4]},
		} {
			_, err := outcome.Plan(t.Context(), a.Reader, &syncv1.GetSyncPlanRequest{SyncId: c.syncID, PageToken: c.plan})
			if !errs.HasCode(err, errs.InvalidRequest) {
				t.Errorf("plan, %s: %v", name, err)
			}
			_, err = outcome.Diff(t.Context(), a.Reader, &syncv1.GetSyncDiffRequest{SyncId: c.syncID, PageToken: c.diff})
			if !errs.HasCode(err, errs.InvalidRequest) {
				t.Errorf("diff, %s: %v", name, err)
			}
		}
	})
}

// TestNothingToShow: a sync that changed nothing has an empty page, and one that is not known has none.
func TestNothingToShow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *archive) {
		for name, result := range map[string]*syncv1.Result{"nothing": {}, "no result": nil} {
			id := a.ended(result)
			plan, diff := a.plan(id, 10, ""), a.diff(id, 10, "")
			if len(plan.GetPlan().GetActions()) != 0 || plan.GetTotal() != 0 || plan.GetNextPageToken() != "" {
				t.Errorf("%s: plan %v", name, plan)
			}
			if diff.GetDiff() != "" || diff.GetTotal() != 0 || diff.GetNextPageToken() != "" {
				t.Errorf("%s: diff %v", name, diff)
			}
		}
		unknown := state.NewSyncID(time.Now(), 35)
		_, err := outcome.Plan(t.Context(), a.Reader, &syncv1.GetSyncPlanRequest{SyncId: unknown})
		_, diffErr := outcome.Diff(t.Context(), a.Reader, &syncv1.GetSyncDiffRequest{SyncId: unknown})
		if !errs.HasCode(err, errs.SyncNotFound) || !errs.HasCode(diffErr, errs.SyncNotFound) {
			t.Errorf("got %v and %v", err, diffErr)
		}
	})
}
