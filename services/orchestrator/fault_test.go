package orchestrator_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

func (n *node) cancel(syncID string) *syncv1.Sync {
	n.t.Helper()
	response, err := n.CancelSync(n.as("Jo"), &syncv1.CancelSyncRequest{SyncId: syncID})
	return must(n.t, response, err).GetSync()
}

func TestASyncThatWaitsIsCancelledAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		g := newGate(t)
		b.on("open", g.wait)
		running := b.start(35, nil)
		<-g.came
		waiting := b.start(35, nil)
		b.expect(b.cancel(waiting), cancelled)
		equal(t, "told", types(b.watch(waiting)), []string{"sync.cancelled"})
		equal(t, "bus", b.bus(35, waiting), []string{"sync.cancelled"})
		b.expect(b.cancel(waiting), cancelled) // again
		b.shows(`fgd_sync_total{status="cancelled",trigger="manual"} 1`)
		if ends := b.log.of("sync ended", "sync_id", waiting); len(ends) != 1 || ends[0]["state"] != "cancelled" {
			t.Errorf("its end is in the log as %v", ends)
		}
		next := b.start(35, nil)
		if next == waiting {
			t.Error("a request joined a sync that was cancelled")
		}
		g.open()
		b.expect(b.await(running), completed)
		b.expect(b.await(next), completed)
	})
}

func TestASyncIsCancelledUntilItPublishes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		for _, stage := range []string{"open", "repair", "discover", "ingest"} {
			b.drop("f1", "a"+stage)
			g := newGate(t)
			b.on(stage, g.wait)
			id := b.start(35, nil)
			<-g.came
			if marked := b.cancel(id); !marked.GetCancelRequested() {
				t.Errorf("%s: the answer does not say that it will end", stage)
			}
			got := b.await(id)
			b.expect(got, cancelled)
			if len(b.published()) != 1 || len(got.GetErrors()) != 0 {
				t.Errorf("%s: published %v, errors %v", stage, b.published(), got.GetErrors())
			}
			b.on(stage, nil)
		}
		b.idle(35)
		if n := b.openSnapshots(); n != 0 {
			t.Errorf("%d snapshots were left open", n)
		}
		b.expect(b.sync(35, nil), completed)
	})
}

// TestACommitThatIsOnItsWayIsReported: from the push on, the sync goes to its end.
func TestACommitThatIsOnItsWayIsReported(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Start(t).URL(), testConfig())
	b.fabric(b.stages, 35, "f1")
	b.drop("f1", "a")
	g := newGate(t)
	b.onDone("publish", g.wait)
	id := b.start(35, nil)
	<-g.came
	b.cancel(id)
	b.untilLookedAt()
	g.open()
	got := b.await(id)
	b.expect(got, completed)
	if got.GetResult().GetCommitSha() != b.head().id || got.GetAttempt() != 1 {
		t.Errorf("attempt %d, result %v", got.GetAttempt(), got.GetResult())
	}
	b.expect(b.cancel(id), completed) // too late is no error
}

// untilLookedAt waits until the running sync has been looked at for a request to cancel it.
func (n *node) untilLookedAt() {
	n.t.Helper()
	looks := func() int {
		info, err := n.conn.Main.InfoMap(n.t.Context(), "commandstats").Result()
		calls := 0
		if _, err := fmt.Sscanf(must(n.t, info, err)["Commandstats"]["cmdstat_hmget"], "calls=%d", &calls); err != nil {
			n.t.Fatal(err)
		}
		return calls
	}
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for before := looks(); looks() == before; {
		<-ticker.C
	}
}

// TestAnotherTakesOverWhatADeadOneHad: killed in each stage, also when its commit is out and nobody was told.
func TestAnotherTakesOverWhatADeadOneHad(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"open", "ingest", "publish", "published"} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel() // most of it is waiting for a lease to end
			server := redistest.Start(t)
			s := newStages()
			peers := s.serve(t)
			dead := newNode(t, server.URL(), peers, testConfig(), "dead").run()
			dead.fabric(s, 35, "f1")
			s.drop("f1", "a")
			g := newGate(t)
			if stage == "published" {
				s.onDone("publish", g.wait)
			} else {
				s.on(stage, g.wait)
			}
			id := dead.start(35, nil)
			<-g.came
			dead.die()
			s.on(stage, nil)
			s.onDone("publish", nil)
			g.open()

			alive := newNode(t, server.URL(), peers, testConfig(), "alive").run()
			got := alive.await(id)
			alive.expect(got, completed)
			if len(s.published()) != 2 || s.head().files["f1"] != "manifest\nmanaged/a" || got.GetAttempt() < 2 &&
				stage != "open" {
				t.Errorf("attempt %d, commits %q, head %q", got.GetAttempt(), s.published(), s.head().files["f1"])
			}
			ends := slices.DeleteFunc(types(alive.watch(id)), func(s string) bool { return s != "sync.completed" })
			if len(ends) != 1 {
				t.Errorf("it ended %d times", len(ends))
			}
			alive.idle(35)
			alive.expect(alive.sync(35, nil), completed)
		})
	}
}

// TestAPublishedCommitIsFoundAgain: the commit is out, the orchestrator dies before it has recorded it, and somebody
// adds a file on top. The sync reports its own commit and makes no second one; the file is for the next sync.
func TestAPublishedCommitIsFoundAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStages()
	peers := s.serve(t)
	dead := newNode(t, server.URL(), peers, testConfig(), "dead").run()
	dead.fabric(s, 35, "f1")
	s.drop("f1", "a")
	g := newGate(t)
	s.onDone("publish", g.wait)
	id := dead.start(35, nil)
	<-g.came
	before, plan := dead.get(id), dead.plan(id)
	dead.die()
	s.onDone("publish", nil)
	g.open()
	own := s.head().id
	s.drop("f1", "b")

	alive := newNode(t, server.URL(), peers, testConfig(), "alive").run()
	got := alive.await(id)
	alive.expect(got, completed)
	result := got.GetResult()
	if result.GetCommitSha() != own || result.GetFiles().GetCreated() != 1 || len(s.published()) != 2 {
		t.Errorf("reports %v, commits %q", result, s.published())
	}
	was := before.GetResult()
	if !proto.Equal(alive.plan(id), plan) || !proto.Equal(result.GetPlan(), was.GetPlan()) ||
		result.GetBaseCommit() != was.GetBaseCommit() || len(got.GetWarnings()) != len(before.GetWarnings()) {
		t.Errorf("the report became %v, from %v", got, before)
	}
	next := alive.sync(35, nil)
	alive.expect(next, completed)
	if len(s.published()) != 3 || next.GetResult().GetCommitSha() == own {
		t.Errorf("after the next sync: commits %q", s.published())
	}
}

// TestTheFenceRisesAboveTheBranch (L7): Redis has lost the counter and its clock went back.
func TestTheFenceRisesAboveTheBranch(t *testing.T) {
	t.Parallel()
	s := newStages()
	n := newNode(t, redistest.Start(t).URL(), s.serve(t), testConfig(), "a").run()
	n.fabric(s, 35, "f1")
	s.drop("f1", "a")
	s.fence = time.Now().Add(time.Hour).UnixMicro()
	n.expect(n.sync(35, nil), completed)
	if want := fmt.Sprintf("Fgd-Fence: %d\n", s.fence+1); !strings.Contains(s.head().message, want) {
		t.Errorf("the commit says %q, want %q", s.head().message, want)
	}
	after := s.fence + 1
	s.fence = 0
	s.drop("f1", "b")
	n.expect(n.sync(35, nil), completed)
	if want := fmt.Sprintf("Fgd-Fence: %d\n", after+1); !strings.Contains(s.head().message, want) {
		t.Errorf("the next commit says %q, want %q", s.head().message, want)
	}
}

// TestWhatTheGitSideWarnsOf: a fence that nobody gave out and a push that could not be read back end no sync, and are
// told of.
func TestWhatTheGitSideWarnsOf(t *testing.T) {
	t.Parallel()
	s := newStages()
	s.ignored, s.unconfirmed = 1<<62, "The Git host refuses the credentials."
	n := newNode(t, redistest.Start(t).URL(), s.serve(t), testConfig(), "a").run()
	n.fabric(s, 35, "f1")
	s.drop("f1", "a")
	got := n.sync(35, nil)
	n.expect(got, completed)
	told := map[string]string{}
	for _, warning := range got.GetWarnings() {
		told[warning.GetCode()] = warning.GetMessage()
	}
	if !strings.Contains(told[errs.FenceIgnored.ID], "Fgd-Fence: 4611686018427387904") ||
		!strings.Contains(told[errs.PushUnconfirmed.ID], s.head().id) ||
		!strings.Contains(told[errs.PushUnconfirmed.ID], s.unconfirmed) {
		t.Errorf("told of %v", told)
	}
}

// TestANumberThatNobodyGaveStopsNoFabric: a commit's trailer is anybody's text. The sync says so, and all goes on.
func TestANumberThatNobodyGaveStopsNoFabric(t *testing.T) {
	t.Parallel()
	tomorrow := time.Now().Add(25 * time.Hour).UnixMicro()
	for _, fence := range []int64{math.MaxInt64, math.MaxInt64 - 1, 1<<53 + 1, tomorrow} {
		t.Run(strconv.FormatInt(fence, 10), func(t *testing.T) {
			t.Parallel()
			s := newStages()
			n := newNode(t, redistest.Start(t).URL(), s.serve(t), testConfig(), "a").run()
			n.fabric(s, 35, "f1")
			s.fence = fence
			last := int64(0)
			for _, file := range []string{"a", "b"} {
				s.drop("f1", file)
				got := n.sync(35, nil)
				n.expect(got, completed)
				if w := got.GetWarnings(); len(w) != 1 || w[0].GetCode() != errs.FenceIgnored.ID {
					t.Errorf("warnings %v", w)
				}
				_, text, _ := strings.Cut(s.head().message, "Fgd-Fence: ")
				text, _, _ = strings.Cut(text, "\n")
				given, err := strconv.ParseInt(text, 10, 64)
				if must(t, given, err) <= last || given > time.Now().Add(time.Hour).UnixMicro() {
					t.Errorf("the number %d came after %d", given, last)
				}
				last = given
			}
		})
	}
}

// TestASyncEndsWhateverNumberItsRecordHas: a cancellation, which nobody's lock stands behind, and a worker can end it.
func TestASyncEndsWhateverNumberItsRecordHas(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		g := newGate(t)
		b.on("ingest", g.wait)
		id := b.start(35, nil)
		<-g.came
		stored := b.conn.Main.HSet(t.Context(), state.SyncKey(35, id), "fence", "9223372036854775808")
		must(t, 0, stored.Err())
		if _, err := b.CancelSync(t.Context(), &syncv1.CancelSyncRequest{SyncId: id}); err != nil {
			t.Error(err)
		}
		b.expect(b.await(id), syncv1.State_STATE_CANCELLED)
		g.open()
		b.expect(b.sync(35, nil), completed)
	})
}

// TestARestartedOneGoesOnAtOnce: by its name it knows what it had.
func TestARestartedOneGoesOnAtOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStages()
	peers := s.serve(t)
	first := newNode(t, server.URL(), peers, testConfig(), "a").run()
	first.fabric(s, 35, "f1")
	s.drop("f1", "a")
	g := newGate(t)
	s.on("ingest", g.wait)
	id := first.start(35, nil)
	<-g.came
	first.stop() // in order: the lock is given back
	s.on("ingest", nil)
	second := newNode(t, server.URL(), peers, testConfig(), "a")
	if got := second.get(id); got.GetState() != syncv1.State_STATE_PROCESSING {
		t.Errorf("between the two it is %s", got.GetState())
	}
	second.run()
	got := second.await(id)
	second.expect(got, completed)
	if len(s.published()) != 2 {
		t.Errorf("commits %q", s.published())
	}
}

// TestAHolderThatWasStoppedHasNoSay: it is cut off while it publishes, another ends the sync, and then it comes back.
func TestAHolderThatWasStoppedHasNoSay(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStages()
	peers := s.serve(t)
	slow := newNode(t, server.URL(), peers, testConfig(), "slow").run()
	slow.fabric(s, 35, "f1")
	s.drop("f1", "a")
	came, back := make(chan struct{}), make(chan struct{})
	// does not notice that its caller went
	s.on("publish", func(context.Context) error { close(came); <-back; return nil })
	id := slow.start(35, nil)
	<-came
	slow.die()
	s.on("publish", nil)
	other := newNode(t, server.URL(), peers, testConfig(), "other").run()
	got := other.await(id)
	other.expect(got, completed)
	close(back)
	other.expect(other.sync(35, nil), completed)
	if len(s.published()) != 2 {
		t.Errorf("commits %q", s.published())
	}
	if after := other.get(id); !proto.Equal(after, got) {
		t.Errorf("its end changed: %v", after)
	}
}

func TestAnEndedSyncIsDeliveredAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.drop("f1", "a")
		done := b.sync(35, nil)
		b.idle(35)
		b.forgetCalls()
		b.deliver(35, &eventv1.SyncRequested{SyncId: done.GetSyncId(), FabricId: 35})
		b.deliver(35, &eventv1.SyncRequested{SyncId: "no sync at all", FabricId: 35})
		b.idle(35)
		if len(b.called()) != 0 || !proto.Equal(b.get(done.GetSyncId()), done) {
			t.Errorf("it was run again: %v", b.called())
		}
	})
}

func (n *node) deliver(fabric int32, request *eventv1.SyncRequested) {
	n.t.Helper()
	raw, err := proto.Marshal(request)
	n.add(fabric, string(must(n.t, raw, err)))
}

func (n *node) add(fabric int32, payload string) {
	n.t.Helper()
	err := n.conn.Main.XAdd(n.t.Context(), &redis.XAddArgs{
		Stream: events.WorkStream(events.ShardOf(fabric)),
		Values: []any{events.Field, payload},
	}).Err()
	if err != nil {
		n.t.Fatal(err)
	}
}

// TestRedisIsRestarted: in the middle of a sync; it came back before the sync needed it, or only after.
func TestRedisIsRestarted(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"before it is missed": false, "after it was missed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			b := newBench(t, server.URL(), testConfig())
			b.fabric(b.stages, 35, "f1")
			b.drop("f1", "a")
			g := newGate(t)
			b.on("discover", g.wait)
			id := b.start(35, nil)
			<-g.came
			server.Kill(t)
			if err := b.service.Ready(t.Context()); !errs.HasCode(err, errs.RedisConnectionFailed) {
				t.Errorf("ready without Redis: %v", err)
			}
			_, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35})
			fails(t, "start without Redis", err, errs.RedisConnectionFailed)
			if late {
				g.open()
				b.untilIdleHere() // the sync was given up
			}
			server.Restart(t)
			g.open()
			b.untilReady()
			got := b.await(id)
			b.expect(got, completed)
			if len(b.published()) != 2 || late && got.GetAttempt() < 2 {
				t.Errorf("attempt %d, commits %q", got.GetAttempt(), b.published())
			}
		})
	}
}

// untilReady waits until this orchestrator takes work. A client of Redis that could not dial many times looks once a
// second whether Redis is back.
func (n *node) untilReady() {
	n.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for n.service.Ready(n.t.Context()) != nil {
		<-ticker.C
	}
}

// untilIdleHere waits until this orchestrator runs no sync.
func (n *node) untilIdleHere() {
	n.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for n.gauge("fgd_active_syncs") != 0 {
		<-ticker.C
	}
}

func (n *node) gauge(name string) float64 {
	n.t.Helper()
	families, err := n.metrics.Gather()
	for _, family := range must(n.t, families, err) {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	n.t.Fatalf("no metric %s", name)
	return 0
}

// TestAStageThatHangsIsGivenUp: another attempt follows, and the record says why.
func TestAStageThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.StageTimeout = time.Second
	b := newBench(t, redistest.Start(t).URL(), cfg)
	b.fabric(b.stages, 35, "f1")
	b.drop("f1", "a")
	g := newGate(t)
	b.on("ingest", func(ctx context.Context) error {
		b.on("ingest", nil) // once
		return g.wait(ctx)
	})
	got := b.sync(35, nil)
	b.expect(got, completed)
	retried := slices.IndexFunc(got.GetTransitions(),
		func(step *syncv1.Transition) bool { return strings.Contains(step.GetCause(), "FGD_3002") })
	if got.GetAttempt() != 2 || retried < 0 || !strings.Contains(got.GetTransitions()[retried].GetCause(),
		"file_ingestion took longer than 1s") {
		t.Errorf("attempt %d, %v", got.GetAttempt(), got.GetTransitions())
	}
	b.idle(35)
}
