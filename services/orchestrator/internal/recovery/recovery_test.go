package recovery_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/redisconn"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/ledger"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

const (
	grace    = 45 * time.Second
	takeover = 90 * time.Second
)

// bench is a supervisor over a Redis and a ledger, with a clock that stands still until it is told otherwise.
type bench struct {
	*recovery.Supervisor
	t       *testing.T
	store   *state.Store
	ledger  *ledger.Ledger
	now     time.Time
	expired []string
}

func newBench(t *testing.T, conn *redisconn.Conn) *bench {
	t.Helper()
	kept, err := ledger.Open(filepath.Join(t.TempDir(), "ledger.db"))
	must(t, err)
	t.Cleanup(func() { must(t, kept.Close()) })
	b := &bench{t: t, ledger: kept, now: time.Now()}
	clock := func() time.Time { return b.now }
	b.store = state.New(conn, state.Limits{Retention: 30 * 24 * time.Hour, Active: 1 << 20}, clock)
	recoverer := recovery.New(recovery.Deps{
		Store: b.store, Ledger: kept, Retention: 30 * 24 * time.Hour, Log: slog.New(slog.DiscardHandler), Now: clock,
	})
	b.Supervisor = recovery.NewSupervisor(recoverer, recovery.SupervisorConfig{
		Grace: grace, Takeover: takeover,
		Expire: func(_ context.Context, r *eventv1.SyncRequested) error {
			b.expired = append(b.expired, r.GetSyncId())
			return nil
		},
	})
	must(t, b.store.CreateFabric(t.Context(), &fabricv1.Fabric{FabricId: 35, Generation: 1}, &eventv1.Event{}))
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) accept() *syncv1.Sync {
	b.t.Helper()
	record := &syncv1.Sync{
		SyncId: state.NewSyncID(b.now, 35), FabricId: 35, State: syncv1.State_STATE_PENDING,
		AcceptedAt: timestamppb.New(b.now),
	}
	_, err := b.store.Start(b.t.Context(), record, record.GetSyncId(), "")
	must(b.t, err)
	must(b.t, b.ledger.Accept(record))
	return record
}

// begin is what a worker does when it takes a sync up.
func (b *bench) begin(syncID string, deadline time.Duration) {
	b.t.Helper()
	v, err := b.store.Get(b.t.Context(), syncID)
	must(b.t, err)
	v.State, v.Deadline = syncv1.State_STATE_INITIALIZING, timestamppb.New(b.now.Add(deadline))
	must(b.t, b.store.Write(b.t.Context(), v, 1, nil, nil))
}

func (b *bench) round() recovery.Report {
	b.t.Helper()
	report, err := b.Round(b.t.Context())
	must(b.t, err)
	return report
}

// TestASyncThatHangsIsExpired (W7): within a minute after its deadline, and not while it may still end by itself.
func TestASyncThatHangsIsExpired(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		b := newBench(t, conn)
		record := b.accept()
		b.begin(record.GetSyncId(), 5*time.Minute)
		deadline := b.now.Add(5 * time.Minute)
		for b.now.Before(deadline.Add(time.Minute)) {
			report := b.round()
			if due := !b.now.Before(deadline.Add(grace)); due != (report.SyncsExpired == 1) {
				t.Fatalf("%s after the deadline: %+v", b.now.Sub(deadline), report)
			}
			b.now = b.now.Add(5 * time.Second)
		}
		if !slices.Contains(b.expired, record.GetSyncId()) {
			t.Errorf("expired %v", b.expired)
		}
	})
}

// TestASyncWhoseOrchestratorWasAwayIsNotExpired: everything was down past its deadline; another one has the time to
// take it up.
func TestASyncWhoseOrchestratorWasAwayIsNotExpired(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		b := newBench(t, conn)
		record := b.accept()
		b.begin(record.GetSyncId(), 5*time.Minute)
		b.now = b.now.Add(time.Hour)
		began := b.now
		for b.now.Sub(began) < takeover {
			if report := b.round(); report.SyncsExpired != 0 {
				t.Fatalf("%s after the start: %+v", b.now.Sub(began), report)
			}
			b.now = b.now.Add(5 * time.Second)
		}
		b.begin(record.GetSyncId(), 5*time.Minute) // taken up
		if report := b.round(); report.SyncsExpired != 0 {
			t.Errorf("taken up, and then %+v", report)
		}
	})
}

// TestTheLedgerForgetsWhatHasEnded: also what another orchestrator has ended, what was deleted with its fabric, and
// what is older than anything that is remembered.
func TestTheLedgerForgetsWhatHasEnded(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		b := newBench(t, conn)
		record := b.accept()
		b.round()
		b.kept(1)
		b.begin(record.GetSyncId(), time.Minute)
		v, err := b.store.Get(t.Context(), record.GetSyncId())
		must(t, err)
		v.State = syncv1.State_STATE_FAILED
		must(t, b.store.Write(t.Context(), v, 1, nil, nil))
		b.round()
		b.kept(0)

		must(t, b.ledger.Accept(&syncv1.Sync{
			SyncId: state.NewSyncID(b.now, 36), FabricId: 36,
			AcceptedAt: timestamppb.New(b.now),
		}))
		b.round()
		b.kept(1) // its fabric may come back from another ledger
		must(t, b.store.CreateFabric(t.Context(), &fabricv1.Fabric{FabricId: 36, Generation: 1}, &eventv1.Event{}))
		_, err = b.store.DeleteFabric(t.Context(), 36, 2, nil)
		must(t, err)
		b.round()
		b.kept(0)

		must(t, b.ledger.Accept(&syncv1.Sync{
			SyncId: state.NewSyncID(b.now, 35), FabricId: 35,
			AcceptedAt: timestamppb.New(b.now.Add(-31 * 24 * time.Hour)),
		}))
		b.round()
		b.kept(0)
	})
}

// kept waits for what does not wait.
func (b *bench) kept(want int) {
	b.t.Helper()
	must(b.t, b.ledger.Accept(&syncv1.Sync{SyncId: "last"}))
	syncs, err := b.ledger.Accepted()
	must(b.t, err)
	if len(syncs) != want+1 {
		b.t.Errorf("the ledger keeps %v", syncs)
	}
	b.ledger.Settle("last")
	must(b.t, b.ledger.PutFabric(&fabricv1.Fabric{FabricId: 99, Generation: 1}))
}
