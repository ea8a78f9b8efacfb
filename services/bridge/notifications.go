package bridge

import (
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/redisconn"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/grpcapi"
	"fgdsync.dev/services/bridge/internal/netboxdial"
	"fgdsync.dev/services/bridge/internal/notify"
	"fgdsync.dev/services/bridge/internal/outbox"
)

// newNotifications returns what tells people and programs outside what is the matter with fabrics.
func newNotifications(cfg Config, p *app.Process, redis *redisconn.Conn, box *outbox.Outbox) (*notify.Service, error) {
	transport, err := netboxdial.NewTransport(cfg.NetBox, notify.Called)
	if err != nil {
		return nil, err
	}
	p.OnClose(func() error { transport.CloseIdleConnections(); return nil })
	orchestrator := p.Peers[grpcapi.Orchestrator]
	return notify.New(notify.Config{
		File: cfg.NotificationsFile, AllowHTTP: cfg.NetBox.AllowHTTP, CredentialsDir: cfg.NetBox.CredentialsDir,
	}, notify.Deps{
		Redis: redis, Transport: transport, Fabrics: fabricv1.NewFabricServiceClient(orchestrator),
		Views: fabricv1.NewDirectoryViewServiceClient(orchestrator), Syncs: syncv1.NewSyncServiceClient(orchestrator),
		Outbox: box, LookupEnv: p.LookupEnv, Instance: p.Instance, Metrics: p.Telemetry.Metrics,
		Log: p.Telemetry.Log, Now: p.Now,
	})
}
