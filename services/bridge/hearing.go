package bridge

import (
	"context"
	"net/netip"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/webhook"
)

// hears is what those who hear about NetBox have in common.
type hears struct {
	receiver *hearing.Receiver
	bell     *hearing.Bell
	metrics  *hearing.Metrics
	redis    *redisconn.Conn
}

// newHears returns what takes webhooks of NetBox, and wakes those who hear.
func newHears(cfg Config, p *app.Process, recorder webhook.Recorder) (hears, error) {
	metrics, err := hearing.NewMetrics(p.Telemetry.Metrics)
	if err != nil {
		return hears{}, err
	}
	conn, err := redisconn.Open(cfg.RedisURL)
	if err != nil {
		return hears{}, err
	}
	p.OnClose(conn.Close)
	if err := conn.Trace(p.Telemetry.Tracers); err != nil {
		return hears{}, err
	}
	bell := hearing.NewBell(conn, p.Telemetry.Log)
	denied := func(ctx context.Context, from netip.Addr, refusal error) {
		recorder.Denied(ctx, webhook.Event{Host: "netbox", From: from}, refusal)
	}
	receiver, err := hearing.NewReceiver(cfg.NetboxWebhookSecret, bell.Ring, denied, p.Now, p.Telemetry.Log, metrics)
	return hears{receiver, bell, metrics, conn}, err
}
