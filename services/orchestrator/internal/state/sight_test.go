package state_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// roundTrips counts how often Redis is asked for a key.
type roundTrips struct{ count atomic.Int32 }

func (r *roundTrips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (r *roundTrips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		r.asked(cmd)
		return next(ctx, cmd)
	}
}

func (r *roundTrips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		r.asked(cmds[0])
		return next(ctx, cmds)
	}
}

// asked counts what is no part of connecting.
func (r *roundTrips) asked(cmd redis.Cmder) {
	if len(cmd.Args()) < 2 {
		return
	}
	if key, _ := cmd.Args()[1].(string); strings.HasPrefix(key, "fgd:") {
		r.count.Add(1)
	}
}

// TestALookIsOneRoundTrip, at however many fabrics, and says the same as reading each thing by itself. One that is not
// registered is left out.
func TestALookIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		f := b.fabric(35)
		b.fabric(36)
		active := b.start(36, nil).SyncID
		must(t, b.SetPullRequest(t.Context(), 36, &gitv1.PullRequest{Url: "https://git.example/pull/1"}))
		trips := &roundTrips{}
		b.conn.Main.AddHook(trips)
		seen, err := b.Sights(t.Context(), []int32{35, 36, 37})
		must(t, err)
		if got := trips.count.Load(); got != 1 || len(seen) != 2 {
			t.Fatalf("%d round trips for %d fabrics", got, len(seen))
		}
		if !proto.Equal(seen[0].Fabric, f) || seen[0].Activity != (state.Activity{}) {
			t.Errorf("one of which nothing is known: %v", seen[0])
		}
		again, err := b.Look(t.Context(), []*fabricv1.Fabric{seen[0].Fabric, seen[1].Fabric})
		must(t, err)
		if fmt.Sprint(again) != fmt.Sprint(seen) {
			t.Errorf("%v and %v", again, seen)
		}
		busy, err := b.Activities(t.Context(), []int32{36})
		must(t, err)
		if seen[1].Standing.Active != active || seen[1].Activity != busy[0] || !busy[0].Busy ||
			seen[1].PullRequest.GetUrl() == "" {
			t.Errorf("one that is synced: %v", seen[1])
		}
		if _, err := b.Sight(t.Context(), 37); !errs.HasCode(err, errs.FabricNotFound) {
			t.Errorf("one that is not there: %v", err)
		}
	})
}

// TestTheBellRings when a fabric is registered, changed and deleted, and when its syncs have events, and for a change
// that is written twice once.
func TestTheBellRings(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		bell := b.conn.Watching.Subscribe(t.Context(), events.Bell)
		defer func() { _ = bell.Close() }()
		if _, err := bell.Receive(t.Context()); err != nil { // that it is connected
			t.Fatal(err)
		}
		rings := func(after string) {
			t.Helper()
			message, err := bell.ReceiveMessage(t.Context())
			if err != nil || message.Payload != "35" {
				t.Fatalf("after %s: %v, %v", after, message, err)
			}
		}
		f := b.fabric(35)
		rings("a registration")
		must(t, b.CreateFabric(t.Context(), f, busEvent("fabric.created")))
		f.Name = "another"
		must(t, b.UpdateFabric(t.Context(), f, busEvent("fabric.updated")))
		rings("an update")
		record := b.get(b.start(35, nil).SyncID)
		record.State = syncv1.State_STATE_CANCELLED
		must(t, b.Write(t.Context(), record, 1, nil, []*eventv1.Event{busEvent("sync.cancelled")}))
		rings("the end of a sync")
		_, err := b.DeleteFabric(t.Context(), 35, 1, busEvent("fabric.deleted"))
		must(t, err)
		rings("a deletion")
	})
}
