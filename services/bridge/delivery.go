package bridge

import (
	"context"

	"fgdsync.dev/libs/app"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/eventlog"
	"fgdsync.dev/services/bridge/internal/follow"
	"fgdsync.dev/services/bridge/internal/grpcapi"
	"fgdsync.dev/services/bridge/internal/outbox"
)

// newOutbox returns what has NetBox show what Git says. It opens its ledger and asks Redis only when a fabric is linked
// to a NetBox.
func newOutbox(cfg Config, p *app.Process, connect outbox.ConnectFunc, h hears) (*outbox.Outbox, error) {
	store := outbox.NewStore(h.redis, cfg.OutboxFile)
	p.OnClose(store.Close)
	metrics, err := outbox.NewMetrics(p.Telemetry.Metrics)
	if err != nil {
		return nil, err
	}
	syncs := syncv1.NewSyncServiceClient(p.Peers[grpcapi.Orchestrator])
	edit := func(
		ctx context.Context, fabricID int32, requestID string, set *editv1.EditSet,
	) (*syncv1.Sync, error) {
		return follow.Edits(ctx, syncs, fabricID, requestID, set)
	}
	dry := func(ctx context.Context, fabricID int32, set *editv1.EditSet) (string, error) {
		_, diff, err := follow.DryEdits(ctx, syncs, fabricID, set)
		return diff, err
	}
	box := outbox.New(outbox.Deps{
		Edit: edit, DryEdit: dry, Events: eventlog.New(h.redis), Store: store,
		Resources: fabricv1.NewResourceServiceClient(p.Peers[grpcapi.Orchestrator]),
		Connect:   connect, Metrics: metrics, Log: p.Telemetry.Log, Now: p.Now,
		Lease: cfg.LockLease, Heard: h.metrics,
	})
	return box, p.Telemetry.Metrics.Register(box)
}
