// Package maintenance mends the state on request, and has work handled again that was given up.
package maintenance

import (
	"context"
	"fmt"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/intake"
	"fgdsync.dev/services/orchestrator/internal/recovery"
)

// Maintenance mends the state.
type Maintenance struct {
	store      *recovery.Reader
	accept     intake.AcceptFunc
	supervisor *recovery.Supervisor
	letters    [events.Shards]*events.DeadLetters
}

// New returns the maintenance of the state in a Redis.
func New(
	conn *redisconn.Conn, store *recovery.Reader, accept intake.AcceptFunc, supervisor *recovery.Supervisor,
) *Maintenance {
	m := &Maintenance{store: store, accept: accept, supervisor: supervisor}
	for shard := range m.letters {
		m.letters[shard] = events.NewDeadLetters(conn, events.DeadLetterStream(shard))
	}
	return m
}

// Rebuild brings back what was lost, and syncs every fabric that is not suspended. It returns what it has mended, and
// the syncs.
func (m *Maintenance) Rebuild(ctx context.Context) (recovery.Report, []string, error) {
	report, err := m.supervisor.Round(ctx)
	if err != nil {
		return report, nil, err
	}
	fabrics, err := m.store.Fabrics(ctx)
	if err != nil {
		return report, nil, err
	}
	var syncs []string
	for _, f := range fabrics {
		if f.GetSuspension() != nil {
			continue
		}
		admission, err := m.accept(ctx, &syncv1.StartSyncRequest{
			FabricId: f.GetFabricId(), Options: &syncv1.SyncOptions{ForceRefresh: true},
		})
		if err != nil {
			return report, nil, fmt.Errorf("sync fabric %d: %w", f.GetFabricId(), err)
		}
		syncs = append(syncs, admission.SyncID)
	}
	return report, syncs, nil
}
