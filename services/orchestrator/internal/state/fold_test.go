package state_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

var (
	tree   = strings.Repeat("a1", 20)
	commit = strings.Repeat("b2", 20)
)

// ended runs a sync of a fabric to its end, with warnings, and with a commit when it changed something.
func (b *bench) ended(fabric int32, trigger syncv1.Trigger, to syncv1.State, changed bool) string {
	b.t.Helper()
	record := b.record(fabric, nil, trigger)
	record.RequestedBy = "fgd-sync"
	_, err := b.Start(b.ctx(), record, record.GetSyncId(), "")
	must(b.t, err)
	v := b.get(record.GetSyncId())
	v.StartedAt = timestamppb.New(b.now().Add(20 * time.Millisecond))
	for _, next := range []syncv1.State{initializing, validating, syncing, reconciling, to} {
		v.Transitions = append(v.Transitions, &syncv1.Transition{
			From: v.GetState(), To: next, Time: timestamppb.New(b.now()), Cause: "because",
		})
		if next == to {
			v.CompletedAt = timestamppb.New(b.now().Add(300 * time.Millisecond))
			v.Progress = &syncv1.Progress{TotalFiles: 7, FilesProcessed: 7}
			v.Result = &syncv1.Result{
				ResourcesTotal: 12, BaseCommit: commit, Tree: tree, Files: &gitv1.ChangeCounts{},
				Plan: &syncv1.Plan{Counts: &syncv1.PlanCounts{Duplicates: 3}, Actions: []*syncv1.PlannedAction{{Action: "x"}}},
			}
			v.Warnings = []*reportv1.Finding{{Code: "FGD_1001", Message: strings.Repeat("long ", 400)}}
		}
		if next == to && changed {
			v.Result.CommitSha = tree
		}
		must(b.t, b.move(v, 1, next, "sync.progress", "sync.progress"))
	}
	return record.GetSyncId()
}

// TestTheHistoryIsTheSameFoldedOrNot is the law of the history: whatever is folded meanwhile, each page of each
// question has the syncs that match, newest first, and the number of all.
func TestTheHistoryIsTheSameFoldedOrNot(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		fabric := int32(0)
		rapid.Check(t, func(rt *rapid.T) {
			fabric++
			b := newBench(t, conn)
			b.fabric(fabric)
			var all []*syncv1.Sync // newest first
			for range rapid.IntRange(1, 12).Draw(rt, "syncs") {
				b.advance(time.Duration(rapid.Int64Range(1, 20*60).Draw(rt, "minutes")) * time.Minute)
				trigger := rapid.SampledFrom([]syncv1.Trigger{1, 3}).Draw(rt, "trigger")
				to := rapid.SampledFrom([]syncv1.State{completed, failed}).Draw(rt, "end")
				id := b.ended(fabric, trigger, to, rapid.Bool().Draw(rt, "changed"))
				all = slices.Insert(all, 0, state.Brief(b.get(id).Sync))
				if rapid.Bool().Draw(rt, "fold") {
					must(t, b.Fold(t.Context(), fabric))
				}
			}
			b.asked(rt, fabric, all)
			for i, want := range all {
				got := b.get(want.GetSyncId())
				if got.GetFolded() && (i == 0 || want.GetResult().GetCommitSha() != "") {
					rt.Fatalf("%v was folded", want)
				}
				sameOutcome(rt, got.Sync, want)
			}
		})
	})
}

// asked asks for a page, and compares it with what is known.
func (b *bench) asked(rt *rapid.T, fabric int32, all []*syncv1.Sync) {
	q := state.Query{
		State:   rapid.SampledFrom([]syncv1.State{0, completed, failed}).Draw(rt, "state"),
		Trigger: rapid.SampledFrom([]syncv1.Trigger{0, 1, 3}).Draw(rt, "wanted trigger"),
		Offset:  rapid.IntRange(0, 4).Draw(rt, "offset"), Limit: rapid.IntRange(1, 12).Draw(rt, "limit"),
	}
	if rapid.Bool().Draw(rt, "from") {
		q.From = all[rapid.IntRange(0, len(all)-1).Draw(rt, "since")].GetAcceptedAt().AsTime()
	}
	if rapid.Bool().Draw(rt, "to") {
		q.To = all[rapid.IntRange(0, len(all)-1).Draw(rt, "until")].GetAcceptedAt().AsTime()
	}
	var want []*syncv1.Sync
	for _, s := range all {
		at := s.GetAcceptedAt().AsTime()
		if (q.State == 0 || q.State == s.GetState()) && (q.Trigger == 0 || q.Trigger == s.GetTrigger()) &&
			!at.Before(q.From) && (q.To.IsZero() || at.Before(q.To)) {
			want = append(want, s)
		}
	}
	page, err := b.History(b.ctx(), fabric, q)
	must(b.t, err)
	from := min(q.Offset, len(want))
	shown := want[from:min(from+q.Limit, len(want))]
	if page.Total != len(want) || len(page.Syncs) != len(shown) {
		rt.Fatalf("%+v: %d of %d, want %d of %d", q, len(page.Syncs), page.Total, len(shown), len(want))
	}
	for i, got := range page.Syncs {
		sameOutcome(rt, got, shown[i])
		if len(got.GetWarnings()) > 0 || len(got.GetResult().GetPlan().GetActions()) > 0 {
			rt.Fatalf("a list has details: %v", got)
		}
	}
}

func sameOutcome(rt *rapid.T, got, want *syncv1.Sync) {
	key := func(s *syncv1.Sync) string {
		cause := ""
		if n := len(s.GetTransitions()); n > 0 && s.GetState() != completed {
			cause = s.GetTransitions()[n-1].GetCause()
		}
		return fmt.Sprint(s.GetSyncId(), s.GetFabricId(), s.GetState(), s.GetTrigger(), s.GetRequestedBy(), cause,
			s.GetAcceptedAt().AsTime(), s.GetStartedAt().AsTime(), s.GetCompletedAt().AsTime(),
			s.GetResult().GetBaseCommit(), s.GetResult().GetResourcesTotal(), s.GetResult().GetCommitSha(),
			s.GetWarningsTotal(), s.GetErrorsTotal(), s.GetProgress().GetTotalFiles())
	}
	if key(got) != key(want) {
		rt.Fatalf("got\n%v\nwant\n%v", got, want)
	}
}

// TestWhatASyncThatChangedNothingLeaves: at most a kilobyte after an hour, and 100 bytes after a day, all together.
func TestWhatASyncThatChangedNothingLeaves(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	b := newBench(t, conn)
	b.fabric(35)
	const syncs = 300
	for range syncs {
		b.advance(5 * time.Minute)
		b.ended(35, syncv1.Trigger_TRIGGER_SCHEDULED, completed, false)
	}
	before := b.held("fgd:*:35:sync:*", "fgd:*:35:history")
	b.advance(time.Hour)
	must(t, b.Fold(t.Context(), 35))
	if held := b.held("fgd:*:35:sync:*", "fgd:*:35:history", "fgd:*:35:folded:*") / syncs; held > 1024 {
		t.Errorf("%d bytes each after an hour, and %d before", held, before/syncs)
	}
	b.advance(24 * time.Hour)
	must(t, b.Fold(t.Context(), 35))
	newest := b.held("fgd:*:35:sync:*")
	held := b.held("fgd:*:35:sync:*", "fgd:*:35:history", "fgd:*:35:folded:*") - newest
	if held/syncs > 100 || newest > 5<<10 {
		t.Errorf("%d bytes each after a day, and %d of the newest", held/syncs, newest)
	}
	page, err := b.History(t.Context(), 35, state.Query{Limit: 10})
	must(t, err)
	if page.Total != syncs || len(page.Syncs) != 10 {
		t.Errorf("%d of %d", len(page.Syncs), page.Total)
	}
}

// held returns how many bytes Redis keeps in the keys of some patterns; live events are left out, which expire.
func (b *bench) held(patterns ...string) int64 {
	b.t.Helper()
	total := int64(0)
	for _, pattern := range patterns {
		keys, err := b.conn.Main.Keys(b.ctx(), pattern).Result()
		must(b.t, err)
		for _, key := range keys {
			if strings.HasSuffix(key, ":events") {
				continue
			}
			n, err := b.conn.Main.MemoryUsage(b.ctx(), key, 0).Result()
			must(b.t, err)
			total += n
		}
	}
	return total
}

// TestAFoldedFabricIsForgottenWhole: one that takes its number begins with nothing, and nothing comes back.
func TestAFoldedFabricIsForgottenWhole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		first := b.ended(35, syncv1.Trigger_TRIGGER_MANUAL, completed, false)
		b.advance(25 * time.Hour)
		b.ended(35, syncv1.Trigger_TRIGGER_MANUAL, completed, false)
		must(t, b.Fold(t.Context(), 35))
		if got := b.get(first); !got.GetFolded() {
			t.Fatalf("not folded: %v", got)
		}
		_, err := b.DeleteFabric(t.Context(), 35, 1, busEvent("fabric.deleted"))
		must(t, err)
		must(t, b.Fold(t.Context(), 35))
		b.fabric(35)
		page, err := b.History(t.Context(), 35, state.Query{Limit: 10})
		must(t, err)
		if _, err := b.Get(t.Context(), first); !errs.HasCode(err, errs.SyncNotFound) || page.Total != 0 {
			t.Errorf("got %v and a history of %d", err, page.Total)
		}
	})
}

// TestWhatChangedNothing: what is folded is what nobody misses.
func TestWhatChangedNothing(t *testing.T) {
	t.Parallel()
	plain := &syncv1.Sync{State: completed, Options: &syncv1.SyncOptions{}, Result: &syncv1.Result{}}
	for name, change := range map[string]func(*syncv1.Sync){
		"it runs":          func(s *syncv1.Sync) { s.State = reconciling },
		"a commit":         func(s *syncv1.Sync) { s.Result.CommitSha = commit },
		"a file":           func(s *syncv1.Sync) { s.Result.Files = &gitv1.ChangeCounts{Updated: 1} },
		"a repair":         func(s *syncv1.Sync) { s.Result.RepairsMade = []string{"x"} },
		"a pull request":   func(s *syncv1.Sync) { s.Result.PullRequest = &gitv1.PullRequest{} },
		"a plan":           func(s *syncv1.Sync) { s.Result.Plan = &syncv1.Plan{Counts: &syncv1.PlanCounts{Moves: 1}} },
		"a dry run":        func(s *syncv1.Sync) { s.Options.ValidateOnly = true },
		"a restore":        func(s *syncv1.Sync) { s.Options.RestoreCommit = commit },
		"of the structure": func(s *syncv1.Sync) { s.Options.Scope = syncv1.Scope_SCOPE_DIRECTORY },
	} {
		s := proto.CloneOf(plain)
		if !state.ChangedNothing(s) {
			t.Fatal("a sync that did nothing has changed something")
		}
		if change(s); state.ChangedNothing(s) {
			t.Errorf("%s: nothing has changed", name)
		}
	}
}
