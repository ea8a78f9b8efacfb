// Package eventlog emits the events of the bridge: that a conflict was opened, and that it was settled. An event
// carries nothing of what files and records say. One that is emitted again, by who does not know whether it was, has
// the same id.
package eventlog

import (
	"cmp"
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

const (
	source         = "bridge"
	payloadVersion = 1
	// system is who did it when nobody is named.
	system = "fgd-sync"
	// mostPaths is how many paths of a conflict an event names.
	mostPaths = 100
)

// Log emits events.
type Log struct{ redis *redisconn.Conn }

// New returns a log in a Redis.
func New(conn *redisconn.Conn) *Log { return &Log{conn} }

// Opened emits that the conflict of a receipt was opened. The receipt is stored before.
func (l *Log) Opened(ctx context.Context, fabricID int32, r *netboxv1.Receipt) error {
	return l.emit(ctx, "conflict.opened", fabricID, r, r.GetConflict().GetOpenedAt(), system)
}

// Resolved emits that the conflict of a receipt was settled, by somebody or because both sides came to say the same.
// The receipt is stored before.
func (l *Log) Resolved(ctx context.Context, fabricID int32, r *netboxv1.Receipt) error {
	c := r.GetConflict()
	return l.emit(ctx, "conflict.resolved", fabricID, r, c.GetResolvedAt(), cmp.Or(c.GetResolvedBy(), system))
}

func (l *Log) emit(
	ctx context.Context, eventType string, fabricID int32, r *netboxv1.Receipt, at *timestamppb.Timestamp, user string,
) error {
	payload, err := anypb.New(changed(r))
	if err != nil {
		return fmt.Errorf("encode the payload of %s: %w", eventType, err)
	}
	c := r.GetConflict()
	name := fmt.Sprintf("fgd:%s:%d:%s", eventType, fabricID, c.GetConflictId())
	event := &eventv1.Event{
		EventId: uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String(), EventType: eventType, Timestamp: at,
		FabricId: fabricID, Payload: payload,
		Metadata: &eventv1.Metadata{
			User: user, Source: source, Version: payloadVersion, Traceparent: telemetry.Traceparent(ctx),
		},
	}
	event.CorrelationId = cmp.Or(c.GetSyncId(), rpc.CallOf(ctx).CorrelationID, event.GetEventId())
	raw, err := proto.Marshal(event)
	if err != nil {
		return fmt.Errorf("encode %s: %w", eventType, err)
	}
	_, err = redisconn.Repeat(ctx, func() (string, error) {
		return l.redis.Main.XAdd(ctx, &redis.XAddArgs{
			Stream: events.BusStream(events.ShardOf(fabricID)), Values: []any{events.Field, raw},
		}).Result()
	})
	if err != nil {
		return fmt.Errorf("emit %s of fabric %d: %w", eventType, fabricID, err)
	}
	_ = l.redis.Main.Publish(ctx, events.Bell, fabricID) // a hint: the event is there
	return nil
}

func changed(r *netboxv1.Receipt) *eventv1.ConflictChanged {
	c := r.GetConflict()
	out := &eventv1.ConflictChanged{
		ConflictId: c.GetConflictId(), Kind: r.GetKind(), Namespace: r.GetNamespace(), Name: r.GetName(),
		Path: r.GetWanted().GetPath(), GitUser: c.GetGitChangedBy().GetName(),
		NetboxUser: c.GetNetboxChangedBy().GetUser(), ResolvedBy: c.GetResolvedBy(), SyncId: c.GetSyncId(),
	}
	for _, p := range c.GetPaths()[:min(len(c.GetPaths()), mostPaths)] {
		out.Paths = append(out.Paths, p.GetPath())
	}
	return out
}
