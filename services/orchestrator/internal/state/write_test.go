package state_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

// TestALateHolderIsRefused: it read the sync before it was stopped, and writes after another has taken it over.
func TestALateHolderIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		id := b.start(35, nil).SyncID
		must(t, b.move(b.get(id), 1, initializing))
		must(t, b.move(b.get(id), 2, validating))
		late := b.get(id) // even with the newest version
		err := b.Write(t.Context(), late, 1, []*syncv1.SyncEvent{{Type: "sync.progress"}},
			[]*eventv1.Event{busEvent("sync.progress")})
		if !errs.HasCode(err, errs.LockLost) || errs.KindOf(err) != errs.Conflict {
			t.Errorf("fence 1 after fence 2: %v", err)
		}
		if err := b.move(b.get(id), 1, completed); err == nil {
			t.Error("the late holder has ended the sync of another")
		}
		if got := b.bus(35); slices.Contains(got, "sync.progress") {
			t.Errorf("the late holder was heard: %v", got)
		}
		must(t, b.move(b.get(id), 2, reconciling))
	})
}

// TestFencesOnlyGrow is the law behind it: a write lands if and only if no higher number has written before.
func TestFencesOnlyGrow(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		fabric := int32(0)
		rapid.Check(t, func(rt *rapid.T) {
			fabric++
			b := newBench(t, conn)
			b.fabric(fabric)
			id := b.start(fabric, nil).SyncID
			highest := int64(0)
			for i, fence := range rapid.SliceOfN(rapid.Int64Range(0, 5), 1, 12).Draw(rt, "fences") {
				v := b.get(id)
				v.RequestedBy = fmt.Sprint(i)
				err := b.Write(t.Context(), v, fence, nil, nil)
				if landed := b.get(id).GetRequestedBy() == fmt.Sprint(i); landed != (fence >= highest) || landed != (err == nil) {
					rt.Fatalf("fence %d after %d: landed %v, %v", fence, highest, landed, err)
				}
				highest = max(highest, fence)
			}
		})
	})
}

func TestTwoReadersOfOneVersionCannotBothWrite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		id := b.start(35, nil).SyncID
		first, second := b.get(id), b.get(id)
		must(t, b.move(first, 1, initializing))
		if err := b.move(second, 1, failed, "sync.failed"); !errs.HasCode(err, errs.LockLost) {
			t.Errorf("a write over an unseen one: %v", err)
		}
		if got := b.get(id).GetState(); got != initializing {
			t.Errorf("the sync is %s", got)
		}
		must(t, b.move(first, 1, validating)) // the winner goes on with what it has
	})
}

func TestAnEndIsFinal(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		id := b.start(35, nil).SyncID
		open := b.get(id)
		b.end(id, failed)
		for _, to := range []syncv1.State{initializing, completed, cancelled} {
			if err := b.move(b.get(id), 9, to); !errs.HasCode(err, errs.IllegalTransition) {
				t.Errorf("%s after the end: %v", to, err)
			}
		}
		if err := b.move(open, 9, initializing); !errs.HasCode(err, errs.IllegalTransition) {
			t.Errorf("a writer that has not seen the end: %v", err)
		}
		must(t, b.conn.Main.Del(t.Context(), state.SyncKey(35, id)).Err())
		if err := b.move(open, 9, failed); !errs.HasCode(err, errs.SyncNotFound) {
			t.Errorf("a forgotten sync: %v", err)
		}
	})
}

// TestALostReplyWritesOnce: the write is repeated, told once, and its writer can go on.
func TestALostReplyWritesOnce(t *testing.T) {
	t.Parallel()
	lossy := redistest.Start(t).Lossy(t)
	b := newBench(t, lossy.Conn(t))
	b.fabric(35)
	id := b.start(35, nil).SyncID
	waiting := b.start(35, nil).SyncID
	v := b.get(id)
	must(t, b.move(v, 1, initializing)) // Redis has to know the script
	lossy.LoseReplyTo("sync.marked")
	must(t, b.Write(t.Context(), v, 1, []*syncv1.SyncEvent{{Type: "sync.marked"}},
		[]*eventv1.Event{busEvent("bus.marked")}))
	lossy.LoseReplyTo("sync.ended")
	must(t, b.move(v, 1, failed, "sync.ended"))
	if lossy.Lost() != 2 {
		t.Fatalf("%d replies were lost", lossy.Lost())
	}
	if got := told(b, id); !slices.Equal(got, []string{"sync.marked", "sync.ended"}) {
		t.Errorf("told %v", got)
	}
	if got := b.bus(35); !slices.Equal(got, []string{"fabric.created", "bus.marked"}) {
		t.Errorf("the bus has %v", got)
	}
	if got := b.work(35); !slices.Equal(got, []string{id, waiting}) {
		t.Errorf("workers got %v", got)
	}
}

// told lists what the sync's stream says, as Watch gives it.
func told(b *bench, syncID string) []string {
	b.t.Helper()
	var out []string
	must(b.t, b.Watch(b.ctx(), syncID, b.Get, func(batch []*syncv1.SyncEvent) error {
		for _, e := range batch {
			out = append(out, e.GetType())
		}
		return nil
	}))
	return out
}

func TestCancelMarksWhatHasNotEnded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		id := b.start(35, nil).SyncID
		v := b.get(id)
		must(t, b.move(v, 1, initializing))
		if v.GetCancelRequested() {
			t.Error("cancelled before anybody asked")
		}
		for range 2 {
			must(t, b.RequestCancel(t.Context(), id))
		}
		if !b.get(id).GetCancelRequested() {
			t.Error("a reader does not see the mark")
		}
		must(t, b.move(v, 1, validating))
		if !v.GetCancelRequested() {
			t.Error("the worker does not see the mark at its next write")
		}
		must(t, b.move(v, 1, cancelled))
		must(t, b.RequestCancel(t.Context(), id)) // harmless after the end
		for _, unknown := range []string{state.NewSyncID(b.now(), 35), "nonsense"} {
			if err := b.RequestCancel(t.Context(), unknown); !errs.HasCode(err, errs.SyncNotFound) {
				t.Errorf("%s: %v", unknown, err)
			}
		}
	})
}

func TestWatchTellsAllInOrderFromTheFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		id := b.start(35, nil).SyncID
		v := b.get(id)
		must(t, b.move(v, 1, initializing, "sync.started"))
		got := make(chan string)
		ended := make(chan error, 1)
		go func() {
			ended <- b.Watch(t.Context(), id, b.Get, func(batch []*syncv1.SyncEvent) error {
				for _, e := range batch {
					got <- e.GetType()
				}
				return nil
			})
		}()
		expect := func(want string) {
			t.Helper()
			if e := <-got; e != want {
				t.Fatalf("got %s, want %s", e, want)
			}
		}
		expect("sync.started")
		var many []*syncv1.SyncEvent // more than one batch holds
		for i := range 350 {
			many = append(many, &syncv1.SyncEvent{Type: fmt.Sprint(i)})
		}
		must(t, b.Write(t.Context(), v, 1, many, nil))
		must(t, b.move(v, 1, reconciling, "sync.progress"))
		must(t, b.move(v, 1, completed, "sync.stage_completed", "sync.completed"))
		for i := range many {
			expect(fmt.Sprint(i))
		}
		expect("sync.progress")
		expect("sync.stage_completed")
		expect("sync.completed")
		must(t, <-ended) // nothing comes after the last

		if late := told(b, id); len(late) != len(many)+4 || late[0] != "sync.started" ||
			late[len(late)-1] != "sync.completed" {
			t.Errorf("a late listener got %d events", len(late))
		}
	})
}

func TestWatchEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		id := b.start(35, nil).SyncID
		must(t, b.move(b.get(id), 1, initializing, "sync.started"))
		enough := errors.New("the listener went away")
		if err := b.Watch(t.Context(), id, b.Get, func([]*syncv1.SyncEvent) error { return enough }); !errors.Is(err,
			enough) {
			t.Errorf("with its listener: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := b.Watch(ctx, id, b.Get, func([]*syncv1.SyncEvent) error { cancel(); return nil }); !errors.Is(err,
			context.Canceled) {
			t.Errorf("with its context: %v", err)
		}
		if err := b.Watch(t.Context(), state.NewSyncID(b.now(), 35), b.Get, nil); !errs.HasCode(err, errs.SyncNotFound) {
			t.Errorf("of an unknown sync: %v", err)
		}
		must(t, b.conn.Main.HSet(t.Context(), state.SyncKey(35, id), "record", "\xff\xff").Err())
		if err := b.Watch(t.Context(), id, b.Get, nil); err == nil {
			t.Error("of a damaged record")
		}
	})
}

func TestRecordsComeBackAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		record := b.record(35, &syncv1.SyncOptions{ForceRefresh: true, ValidateOnly: true}, syncv1.Trigger_TRIGGER_WEBHOOK)
		record.RequestedBy = "someone <someone@example.com>"
		verdict, err := b.Start(t.Context(), record, "r", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		must(t, err)
		if got := b.get(verdict.SyncID); !proto.Equal(got.Sync, record) {
			t.Errorf("got %v, want %v", got.Sync, record)
		}
		entry := entries(b, events.WorkStream(events.ShardOf(35)),
			func() *eventv1.SyncRequested { return &eventv1.SyncRequested{} })[0]
		if entry.GetTraceparent() != "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" || entry.GetFabricId() != 35 {
			t.Errorf("workers got %v", entry)
		}
	})
}

func TestRedisAwayHasOneFace(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	b := newBench(t, server.Conn(t))
	f := b.fabric(35)
	id := b.start(35, nil).SyncID
	v := b.get(id)
	server.Kill(t)
	for name, call := range map[string]func() error{
		"create":    func() error { return b.CreateFabric(t.Context(), f, busEvent("x")) },
		"fabric":    func() error { _, err := b.Fabric(t.Context(), 35); return err },
		"fabrics":   func() error { _, err := b.Fabrics(t.Context()); return err },
		"delete":    func() error { _, err := b.DeleteFabric(t.Context(), 35, 1, busEvent("x")); return err },
		"number":    func() error { _, err := b.NextFabricID(t.Context()); return err },
		"last":      func() error { _, err := b.Activities(t.Context(), []int32{35}); return err },
		"start":     func() error { _, err := b.Start(t.Context(), v.Sync, "r", ""); return err },
		"get":       func() error { _, err := b.Get(t.Context(), id); return err },
		"write":     func() error { return b.move(v, 1, initializing) },
		"cancel":    func() error { return b.RequestCancel(t.Context(), id) },
		"watch":     func() error { return b.Watch(t.Context(), id, b.Get, nil) },
		"resources": func() error { _, err := b.Resources(t.Context(), 35); return err },
	} {
		if err := call(); !errs.HasCode(err, errs.RedisConnectionFailed) || errs.KindOf(err) != errs.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	server.Restart(t)
	ticker := time.NewTicker(5 * time.Millisecond) // a client that could not dial many times looks once a second
	defer ticker.Stop()
	for {
		if _, err := b.Get(t.Context(), id); !errs.HasCode(err, errs.RedisConnectionFailed) {
			break
		}
		<-ticker.C
	}
	if got := b.get(id).GetState(); got != pending {
		t.Errorf("after the crash the sync is %s", got)
	}
}

// TestAnEventThatIsTooLargeIsRefused (S29): by whoever writes it, before anything of the step is written.
func TestAnEventThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		v := b.get(b.start(35, nil).SyncID)
		v.State = initializing
		large := &eventv1.Event{EventType: "sync.started", CorrelationId: strings.Repeat("x", 1<<20)}
		if err := b.Write(t.Context(), v, 1, nil, []*eventv1.Event{large}); errs.KindOf(err) != errs.Internal {
			t.Errorf("got %v", err)
		}
		if got := b.get(v.GetSyncId()).GetState(); got != pending || slices.Contains(b.bus(35), "sync.started") {
			t.Errorf("the sync is %s, and the bus has %v", got, b.bus(35))
		}
	})
}

// TestManyLongEventsAreWritten: what is told at once may be more than one entry of a stream holds.
func TestManyLongEventsAreWritten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		id := b.start(35, nil).SyncID
		told := make([]*syncv1.SyncEvent, 150)
		for i := range told {
			told[i] = &syncv1.SyncEvent{Type: fmt.Sprint(i), CurrentFile: strings.Repeat("folder/", 4000)}
		}
		v := b.get(id)
		v.State = initializing
		must(t, b.Write(t.Context(), v, 1, told, nil))
		var got []*syncv1.SyncEvent
		for _, part := range entries(b, state.SyncEventsKey(35, id),
			func() *syncv1.WatchSyncResponse { return &syncv1.WatchSyncResponse{} }) {
			got = append(got, part.GetEvents()...)
		}
		if !slices.EqualFunc(got, told, func(a, b *syncv1.SyncEvent) bool { return proto.Equal(a, b) }) {
			t.Errorf("%d events were written, and not the %d that were told", len(got), len(told))
		}
	})
}
