package schedule_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/intake"
	"fgdsync.dev/services/orchestrator/internal/ledger"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/schedule"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

// bench is a store, a clock that stands still until it is told otherwise, and replicas over them.
type bench struct {
	t      *testing.T
	conn   *redisconn.Conn
	store  *state.Store
	accept intake.AcceptFunc
	at     atomic.Int64
}

// retention is longer than any test goes on by its clock: a list of syncs is dropped with the day that it is of.
const retention = 30 * 24 * time.Hour

func newBench(t *testing.T, conn *redisconn.Conn) *bench {
	b := &bench{t: t, conn: conn}
	b.at.Store(time.Now().UnixMilli())
	b.store = state.New(conn, state.Limits{Retention: retention, Active: 1 << 20}, b.now)
	kept, err := ledger.Open(filepath.Join(t.TempDir(), "ledger.db"))
	b.must(err)
	t.Cleanup(func() { b.must(kept.Close()) })
	log := slog.New(slog.DiscardHandler)
	reader := recovery.NewReader(recovery.New(recovery.Deps{
		Store: b.store, Ledger: kept, Retention: retention, Log: log, Now: b.now,
	}))
	b.accept = intake.New(reader, kept, noop.Tracer{}, log, b.now).Accept
	return b
}

func (b *bench) now() time.Time          { return time.UnixMilli(b.at.Load()) }
func (b *bench) advance(d time.Duration) { b.at.Add(d.Milliseconds()) }

func (b *bench) replica() *schedule.Scheduler {
	return schedule.New(b.store, b.accept, b.now)
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) fabric(id int32, interval time.Duration) {
	b.t.Helper()
	b.must(b.store.CreateFabric(b.t.Context(), &fabricv1.Fabric{
		FabricId: id, SyncIntervalSeconds: int32(interval / time.Second), CreatedAt: timestamppb.New(b.now()),
	}, &eventv1.Event{}))
	b.must(b.conn.Main.HSet(b.t.Context(), state.RunKey(id), "synced", "1").Err()) // it had its first sync
}

func (b *bench) run() {
	b.t.Helper()
	b.must(b.replica().RunOnce(b.t.Context()))
}

// history lists the syncs of a fabric, oldest first.
func (b *bench) history(id int32) []*syncv1.Sync {
	b.t.Helper()
	all, err := b.store.History(b.t.Context(), id, state.Query{Limit: 1000})
	b.must(err)
	slices.Reverse(all.Syncs)
	return all.Syncs
}

func (b *bench) expect(id int32, n int) {
	b.t.Helper()
	all := b.history(id)
	if len(all) != n {
		b.t.Fatalf("fabric %d has %d syncs, want %d", id, len(all), n)
	}
	for _, s := range all {
		if s.GetTrigger() != syncv1.Trigger_TRIGGER_SCHEDULED || s.GetRequestedBy() != "fgd-sync" {
			b.t.Errorf("started by %s of %s", s.GetTrigger(), s.GetRequestedBy())
		}
	}
}

func (b *bench) end(syncID string) {
	b.t.Helper()
	v, err := b.store.Get(b.t.Context(), syncID)
	b.must(err)
	v.State = syncv1.State_STATE_FAILED
	b.must(b.store.Write(b.t.Context(), v, 1, nil, nil))
}

func (b *bench) endAll(id int32) {
	b.t.Helper()
	for _, s := range b.history(id) {
		if !state.Terminal(s.GetState()) {
			b.end(s.GetSyncId())
		}
	}
}

func (b *bench) trigger(id int32, options *syncv1.SyncOptions) string {
	b.t.Helper()
	admission, err := b.accept(b.t.Context(), &syncv1.StartSyncRequest{FabricId: id, Options: options})
	b.must(err)
	return admission.SyncID
}

const (
	interval = 300 * time.Second
	longest  = interval + interval/10 // with the most jitter
)

func each(t *testing.T, test func(t *testing.T, b *bench)) {
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) { test(t, newBench(t, conn)) })
}

func TestASyncIsStartedWhenItsTimeHasCome(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(1, interval)
		b.fabric(2, 0)
		b.run()
		b.expect(1, 0)
		b.advance(interval - time.Millisecond)
		b.run()
		b.expect(1, 0)
		b.advance(longest - interval)
		for n := 1; n <= 3; n++ {
			b.run()
			b.expect(1, n)
			b.run() // once is enough
			b.expect(1, n)
			b.endAll(1)
			b.run()
			b.expect(1, n)
			b.advance(longest)
		}
		b.expect(2, 0) // never, if never is what it wants
	})
}

func TestAnyFullSyncPutsTheNextOneOff(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(1, interval)
		b.advance(longest)
		b.end(b.trigger(1, nil))
		b.run()
		if n := len(b.history(1)); n != 1 {
			t.Errorf("%d syncs right after one on request", n)
		}
		b.advance(longest)
		b.end(b.trigger(1, &syncv1.SyncOptions{ValidateOnly: true}))
		b.advance(time.Second)
		b.run()
		if all := b.history(1); len(all) != 3 || all[2].GetTrigger() != syncv1.Trigger_TRIGGER_SCHEDULED {
			t.Errorf("a dry run put it off: %v", all)
		}
	})
}

func TestNothingPilesUpBehindALongSync(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(1, interval)
		running := b.trigger(1, nil)
		for range 5 {
			b.advance(longest)
			b.run()
		}
		if n := len(b.history(1)); n != 1 {
			t.Fatalf("%d syncs while one runs", n)
		}
		b.end(running)
		b.run()
		if n := len(b.history(1)); n != 2 {
			t.Errorf("%d syncs after its end", n)
		}
	})
}

// TestReplicasStartOneSync: all of them run at once, with clocks that do not agree.
func TestReplicasStartOneSync(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		for id := range int32(10) {
			b.fabric(id+1, interval)
		}
		b.advance(longest)
		var replicas sync.WaitGroup
		for i := range 4 {
			ahead := time.Duration(i) * time.Minute
			s := schedule.New(b.store, b.accept, func() time.Time { return b.now().Add(ahead) })
			replicas.Go(func() {
				if err := s.RunOnce(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		replicas.Wait()
		for id := range int32(10) {
			b.expect(id+1, 1)
		}
	})
}

// TestAReplicaThatIsLateStartsOneSync: it decided before the other one had started the sync, and even ended it.
func TestAReplicaThatIsLateStartsOneSync(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(1, interval)
		b.advance(longest)
		slow := schedule.New(b.store, func(ctx context.Context, req *syncv1.StartSyncRequest) (state.Admission, error) {
			b.run()
			b.endAll(1)
			return b.accept(ctx, req)
		}, b.now)
		b.must(slow.RunOnce(t.Context()))
		b.expect(1, 1)
	})
}

func TestARunIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Start(t).Conn(t))
	const n = schedule.PerRun + 7
	for id := range int32(n) {
		b.fabric(id+1, interval)
		b.advance(time.Second) // the later, the less overdue; less than any jitter evens out over the whole span
	}
	b.advance(longest)
	started := func() (out int) {
		for id := range int32(n) {
			out += len(b.history(id + 1))
		}
		return out
	}
	b.run()
	if got := started(); got != schedule.PerRun {
		t.Errorf("%d syncs at one time", got)
	}
	if len(b.history(1)) != 1 {
		t.Error("the one that is longest overdue was put off")
	}
	b.run()
	if got := started(); got != n {
		t.Errorf("%d of %d syncs after the second run", got, n)
	}
}

// TestDueTimes is the law of the schedule: no earlier than the interval, no later than a tenth more, and the same in
// every replica.
func TestDueTimes(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Start(t).Conn(t))
	id := int32(0)
	rapid.Check(t, func(rt *rapid.T) {
		id++
		every := time.Duration(rapid.Int32Range(1, 1<<31-1).Draw(rt, "seconds")) * time.Second
		b.fabric(id, every)
		began := b.now()
		share := rapid.Float64Range(0, 1.2).Draw(rt, "share")
		b.at.Store(began.Add(time.Duration(share * float64(every))).UnixMilli())
		b.run()
		elapsed, n := b.now().Sub(began), len(b.history(id))
		if n > 0 && elapsed < every || n == 0 && elapsed > every+every/10 || n > 1 {
			rt.Fatalf("%d syncs %s after the last, with an interval of %s", n, elapsed, every)
		}
		_, err := b.store.Fabric(t.Context(), id)
		b.must(err)
		b.endAll(id)
		_, err = b.store.DeleteFabric(t.Context(), id, 1, &eventv1.Event{})
		b.must(err)
		b.at.Store(began.UnixMilli())
	})
}

func TestFabricsThatBeganTogetherDriftApart(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Start(t).Conn(t))
	for id := range int32(40) {
		b.fabric(id+1, interval)
	}
	b.advance(interval)
	seen := map[int]bool{}
	for range 30 { // a tenth of the interval
		b.run()
		started := 0
		for id := range int32(40) {
			started += len(b.history(id + 1))
		}
		seen[started] = true
		b.advance(time.Second)
	}
	if len(seen) < 10 {
		t.Errorf("40 syncs came in %d groups", len(seen))
	}
}

func TestTroubleWithOneIsNoTroubleForOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Start(t).Conn(t))
	for id := range int32(3) {
		b.fabric(id+1, interval)
	}
	b.advance(longest)
	broken := errs.New(errs.RedisConnectionFailed, "Redis is away.")
	s := schedule.New(b.store, func(ctx context.Context, req *syncv1.StartSyncRequest) (state.Admission, error) {
		switch req.GetFabricId() {
		case 1:
			return state.Admission{}, broken
		case 2:
			return state.Admission{}, state.FabricMissing(2) // deleted in the meantime
		}
		return b.accept(ctx, req)
	}, b.now)
	if err := s.RunOnce(t.Context()); !errors.Is(err, broken) || errs.HasCode(err, errs.FabricNotFound) {
		t.Errorf("got %v", err)
	}
	b.expect(3, 1)
	b.run()
	b.expect(1, 1) // at the next run
}

func TestARunWithoutRedisIsMadeUpFor(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	b := newBench(t, server.Conn(t))
	b.fabric(1, interval)
	b.advance(longest)
	server.Kill(t)
	if err := b.replica().RunOnce(t.Context()); !errs.HasCode(err, errs.RedisConnectionFailed) {
		t.Errorf("without Redis: %v", err)
	}
	server.Restart(t)
	b.run()
	b.expect(1, 1)
}

// TestARegistrationThatWasCutOffComesToItsFirstSync: whoever registered the fabric died before it had started one.
func TestARegistrationThatWasCutOffComesToItsFirstSync(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		b := newBench(t, conn)
		b.fabric(35, 0)
		b.must(conn.Main.HDel(t.Context(), state.RunKey(35), "synced").Err())
		b.advance(9 * time.Second)
		b.run()
		if n := len(b.history(35)); n != 0 {
			t.Fatalf("%d syncs while the registration may still go on", n)
		}
		b.advance(time.Second)
		for range 3 {
			b.run()
			b.endAll(35)
			b.advance(time.Hour)
		}
		if all := b.history(35); len(all) != 1 || all[0].GetTrigger() != syncv1.Trigger_TRIGGER_FABRIC_CREATED {
			t.Errorf("syncs %v", all)
		}
	})
}

// TestTheModeOfAFabric: in dry_run a dry run comes with each interval, and in off nothing does.
func TestTheModeOfAFabric(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		for id, mode := range map[int32]fabricv1.Mode{1: fabricv1.Mode_MODE_DRY_RUN, 2: fabricv1.Mode_MODE_OFF} {
			b.must(b.store.CreateFabric(t.Context(), &fabricv1.Fabric{
				FabricId: id, SyncIntervalSeconds: 60, CreatedAt: timestamppb.New(b.now()),
				Options: &fabricv1.Options{Mode: mode},
			}, &eventv1.Event{}))
			b.must(b.conn.Main.HSet(t.Context(), state.RunKey(id), "synced", "1").Err())
		}
		for n := range 3 {
			b.run()
			b.run()
			b.expect(1, n)
			b.endAll(1)
			b.advance(2 * time.Minute)
		}
		b.run()
		b.expect(2, 0)
		for _, s := range b.history(1) {
			if !s.GetOptions().GetValidateOnly() || s.GetTrigger() != syncv1.Trigger_TRIGGER_SCHEDULED {
				t.Errorf("the schedule has started %v", s)
			}
		}
		fabrics, err := b.store.Fabrics(t.Context())
		b.must(err)
		seen, err := b.store.Look(t.Context(), fabrics)
		b.must(err)
		for i, starts := range []bool{true, false} {
			if at := schedule.Next(seen[i].Fabric, seen[i].Activity); at.IsZero() == starts {
				t.Errorf("the next sync of fabric %d starts at %v", i+1, at)
			}
		}
	})
}
