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
	"fgdsync.dev/services/orchestrator/internal/state"
)

// Maintenance mends the state.
type Maintenance struct {
	store      *recovery.Reader
	accept     intake.AcceptFunc
	supervisor *recovery.Supervisor
	letters    []*events.DeadLetters // of the streams of dead letters, by their numbers
}

// New returns the maintenance of the state in a Redis.
func New(
	conn *redisconn.Conn, store *recovery.Reader, accept intake.AcceptFunc, supervisor *recovery.Supervisor,
) *Maintenance {
	m := &Maintenance{store: store, accept: accept, supervisor: supervisor}
	for _, key := range events.DeadLetterStreams() {
		m.letters = append(m.letters, events.NewDeadLetters(conn, key))
	}
	return m
}

// Rebuild brings back what was lost, and syncs every fabric that is neither suspended nor off. It returns what it has
// mended, and the syncs.
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
		options, held := state.ByItself(f, &syncv1.SyncOptions{ForceRefresh: true})
		if f.GetSuspension() != nil || held != nil {
			continue
		}
		admission, err := m.accept(ctx, &syncv1.StartSyncRequest{FabricId: f.GetFabricId(), Options: options})
		if err != nil {
			return report, nil, fmt.Errorf("sync fabric %d: %w", f.GetFabricId(), err)
		}
		syncs = append(syncs, admission.SyncID)
	}
	return report, syncs, nil
}
