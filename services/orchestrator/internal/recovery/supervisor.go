package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// Supervisor looks after what should be there and what should go on: the state, and the active syncs.
type Supervisor struct {
	recovery *Recovery
	cfg      SupervisorConfig
	log      *slog.Logger

	mu   sync.Mutex // one round at a time
	seen map[attempt]time.Time
}

// SupervisorConfig says when a sync needs help.
type SupervisorConfig struct {
	// Expire ends a sync that is past its deadline.
	Expire func(context.Context, *eventv1.SyncRequested) error
	// Grace is how long after its deadline a sync is expired, and Takeover how long it takes until a sync is taken up
	// again whose orchestrator died: nobody is called late who was only just taken for dead.
	Grace, Takeover time.Duration
}

// attempt is a sync since a worker took it up.
type attempt struct {
	syncID   string
	deadline int64
}

// NewSupervisor returns a supervisor.
func NewSupervisor(r *Recovery, cfg SupervisorConfig) *Supervisor {
	return &Supervisor{recovery: r, cfg: cfg, log: r.deps.Log, seen: map[attempt]time.Time{}}
}

// Report counts what a round has mended.
type Report struct {
	FabricsRecovered, SyncsRecovered int // came back from the ledger
	SyncsRevived, SyncsExpired       int
}

// RunOnce does one round.
func (s *Supervisor) RunOnce(ctx context.Context) error {
	_, err := s.Round(ctx)
	return err
}

// Round brings back what Redis has lost, gives active syncs to the workers again whose work entry is lost, and ends
// those that are long past their deadline.
func (s *Supervisor) Round(ctx context.Context) (Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.recovery.compare(ctx)
	report := Report{FabricsRecovered: c.fabricsRecovered, SyncsRecovered: c.syncsRecovered}
	if err == nil {
		err = s.active(ctx, c.fabrics, &report)
	}
	return report, err
}

// active looks after the active syncs: each is in the hands of the workers, and none is long past its deadline.
func (s *Supervisor) active(ctx context.Context, fabrics []int32, report *Report) error {
	syncs, err := s.recovery.deps.Store.Active(ctx, fabrics)
	if err != nil {
		return err
	}
	seen, now := make(map[attempt]time.Time, len(syncs)), s.recovery.deps.Now()
	for _, record := range syncs {
		this := attempt{record.GetSyncId(), record.GetDeadline().AsTime().UnixNano()}
		seen[this] = now
		if first, before := s.seen[this]; before {
			seen[this] = first
		}
		err = errors.Join(err, s.lookAfter(ctx, record.Sync, now.Sub(seen[this]), report))
	}
	s.seen = seen
	return err
}

func (s *Supervisor) lookAfter(
	ctx context.Context, record *syncv1.Sync, watched time.Duration, report *Report,
) error {
	revived, err := s.recovery.deps.Store.Revive(ctx, record.GetFabricId(), record.GetSyncId())
	if err != nil {
		return err
	}
	if revived != state.RevivedNot {
		s.log.WarnContext(ctx, "sync revived", "sync_id", record.GetSyncId(), "fabric_id", record.GetFabricId(),
			"how", string(revived))
		report.SyncsRevived++
		return nil
	}
	overdue := record.GetDeadline() != nil &&
		!s.recovery.deps.Now().Before(record.GetDeadline().AsTime().Add(s.cfg.Grace))
	if !overdue || watched < s.cfg.Takeover {
		return nil
	}
	err = s.cfg.Expire(ctx, &eventv1.SyncRequested{SyncId: record.GetSyncId(), FabricId: record.GetFabricId()})
	if err != nil {
		return fmt.Errorf("expire sync %s: %w", record.GetSyncId(), err)
	}
	report.SyncsExpired++
	return nil
}
