// Package eventlog makes the envelopes of events. It is the one place that knows who is behind an event and what it
// belongs to; the store appends the events in the step that they tell of.
package eventlog

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// System is who asks when nobody is named.
const System = "fgd-sync"

const (
	source         = "orchestrator"
	payloadVersion = 1
)

// Requester returns the name of who asks.
func Requester(ctx context.Context) string { return cmp.Or(rpc.CallOf(ctx).Principal, System) }

// Log makes events of the orchestrator.
type Log struct{ now func() time.Time }

// New returns a log whose events have the time of a clock.
func New(now func() time.Time) *Log { return &Log{now} }

// Fabric returns the event of a change of the register, on behalf of who asks for it. It belongs to the request.
func (l *Log) Fabric(ctx context.Context, eventType string, f *fabricv1.Fabric) (*eventv1.Event, error) {
	payload := &eventv1.FabricChanged{FabricId: f.GetFabricId(), Name: f.GetName()}
	event, err := l.event(ctx, eventType, f.GetFabricId(), payload)
	if err != nil {
		return nil, err
	}
	event.CorrelationId = cmp.Or(rpc.CallOf(ctx).CorrelationID, event.GetEventId())
	event.Metadata.User = Requester(ctx)
	return event, nil
}

// Sync returns an event of a sync, on behalf of a user.
func (l *Log) Sync(
	ctx context.Context, eventType, user string, s *syncv1.Sync, payload proto.Message,
) (*eventv1.Event, error) {
	event, err := l.event(ctx, eventType, s.GetFabricId(), payload)
	if err != nil {
		return nil, err
	}
	event.CorrelationId, event.Metadata.User = s.GetSyncId(), user
	return event, nil
}

func (l *Log) event(
	ctx context.Context, eventType string, fabricID int32, payload proto.Message,
) (*eventv1.Event, error) {
	packed, err := anypb.New(payload)
	if err != nil {
		return nil, fmt.Errorf("encode the payload of %s: %w", eventType, err)
	}
	return &eventv1.Event{
		EventId: uuid.NewString(), EventType: eventType, Timestamp: timestamppb.New(l.now()), FabricId: fabricID,
		Payload: packed,
		Metadata: &eventv1.Metadata{
			Source: source, Version: payloadVersion, Traceparent: telemetry.Traceparent(ctx),
		},
	}, nil
}
