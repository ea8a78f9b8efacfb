package orchestrator_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/redistest"
)

// said waits for a line of the log.
func (n *node) said(message, level string) {
	n.t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for len(n.log.of(message, "level", level)) == 0 {
		<-ticker.C
	}
}

// TestAnOutageOfRedisIsNoFlood: eight readers notice it, again and again. When Redis comes back not all see it at once.
func TestAnOutageOfRedisIsNoFlood(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStages()
	n := newNode(t, server.URL(), s.serve(t), testConfig(), "a").run()
	n.fabric(s, 35, "f1")
	server.Kill(t)
	n.said("Redis is away", "WARN")
	n.said("periodic task failed", "WARN") // and goes on failing
	server.Restart(t)
	n.said("Redis is back", "INFO")
	n.untilReady()
	n.expect(n.sync(35, nil), completed)
	for message, level := range map[string]string{"Redis is away": "WARN", "Redis is back": "INFO"} {
		if lines := n.log.of(message, "level", level); len(lines) > 2 {
			t.Errorf("%q was said %d times", message, len(lines))
		}
	}
	if lines := n.log.of("reading failed", "level", "WARN"); len(lines) != 0 {
		t.Errorf("the log is flooded: %v", lines)
	}
}

// TestARedisThatRefusesWritesIsNotReady: it answers, and nothing can be accepted.
func TestARedisThatRefusesWritesIsNotReady(t *testing.T) {
	t.Parallel()
	n := newNode(t, redistest.Start(t).URL(), newStages().serve(t), testConfig(), "a")
	must(t, 0, n.service.Ready(t.Context()))
	must(t, 0, n.conn.Main.ConfigSet(t.Context(), "maxmemory", "1").Err())
	if err := n.service.Ready(t.Context()); !errs.HasCode(err, errs.RedisConnectionFailed) {
		t.Errorf("ready, with %v", err)
	}
	must(t, 0, n.conn.Main.ConfigSet(t.Context(), "maxmemory", "0").Err())
	must(t, 0, n.service.Ready(t.Context()))
}

// TestATakeoverShows: in every state, also when the one that died had not come far.
func TestATakeoverShows(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"open", "ingest"} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			s := newStages()
			peers := s.serve(t)
			dead := newNode(t, server.URL(), peers, testConfig(), "dead").run()
			dead.fabric(s, 35, "f1")
			g := newGate(t)
			s.on(stage, g.wait)
			id := dead.start(35, nil)
			<-g.came
			dead.die()
			s.on(stage, nil)
			g.open()
			alive := newNode(t, server.URL(), peers, testConfig(), "alive").run()
			got := alive.await(id)
			alive.expect(got, completed)
			shown := 0
			for _, step := range got.GetTransitions() {
				if strings.Contains(step.GetCause(), "taken over") && step.GetTo() == syncv1.State_STATE_INITIALIZING {
					shown++
				}
			}
			if shown != 1 {
				t.Errorf("transitions %v", got.GetTransitions())
			}
		})
	}
}

// TestAnswersSayWhenTheNextSyncComes: all that show a fabric, and none that changes it takes it for a part of it.
func TestAnswersSayWhenTheNextSyncComes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		wanted := definition(35, "f1")
		wanted.SyncIntervalSeconds = 300
		created, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: wanted})
		accepted := b.await(must(t, created, err).GetSyncId()).GetAcceptedAt().AsTime()
		at := created.GetFabric().GetNextSyncAt().AsTime()
		if after := at.Sub(accepted); after < 300*time.Second-time.Millisecond || after > 330*time.Second {
			t.Errorf("the next comes %s after the first", after)
		}
		got, err := b.GetFabric(t.Context(), &fabricv1.GetFabricRequest{FabricId: 35})
		listed, listErr := b.ListFabrics(t.Context(), &fabricv1.ListFabricsRequest{})
		health, healthErr := b.GetDirectoryHealth(t.Context(), &fabricv1.GetDirectoryHealthRequest{FabricId: 35})
		for name, next := range map[string]time.Time{
			"shown":  must(t, got, err).GetFabric().GetNextSyncAt().AsTime(),
			"listed": must(t, listed, listErr).GetFabrics()[0].GetNextSyncAt().AsTime(),
			"health": must(t, health, healthErr).GetNextSyncAt().AsTime(),
		} {
			if !next.Equal(at) {
				t.Errorf("%s: %s, want %s", name, next, at)
			}
		}
		never := got.GetFabric()
		never.SyncIntervalSeconds = 0
		changed, err := b.UpdateFabric(t.Context(), &fabricv1.UpdateFabricRequest{Fabric: never})
		if next := must(t, changed, err).GetFabric().GetNextSyncAt(); next != nil {
			t.Errorf("never is %s", next.AsTime())
		}
		never = changed.GetFabric()
		never.SyncIntervalSeconds = 9
		if _, err := b.UpdateFabric(t.Context(), &fabricv1.UpdateFabricRequest{Fabric: never}); !errs.HasCode(err,
			errs.InvalidRequest) {
			t.Errorf("every nine seconds: %v", err)
		}
	})
}

// TestADamagedLedgerIsFilledFromRedis: and without Redis nobody knows what there was, so the start is refused.
func TestADamagedLedgerIsFilledFromRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStages()
	peers := s.serve(t)
	cfg := testConfig()
	cfg.LedgerFile = damagedFile(t)
	first := newNode(t, server.URL(), peers, testConfig(), "a").run()
	first.fabric(s, 35, "f1")
	second := newNode(t, server.URL(), peers, cfg, "b").run()
	second.said("the ledger is damaged, and is filled from Redis", "WARN")
	if _, err := second.RebuildState(t.Context(), nil); err != nil {
		t.Error(err)
	}
	first.stop()
	second.flush()
	got, err := second.GetFabric(t.Context(), &fabricv1.GetFabricRequest{FabricId: 35})
	if must(t, got, err).GetFabric().GetName() != "fabric of f1" {
		t.Errorf("got %v", got)
	}
	cfg.LedgerFile = damagedFile(t)
	second.stop()
	second.flush()
	lost := newNode(t, server.URL(), peers, cfg, "c")
	if _, err := lost.GetFabric(t.Context(), &fabricv1.GetFabricRequest{FabricId: 35}); !errs.HasCode(err,
		errs.LedgerDamaged) {
		t.Errorf("a fabric that nobody knows of: %v", err)
	}
	if err := lost.service.Run(t.Context()); !errs.HasCode(err, errs.LedgerDamaged) {
		t.Errorf("ran, and ended with %v", err)
	}
}

func damagedFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	must(t, 0, os.WriteFile(path, []byte("no ledger"), 0o600))
	return path
}
