package hearing

import (
	"context"
	"log/slog"

	"fgdsync.dev/libs/redisconn"
)

// bellChannel is where in Redis those who hear are woken.
const bellChannel = "fgd:bridge:netbox:bell"

// Bell wakes all who hear, in whichever bridge and of whichever NetBox: a webhook comes to any bridge, and does not say
// which NetBox it comes from.
type Bell struct {
	redis *redisconn.Conn
	log   *slog.Logger
	rung  chan struct{}
}

// NewBell returns a bell. It rings while Run runs.
func NewBell(conn *redisconn.Conn, log *slog.Logger) *Bell {
	return &Bell{redis: conn, log: log, rung: make(chan struct{}, 1)}
}

// Ring has them woken, without waiting for it. Several rings at a time are one.
func (b *Bell) Ring() {
	select {
	case b.rung <- struct{}{}:
	default:
	}
}

// Run passes rings on until ctx ends. One that does not get through is not repeated: it is a hint.
func (b *Bell) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.rung:
		}
		if err := b.redis.Main.Publish(ctx, bellChannel, "").Err(); err != nil && ctx.Err() == nil {
			b.log.WarnContext(ctx, "a webhook of NetBox wakes nobody", "error", redisconn.Error(err).Error())
		}
	}
}

// listen has it woken by the bell until ctx ends. While it was not connected the bell may have rung, so that being
// connected wakes it too.
func (h *Hearing) listen(ctx context.Context) {
	bell := h.deps.Redis.Watching.Subscribe(ctx, bellChannel)
	defer func() { _ = bell.Close() }()
	rings := bell.ChannelWithSubscriptions()
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-rings:
			if !open {
				return
			}
			h.Wake()
		}
	}
}
