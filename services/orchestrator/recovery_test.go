package orchestrator_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

func (n *node) flush() {
	n.t.Helper()
	if err := n.conn.Main.FlushAll(n.t.Context()).Err(); err != nil {
		n.t.Fatal(err)
	}
}

// once fails when a sync ended more than once, or published more than once.
func (n *node) once(s *stages, syncID string) {
	n.t.Helper()
	ends := slices.DeleteFunc(types(n.watch(syncID)), func(s string) bool { return s != "sync.completed" })
	commits := slices.DeleteFunc(s.published(), func(message string) bool { return !strings.Contains(message, syncID) })
	if len(ends) != 1 || len(commits) > 1 {
		n.t.Errorf("sync %s ended %d times and published %d times", syncID, len(ends), len(commits))
	}
}

// TestNothingIsForgottenWithRedis (S13): everything in Redis is gone in the middle of a sync, at every point of it,
// while another waits. Both come to their end, and the fabrics are there for whoever asks.
func TestNothingIsForgottenWithRedis(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"open", "repair", "ingest", "publish", "published", "close"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			s := newStages()
			n := newNode(t, redistest.Start(t).URL(), s.serve(t), testConfig(), "a").run()
			n.fabric(s, 35, "f1")
			n.fabric(s, 36, "f2")
			s.drop("f1", "a")
			g := newGate(t)
			if point == "published" {
				s.onDone("publish", g.wait)
			} else {
				s.on(point, g.wait)
			}
			active := n.start(35, nil)
			<-g.came
			answer, err := n.StartSync(n.withAddress("Jo", "jo@example.com"),
				&syncv1.StartSyncRequest{FabricId: 35, Options: &syncv1.SyncOptions{ForceRefresh: true}})
			waiting := must(t, answer, err).GetSyncId()
			n.flush()
			s.on(point, nil)
			s.onDone("publish", nil)
			if got := n.get(waiting); got.GetSyncId() != waiting || !got.GetOptions().GetForceRefresh() ||
				got.GetRequestedByEmail() != "jo@example.com" {
				t.Errorf("the one that waits is %v", got)
			}
			list, err := n.ListFabrics(t.Context(), &fabricv1.ListFabricsRequest{})
			if fabrics := must(t, list, err).GetFabrics(); len(fabrics) != 2 {
				t.Errorf("fabrics %v", fabrics)
			}
			g.open()
			for _, id := range []string{active, waiting} {
				got := n.await(id)
				n.expect(got, completed)
				if !got.GetRestored() {
					t.Errorf("sync %s does not say that it was lost", id)
				}
				n.once(s, id)
			}
			if len(n.log.of("state recovered", "fabrics", 2)) == 0 {
				t.Error("the log does not say that the state was recovered")
			}
			if got := s.head().files["f1"]; got != "manifest\nmanaged/a" {
				t.Errorf("the directory is %q", got)
			}
			if got := n.get(active).GetResult().GetCommitSha(); (got == "") != (len(s.published()) == 2) {
				t.Errorf("the sync reports commit %q of %q", got, s.published())
			}
			n.idle(35)
		})
	}
}

// TestFabricsOutliveRedis: they are there after a restart over an empty Redis, and those that were deleted are not.
func TestFabricsOutliveRedis(t *testing.T) {
	t.Parallel()
	redistest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		s := newStages()
		peers := s.serve(t)
		cfg := testConfig()
		cfg.LedgerFile = filepath.Join(t.TempDir(), "ledger.db")
		first := newNode(t, url, peers, cfg, "a").run()
		for id := range int32(4) {
			first.fabric(s, id+1, fmt.Sprint("f", id+1))
		}
		if _, err := first.DeleteFabric(t.Context(), &fabricv1.DeleteFabricRequest{FabricId: 2}); err != nil {
			t.Fatal(err)
		}
		renamed := definition(3, "f3")
		renamed.Name = "renamed"
		if _, err := first.UpdateFabric(t.Context(), &fabricv1.UpdateFabricRequest{Fabric: renamed}); err != nil {
			t.Fatal(err)
		}
		first.stop()
		first.flush()
		second := newNode(t, url, peers, cfg, "a").run()
		for id, name := range map[int32]string{1: "fabric of f1", 2: "", 3: "renamed", 4: "fabric of f4"} {
			response, err := second.GetFabric(t.Context(), &fabricv1.GetFabricRequest{FabricId: id})
			if got := response.GetFabric().GetName(); got != name || (name == "") != errs.HasCode(err, errs.FabricNotFound) {
				t.Errorf("fabric %d is %q, %v; want %q", id, got, err, name)
			}
		}
		// What was free is free, and what was taken is taken.
		if _, err := second.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: definition(9,
			"f1/sub")}); !errs.HasCode(err, errs.DirectoryOverlap) {
			t.Errorf("a directory inside another: %v", err)
		}
		second.fabric(s, 2, "f2")
		second.flush()
		second.expect(second.sync(2, nil), completed)
	})
}

// TestOrchestratorsShareTheRegister: what one has registered, another has in its ledger too.
func TestOrchestratorsShareTheRegister(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStages()
	peers := s.serve(t)
	a := newNode(t, server.URL(), peers, testConfig(), "a").run()
	b := newNode(t, server.URL(), peers, testConfig(), "b").run()
	a.fabric(s, 1, "f1")
	b.fabric(s, 2, "f2")
	a.stop()
	b.looked()
	b.flush()
	for id := range int32(2) {
		b.expect(b.sync(id+1, nil), completed)
	}
	if _, err := b.DeleteFabric(t.Context(), &fabricv1.DeleteFabricRequest{FabricId: 1}); err != nil {
		t.Fatal(err)
	}
}

// looked waits until recovery has looked twice, so that one look has begun after now.
func (n *node) looked() {
	n.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for range 2 {
		if err := n.conn.Main.Del(n.t.Context(), state.CompleteKey).Err(); err != nil {
			n.t.Fatal(err)
		}
		for n.conn.Main.Exists(n.t.Context(), state.CompleteKey).Val() == 0 {
			<-ticker.C
		}
	}
}

// TestADeletedFabricStaysDeleted: another orchestrator was away when it was deleted, and Redis is lost before it is
// back.
func TestADeletedFabricStaysDeleted(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStages()
	peers := s.serve(t)
	cfg := testConfig()
	cfg.LedgerFile = filepath.Join(t.TempDir(), "ledger.db")
	away := newNode(t, server.URL(), peers, cfg, "away").run()
	away.fabric(s, 1, "f1")
	away.stop()
	here := newNode(t, server.URL(), peers, testConfig(), "here").run()
	here.looked()
	if _, err := here.DeleteFabric(t.Context(), &fabricv1.DeleteFabricRequest{FabricId: 1}); err != nil {
		t.Fatal(err)
	}
	here.flush()
	back := newNode(t, server.URL(), peers, cfg, "away").run()
	back.looked()
	here.looked()
	for name, n := range map[string]*node{"here": here, "back": back} {
		n.gone(name, 1)
	}
}

// gone waits until a fabric is not registered.
func (n *node) gone(name string, id int32) {
	n.t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		_, err := n.GetFabric(n.t.Context(), &fabricv1.GetFabricRequest{FabricId: id})
		if errs.HasCode(err, errs.FabricNotFound) {
			return
		}
		select {
		case <-n.t.Context().Done():
			n.t.Fatalf("%s still has fabric %d: %v", name, id, err)
		case <-ticker.C:
		}
	}
}

// TestWorkThatWasLostIsGivenAgain (S14): the work stream is gone while records are there.
func TestWorkThatWasLostIsGivenAgain(t *testing.T) {
	t.Parallel()
	redistest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		s := newStages()
		n := newNode(t, url, s.serve(t), testConfig(), "a").run()
		n.fabric(s, 35, "f1")
		n.stop()
		id := newNode(t, url, s.serve(t), testConfig(), "b").start(35, nil) // one that works nothing off
		if err := n.conn.Main.Del(t.Context(), events.WorkStream(events.ShardOf(35))).Err(); err != nil {
			t.Fatal(err)
		}
		again := newNode(t, url, s.serve(t), testConfig(), "a").run()
		again.expect(again.await(id), completed)
		again.idle(35)
	})
}

// TestARunWhoseRecordWasLostMakesRoom (W14): the event is there and the record is not, and the reverse.
func TestARunWhoseRecordWasLostMakesRoom(t *testing.T) {
	t.Parallel()
	redistest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		s := newStages()
		cfg := testConfig()
		cfg.LedgerFile = filepath.Join(t.TempDir(), "ledger.db")
		n := newNode(t, url, s.serve(t), cfg, "a").run()
		n.fabric(s, 35, "f1")
		g := newGate(t)
		s.on("open", g.wait)
		active := n.start(35, nil)
		<-g.came
		waiting := n.start(35, nil)
		n.stop()
		s.on("open", nil)
		// In the ledger of an orchestrator that does not come back.
		if err := n.conn.Main.Del(t.Context(), state.SyncKey(35, active)).Err(); err != nil {
			t.Fatal(err)
		}
		other := newNode(t, url, s.serve(t), testConfig(), "b").run()
		other.expect(other.await(waiting), completed)
		if _, err := other.GetSync(t.Context(), &syncv1.GetSyncRequest{SyncId: active}); !errs.HasCode(err,
			errs.SyncNotFound) {
			t.Errorf("the lost one: %v", err)
		}
		back := newNode(t, url, s.serve(t), cfg, "a").run()
		back.looked()
		back.expect(back.await(active), completed)
		// The run is gone, and the record is there.
		g2 := newGate(t)
		s.on("open", g2.wait)
		id := back.start(35, nil)
		<-g2.came
		if err := n.conn.Main.Del(t.Context(), state.RunKey(35)).Err(); err != nil {
			t.Fatal(err)
		}
		s.on("open", nil)
		g2.open()
		back.expect(back.await(id), completed)
		back.expect(back.sync(35, nil), completed)
	})
}

// TestRebuildState: what would come back by itself does so at once, and every fabric is synced.
func TestRebuildState(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 1, "f1")
		b.fabric(b.stages, 2, "f2")
		g := newGate(t)
		b.on("ingest", g.wait)
		active := b.start(1, nil)
		<-g.came
		b.flush()
		b.on("ingest", nil)
		answer, err := b.RebuildState(b.as("Jo"), &adminv1.RebuildStateRequest{})
		// The ledger hears of an end a moment later than Redis: the first sync of a fabric may come back too.
		if got := must(t, answer, err); len(got.GetSyncIds()) != 2 || got.GetFabricsRestored() != 2 ||
			got.GetSyncsRestored() < 1 {
			t.Errorf("rebuilt %v", got)
		}
		g.open()
		for _, id := range append(answer.GetSyncIds(), active) {
			b.expect(b.await(id), completed)
		}
		answer, err = b.RebuildState(t.Context(), &adminv1.RebuildStateRequest{})
		if got := must(t, answer, err); len(got.GetSyncIds()) != 2 ||
			got.GetFabricsRestored()+got.GetSyncsRestored()+got.GetSyncsRevived() != 0 {
			t.Errorf("rebuilt again %v", got)
		}
		for _, id := range answer.GetSyncIds() {
			b.expect(b.await(id), completed)
		}
	})
}

// TestAnUnfitRedis (S17): the orchestrator does not start on a Redis that would drop what it is given, says what mends
// it, and starts all the same when it was told to.
func TestAnUnfitRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	if err := server.Conn(t).Main.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err(); err != nil {
		t.Fatal(err)
	}
	s := newStages()
	peers := s.serve(t)
	refusing := newNode(t, server.URL(), peers, testConfig(), "a")
	err := refusing.service.Run(t.Context())
	if e := errs.From(err); !errs.HasCode(err, errs.RedisUnsuitable) ||
		!strings.Contains(e.RemedyText(), "CONFIG SET maxmemory-policy noeviction") {
		t.Errorf("got %v, remedy %q", err, errs.From(err).RemedyText())
	}
	for _, mode := range []string{"warn", "off"} {
		cfg := testConfig()
		cfg.RedisChecks = mode
		newNode(t, server.URL(), peers, cfg, "b").run().stop()
	}
}

// TestALostIndexIsFoundOnTheBranch: what the last sync left is known although Redis has lost it, so that a sync which
// takes much away stops, and the plan of one that is forced has it.
func TestALostIndexIsFoundOnTheBranch(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Start(t).URL(), testConfig())
	b.twoStates(15)
	for i := range 15 {
		b.remove("f1", fmt.Sprint("managed/more-", i))
	}
	b.flush()
	refused := b.sync(35, nil)
	b.expect(refused, failed)
	if refused.GetErrors()[0].GetCode() != errs.MassDeleteRefused.ID {
		t.Errorf("%v", refused.GetErrors())
	}
	forced := b.sync(35, &syncv1.SyncOptions{Force: true})
	b.expect(forced, completed)
	if plan := forced.GetResult().GetPlan().GetCounts(); plan.GetDeletes() != 15 || plan.GetCreates() != 0 {
		t.Errorf("forced: %v", plan)
	}
	b.forgetCalls()
	b.expect(b.sync(35, nil), completed)
	if calls := b.called(); slices.Contains(calls, "last sync") {
		t.Errorf("the index is kept again, and was searched for: %v", calls)
	}
}

// TestAHostWithoutHistory lets a sync go on, which says that the last one is not known.
func TestAHostWithoutHistory(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Start(t).URL(), testConfig())
	b.twoStates(1)
	b.flush()
	b.on("last sync", func(context.Context) error { return errs.New(errs.RepositoryUnsupported, "No history here.") })
	got := b.sync(35, nil)
	b.expect(got, completed)
	if w := got.GetWarnings(); len(w) != 1 || w[0].GetCode() != errs.LastSyncUnknown.ID {
		t.Errorf("warnings: %v", w)
	}
}
