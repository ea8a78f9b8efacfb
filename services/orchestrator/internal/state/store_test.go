package state_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

const retention = 30 * 24 * time.Hour

// bench is a store with a clock that stands still until it is told otherwise.
type bench struct {
	*state.Store
	conn *redisconn.Conn
	t    *testing.T
	at   atomic.Int64
}

func (b *bench) now() time.Time              { return time.UnixMilli(b.at.Load()) }
func (b *bench) advance(d time.Duration)     { b.at.Add(d.Milliseconds()) }
func (b *bench) ctx() context.Context        { return b.t.Context() }
func ok[T any](t *testing.T, v T, e error) T { t.Helper(); must(t, e); return v }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// each runs a test on every Redis there is.
func each(t *testing.T, test func(t *testing.T, b *bench)) {
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) { t.Parallel(); test(t, newBench(t, conn)) })
}

// newBench returns a bench, of which the store can be weakened.
func newBench(t *testing.T, conn *redisconn.Conn, weaken ...func(*state.Store)) *bench {
	b := &bench{conn: conn, t: t}
	// The current time: the bus is trimmed by it, and entries get their ids from Redis' own clock.
	b.at.Store(time.Now().UnixMilli())
	b.Store = state.New(conn, state.Limits{Retention: retention, Active: 1 << 20}, b.now)
	for _, w := range weaken {
		w(b.Store)
	}
	return b
}

func busEvent(eventType string) *eventv1.Event {
	return &eventv1.Event{EventId: uuid.NewString(), EventType: eventType}
}

func (b *bench) fabric(id int32) *fabricv1.Fabric {
	b.t.Helper()
	f := &fabricv1.Fabric{
		FabricId: id, Name: "fabric", CreatedAt: timestamppb.New(b.now()),
		UpdatedAt: timestamppb.New(b.now()),
	}
	must(b.t, b.CreateFabric(b.ctx(), f, busEvent("fabric.created")))
	return f
}

func (b *bench) record(fabric int32, options *syncv1.SyncOptions, trigger syncv1.Trigger) *syncv1.Sync {
	if options == nil {
		options = &syncv1.SyncOptions{}
	}
	return &syncv1.Sync{
		SyncId: state.NewSyncID(b.now(), fabric), FabricId: fabric, State: syncv1.State_STATE_PENDING, Trigger: trigger,
		Options: options, Progress: &syncv1.Progress{}, AcceptedAt: timestamppb.New(b.now()),
	}
}

func (b *bench) start(fabric int32, options *syncv1.SyncOptions) state.Admission {
	b.t.Helper()
	verdict, err := b.Start(b.ctx(), b.record(fabric, options, syncv1.Trigger_TRIGGER_MANUAL), uuid.NewString(), "")
	return ok(b.t, verdict, err)
}

// editSet is what edits ask for here.
func editSet() *editv1.EditSet {
	return &editv1.EditSet{Edits: []*editv1.Edit{{
		Resource: &reportv1.ResourceKey{Kind: "VPC", Namespace: "default", Name: "a"},
		Change:   &editv1.Edit_Delete{Delete: true},
	}}}
}

func (b *bench) startEdit(fabric int32, options *syncv1.SyncOptions) state.Admission {
	b.t.Helper()
	record := b.record(fabric, options, syncv1.Trigger_TRIGGER_MANUAL)
	record.EditSet = editSet()
	verdict, err := b.Start(b.ctx(), record, uuid.NewString(), "")
	return ok(b.t, verdict, err)
}

func (b *bench) get(syncID string) *state.Record {
	b.t.Helper()
	v, err := b.Get(b.ctx(), syncID)
	return ok(b.t, v, err)
}

// move writes a sync in a new state, and what it has to tell.
func (b *bench) move(v *state.Record, fence int64, to syncv1.State, told ...string) error {
	v.State = to
	var list []*syncv1.SyncEvent
	for _, eventType := range told {
		list = append(list, &syncv1.SyncEvent{Type: eventType, SyncId: v.GetSyncId()})
	}
	return b.Write(b.ctx(), v, fence, list, nil)
}

// end brings a sync to an end.
func (b *bench) end(syncID string, to syncv1.State) {
	b.t.Helper()
	v := b.get(syncID)
	if to == syncv1.State_STATE_COMPLETED && v.GetState() != syncv1.State_STATE_RECONCILING {
		if v.GetState() != syncv1.State_STATE_INITIALIZING {
			must(b.t, b.move(v, 1, syncv1.State_STATE_INITIALIZING))
		}
		must(b.t, b.move(v, 1, syncv1.State_STATE_RECONCILING))
	}
	must(b.t, b.move(v, 1, to, "sync.end"))
}

// entries reads all messages of a stream.
func entries[M proto.Message](b *bench, key string, empty func() M) []M {
	b.t.Helper()
	raw, err := b.conn.Main.XRange(b.ctx(), key, "-", "+").Result()
	must(b.t, err)
	out := make([]M, len(raw))
	for i, message := range raw {
		out[i] = empty()
		must(b.t, proto.Unmarshal([]byte(message.Values[events.Field].(string)), out[i]))
	}
	return out
}

// work lists the syncs that were given to workers, in order.
func (b *bench) work(fabric int32) []string {
	b.t.Helper()
	var out []string
	for _, entry := range entries(b, events.WorkStream(events.ShardOf(fabric)),
		func() *eventv1.SyncRequested { return &eventv1.SyncRequested{} }) {
		if entry.GetFabricId() == fabric {
			out = append(out, entry.GetSyncId())
		}
	}
	return out
}

// bus lists the types of the events that were published.
func (b *bench) bus(fabric int32) []string {
	b.t.Helper()
	var out []string
	for _, event := range entries(b, events.BusStream(events.ShardOf(fabric)),
		func() *eventv1.Event { return &eventv1.Event{} }) {
		out = append(out, event.GetEventType())
	}
	return out
}
