package bridge

import (
	"context"
	"fmt"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/secret"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/bridge/internal/grpcapi"
	"fgdsync.dev/services/bridge/internal/netboxapi"
	"fgdsync.dev/services/bridge/internal/netboxdefault"
	"fgdsync.dev/services/bridge/internal/netboxdial"
	"fgdsync.dev/services/bridge/internal/outbox"
)

// newDialer returns what connects to NetBoxes. It is closed with the process.
func newDialer(cfg Config, p *app.Process) (*netboxdial.Dialer, error) {
	dialer, err := netboxdial.New(cfg.NetBox, p.LookupEnv)
	if err != nil {
		return nil, fmt.Errorf("prepare to connect to NetBoxes: %w", err)
	}
	p.OnClose(dialer.Close)
	return dialer, nil
}

// newNetBox returns what registering a fabric has to do with NetBox, and what serves the RPCs about it.
func newNetBox(
	cfg Config, p *app.Process, dialer *netboxdial.Dialer, box *outbox.Outbox,
) (grpcapi.NetBox, *netboxapi.Server) {
	own := netboxdefault.New(fabricv1.NewResourceServiceClient(p.Peers[grpcapi.Orchestrator]))
	forget := func(ctx context.Context, fabricID int32) {
		if err := box.Forget(ctx, fabricID); err != nil {
			p.Telemetry.Log.WarnContext(ctx, "what is known of the records of a fabric can't be forgotten",
				"fabric_id", fabricID, "error", err.Error())
		}
	}
	var signs secret.String
	if len(cfg.NetboxWebhookSecret) > 0 { // of two, the first is the one that comes
		signs = cfg.NetboxWebhookSecret[0]
	}
	return grpcapi.NetBox{Default: own, Forget: forget, OpenConflicts: box.OpenConflicts}, netboxapi.New(netboxapi.Deps{
		Fabrics: fabricv1.NewFabricServiceClient(p.Peers[grpcapi.Orchestrator]), Dialer: dialer, Default: own,
		Outbox: box, WebhookSecret: signs, Now: p.Now,
	})
}
