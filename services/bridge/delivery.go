package bridge

import (
	"fgdsync.dev/libs/app"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
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
	box := outbox.New(outbox.Deps{
		Store: store, Resources: fabricv1.NewResourceServiceClient(p.Peers[grpcapi.Orchestrator]),
		Connect: connect, Metrics: metrics, Log: p.Telemetry.Log, Now: p.Now,
		Lease: cfg.LockLease, Heard: h.metrics,
	})
	return box, p.Telemetry.Metrics.Register(box)
}
