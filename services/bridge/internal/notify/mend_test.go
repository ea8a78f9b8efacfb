package notify_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/events"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/outbox"
	"fgdsync.dev/testkit/redistest"
)

// TestEventsOutOfOrder tell what is so now: neither a failure that is over opens its cause, nor does an end close one
// that has begun since; whatever their times are.
func TestEventsOutOfOrder(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	add := func(id string, state syncv1.State) {
		w.orchestrator.add(&syncv1.Sync{SyncId: id, FabricId: fabric, State: state})
	}
	add("s1", syncv1.State_STATE_FAILED)
	add("s2", syncv1.State_STATE_COMPLETED)
	w.bridge(conn, "a")
	w.ended("sync.completed", fabric, "s2")
	w.ended("sync.failed", fabric, "s1")
	w.emit(fabric, "file.quarantined", "s1", &eventv1.DocumentsProcessed{
		Documents: []*ingestionv1.DocumentResult{{File: "raw/a.yaml"}},
	})
	w.settled(fabric, "ops")
	r.none(t)
	add("s3", syncv1.State_STATE_COMPLETED)
	add("s4", syncv1.State_STATE_FAILED)
	w.ended("sync.failed", fabric, "s4")
	w.ended("sync.completed", fabric, "s3")
	r.expect(t, "fabric.sync_failed")
	w.settled(fabric, "ops")
	r.none(t)
	w.clock = w.clock.Add(-30 * time.Second) // of another machine
	w.completed(fabric, "s5", nil)
	r.expect(t, "fabric.recovered")
}

// TestAnEditThatFailsIsNoFailureOfItsFabric, also where it failed before anything became of its edits.
func TestAnEditThatFailsIsNoFailureOfItsFabric(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	w.bridge(conn, "a")
	w.orchestrator.add(&syncv1.Sync{SyncId: "e1", FabricId: fabric, State: syncv1.State_STATE_FAILED, Edits: true})
	w.ended("sync.failed", fabric, "e1")
	w.settled(fabric, "ops")
	r.none(t)
}

// TestADeletedFabricIsForgotten: another one with its number begins anew, and what comes late is not about it.
func TestADeletedFabricIsForgotten(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	w.bridge(conn, "a")
	w.failed(fabric, "s1", "FGD_4001")
	r.expect(t, "fabric.sync_failed FGD_4001")
	w.settled(fabric, "ops")
	w.orchestrator.set(func() { w.orchestrator.created[fabric] = nil })
	w.emit(fabric, "fabric.deleted", "x", &eventv1.FabricChanged{FabricId: fabric})
	w.ended("sync.failed", fabric, "s1")
	w.settled(fabric, "ops")
	if n := conn.Main.HLen(t.Context(), events.NotificationStates()).Val(); n != 0 {
		t.Errorf("%d fabrics are known", n)
	}
	w.orchestrator.set(func() {
		w.orchestrator.created[fabric] = timestamppb.New(time.Unix(1, 0))
		w.orchestrator.order = nil
	})
	w.ended("sync.failed", fabric, "s1") // of the one before
	w.settled(fabric, "ops")
	r.none(t)
	w.failed(fabric, "s2", "FGD_4001")
	r.expect(t, "fabric.sync_failed FGD_4001")
	w.settled(fabric, "ops")
	w.orchestrator.set(func() { w.orchestrator.created[fabric] = timestamppb.New(time.Unix(2, 0)) }) // nobody has told
	w.failed(fabric, "s3", "FGD_4001")
	r.expect(t, "fabric.sync_failed FGD_4001")
}

// TestWhatEndsWithoutAnEvent is seen: conflicts of a fabric that is linked elsewhere now, deliveries of one that is
// linked no more, and those that another bridge has told of.
func TestWhatEndsWithoutAnEvent(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	w.outbox.conflicts = 1
	w.outbox.all = []outbox.Trouble{{FabricID: fabric, Problem: "It is away.", Reasons: []string{"away"}}}
	stop := w.bridge(conn, "a")
	w.emit(fabric, "conflict.opened", "c1", &eventv1.ConflictChanged{ConflictId: "c1"})
	r.expect(t, "fabric.conflict")
	w.ahead.Store(int64(time.Hour))
	r.expect(t, "fabric.undeliverable away")
	w.outbox.set(func() {
		w.outbox.all[0] = outbox.Trouble{FabricID: fabric, Undeliverable: 1, Reasons: []string{"refused"}}
	})
	r.expect(t, "fabric.undeliverable refused")
	stop()
	w.outbox.set(func() { w.outbox.conflicts, w.outbox.all = 0, nil })
	w.orchestrator.set(func() { w.orchestrator.linked = false })
	w.bridge(conn, "b")
	for range 2 {
		r.expect(t, "fabric.recovered")
	}
}

// TestAnAnswerThatDoesNotEnd holds up nothing but its try: one that becomes another protocol, and one that drips.
func TestAnAnswerThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"another protocol": func(w http.ResponseWriter, r *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			_, _ = c.Read(make([]byte, 1)) // until it is closed there
		},
		"a drip": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"large headers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("planted", strings.Repeat("x", 1<<16))
		},
		"no HTTP": func(w http.ResponseWriter, r *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(c, "planted\r\n\r\n")
			_ = c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := redistest.Start(t).Conn(t)
			r := newReceiver(t)
			w := newWorld(t, conn, to(r))
			w.timeout = 200 * time.Millisecond
			r.answers(answer)
			w.bridge(conn, "a")
			w.failed(fabric, "s1", "FGD_4001")
			w.settled(fabric, "ops")
			found, err := events.NewDeadLetters(conn, events.NotificationDeadLetters(0)).
				List(t.Context(), events.FromOldest, 10)
			if err != nil || len(found) != 1 {
				t.Fatalf("dead letters %v, %v", found, err)
			}
			if all := w.log.String() + found[0].Error; strings.Contains(all, "planted") {
				t.Errorf("what came back is in %s", all)
			}
		})
	}
}

// TestADeliveryThatIsWellAgainIsTold by the bridge that delivers, also where another one had told of it.
func TestADeliveryThatIsWellAgainIsTold(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	w.outbox.all = []outbox.Trouble{{FabricID: fabric}}
	raw, err := proto.Marshal(&eventv1.FabricCauses{Causes: map[string]*eventv1.Cause{"undeliverable": {Open: true}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Main.HSet(t.Context(), events.NotificationStates(), fabric, raw).Err(); err != nil {
		t.Fatal(err)
	}
	w.bridge(conn, "a")
	if over := r.expect(t, "fabric.recovered")[0]; over.data["cause"] != "undeliverable" {
		t.Errorf("it is told %s", over.raw)
	}
}

// TestTooMuchWaits: what a target has no room for is a dead letter, and takes the place of nothing that waits.
func TestTooMuchWaits(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	r.answers(func(_ http.ResponseWriter, req *http.Request) {
		select {
		case <-release:
		case <-req.Context().Done():
		}
	})
	stream, many := events.NotificationStream("ops"), conn.Main.Pipeline()
	const room = 10_000
	for range room {
		many.XAdd(t.Context(), &redis.XAddArgs{Stream: stream, Values: []any{events.Field, ""}})
	}
	if _, err := many.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.bridge(conn, "a")
	w.failed(fabric, "s1", "FGD_4001")
	letters := events.NewDeadLetters(conn, events.NotificationDeadLetters(0))
	w.await("a dead letter", func() bool {
		found, err := letters.List(t.Context(), events.FromOldest, 10)
		return err == nil && len(found) == 1 && found[0].Stream == stream
	})
	if n := conn.Main.XLen(t.Context(), stream).Val(); n != room {
		t.Errorf("%d wait", n)
	}
	w.await("the metrics", func() bool {
		return testutil.GatherAndCompare(w.metrics, strings.NewReader(`
# HELP fgd_notifications_waiting Notifications that wait for each target, in Redis.
# TYPE fgd_notifications_waiting gauge
fgd_notifications_waiting{target="ops"} 10000
# HELP fgd_notifications_total Notifications of each target, by what became of them.
# TYPE fgd_notifications_total counter
fgd_notifications_total{outcome="failed",target="ops"} 1
fgd_notifications_total{outcome="retried",target="ops"} 0
fgd_notifications_total{outcome="sent",target="ops"} 0
`), "fgd_notifications_waiting", "fgd_notifications_total") == nil
	})
	if !strings.Contains(w.log.String(), "too much waits") {
		t.Error("the log does not say so")
	}
}

// TestRedisForgetsWhatWasTold: what still is so is told again, with the next event about it.
func TestRedisForgetsWhatWasTold(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	w.bridge(conn, "a")
	w.failed(fabric, "s1", "FGD_4001")
	r.expect(t, "fabric.sync_failed FGD_4001")
	w.settled(fabric, "ops")
	if err := conn.Main.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	w.failed(fabric, "s2", "FGD_4001")
	r.expect(t, "fabric.sync_failed FGD_4001")
}
