package orchestrator_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/orchestrator"
	"fgdsync.dev/testkit/redistest"
)

func (n *node) scrape() string {
	n.t.Helper()
	recorder := httptest.NewRecorder()
	promhttp.HandlerFor(n.metrics, promhttp.HandlerOpts{}).
		ServeHTTP(recorder, httptest.NewRequestWithContext(n.t.Context(), http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(recorder.Body)
	if recorder.Code != http.StatusOK {
		n.t.Errorf("status %d: %s", recorder.Code, text)
	}
	return string(must(n.t, text, err))
}

func (n *node) shows(want ...string) {
	n.t.Helper()
	text := n.scrape()
	for _, line := range want {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			n.t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

func TestMetricsAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.fail("open", 1, errs.New(errs.GitHubNotFound, "gone"))
		b.expect(b.sync(35, nil), failed)
		b.fail("discover", 1, errs.New(errs.InternalError, "a defect"))
		b.expect(b.sync(35, nil), failed)
		b.idle(35)
		b.shows(
			`fgd_sync_total{status="completed",trigger="fabric_created"} 1`,
			`fgd_sync_total{status="failed",trigger="manual"} 2`,
			`fgd_sync_failures_total{code="FGD_4004"} 1`, `fgd_sync_duration_seconds_count{trigger="manual"} 2`,
			`fgd_sync_failures_total{code="FGD_5001"} 1`, `fgd_sync_faults_total 1`,
			`fgd_sync_stage_duration_seconds_count{stage="open_snapshot"} 3`,
			`fgd_sync_stage_duration_seconds_count{stage="discovery"} 2`,
			`fgd_sync_stage_duration_seconds_count{stage="github_sync"} 1`,
			`fgd_sync_stage_duration_seconds_count{stage="restore"} 0`,
			`fgd_active_syncs 0`, `fgd_queue_depth 0`, `fgd_event_lag{group="orchestrators"} 0`, `fgd_dead_letters_total 0`,
			`fgd_dead_letters 0`,
			`fgd_event_pending{group="orchestrators"} 0`, `fgd_event_oldest_seconds{group="orchestrators"} 0`,
			`fgd_lock_wait_seconds_count 3`,
		)
		text := b.scrape()
		for _, call := range []string{`command="evalsha",result="ok"`, `command="pipeline",result="ok"`} {
			if !strings.Contains(text, "fgd_redis_seconds_count{"+call+"} ") {
				t.Errorf("no calls to Redis with %s", call)
			}
		}
		for _, bucket := range []string{`le="0.05"`, `le="600"`} {
			if !strings.Contains(text, `fgd_sync_duration_seconds_bucket{trigger="manual",`+bucket) {
				t.Errorf("no bucket %s", bucket)
			}
		}
	})
}

// TestTheBacklogIsThatOfTheSystem: every orchestrator shows it, also one that does no work.
func TestTheBacklogIsThatOfTheSystem(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	b := &bench{stages: newStages()}
	peers := b.serve(t)
	b.node = newNode(t, server.URL(), peers, testConfig(), "a")
	b.shows(`fgd_queue_depth 0`, `fgd_event_lag{group="orchestrators"} 0`)
	b.run()
	for i, directory := range []string{"f1", "f2", "f3"} {
		b.fabric(b.stages, int32(i+1), directory)
		b.idle(int32(i + 1))
	}
	g := newGate(t)
	b.on("open", g.wait)
	for i := range 3 {
		b.start(int32(i+1), nil)
		<-g.came
	}
	b.shows(`fgd_queue_depth 0`, `fgd_event_lag{group="orchestrators"} 3`, `fgd_event_pending{group="orchestrators"} 3`,
		`fgd_active_syncs 3`)
	if strings.Contains(b.scrape(), `fgd_event_oldest_seconds{group="orchestrators"} 0`+"\n") {
		t.Error("what is being done has no age")
	}
	b.stop()
	b.node = newNode(t, server.URL(), peers, testConfig(), "b")
	for i := range 3 {
		b.start(int32(i+1), nil) // waits behind the one that was handed back
	}
	created := definition(4, "f4")
	if err := b.conn.Main.XGroupCreateMkStream(t.Context(), events.BusStream(1), "listeners", "0").Err(); err != nil &&
		!strings.Contains(err.Error(), "BUSYGROUP") {
		t.Fatal(err)
	}
	if _, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: created}); err != nil {
		t.Fatal(err)
	}
	b.shows(`fgd_queue_depth 1`, `fgd_event_lag{group="orchestrators"} 4`)
	if text := b.scrape(); !strings.Contains(text, `fgd_event_lag{group="listeners"} `) ||
		strings.Contains(text, `fgd_event_lag{group="listeners"} 0`) {
		t.Errorf("the lag of another group is not shown:\n%s", text)
	}
}

func TestWithoutRedisTheOtherMetricsStay(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	n := newNode(t, server.URL(), newStages().serve(t), testConfig(), "a")
	server.Kill(t)
	n.shows(`fgd_active_syncs 0`)
	if !strings.Contains(n.scrape(), `fgd_redis_seconds_count{command="time",result="failed"} `) {
		t.Error("calls to Redis that fail are not counted")
	}
	if strings.Contains(n.scrape(), "fgd_queue_depth") {
		t.Error("it shows a backlog that it can't know")
	}
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for key, spoil := range map[string]func(*orchestrator.Config){
		"sync_concurrency":  func(c *orchestrator.Config) { c.SyncConcurrency = 15 },
		"sync_timeout":      func(c *orchestrator.Config) { c.SyncTimeout = time.Millisecond },
		"sync_attempts":     func(c *orchestrator.Config) { c.SyncAttempts = 0 },
		"retry_initial":     func(c *orchestrator.Config) { c.RetryInitial = time.Hour },
		"lock_lease":        func(c *orchestrator.Config) { c.LockLease = time.Second },
		"history_retention": func(c *orchestrator.Config) { c.HistoryRetention = c.SyncTimeout - 1 },
		"max_file_bytes":    func(c *orchestrator.Config) { c.MaxFileBytes = 0 },
	} {
		cfg := orchestrator.DefaultConfig()
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		spoil(&cfg)
		_, err := orchestrator.New(cfg, &app.Process{})
		if !errs.HasCode(err, errs.ConfigurationInvalid) || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// TestALagThatIsNotKnown (S19): Redis can't tell how many entries a group has not read, after one was deleted in
// between. The age of the oldest one shows that something waits.
func TestALagThatIsNotKnown(t *testing.T) {
	t.Parallel()
	n := newNode(t, redistest.Start(t).URL(), newStages().serve(t), testConfig(), "a")
	stream := events.BusStream(0)
	if err := n.conn.Main.XGroupCreateMkStream(t.Context(), stream, "listeners", "0").Err(); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := n.conn.Main.XAdd(t.Context(), &redis.XAddArgs{
			Stream: stream, ID: fmt.Sprintf("%d-1", 1000+i),
			Values: []any{"e", "x"},
		}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.conn.Main.XDel(t.Context(), stream, "1001-1").Err(); err != nil {
		t.Fatal(err)
	}
	info, err := n.conn.Main.XInfoGroups(t.Context(), stream).Result()
	if lag := must(t, info, err)[0].Lag; lag != -1 {
		t.Fatalf("the lag is %d", lag)
	}
	if text := n.scrape(); !strings.Contains(text, `fgd_event_oldest_seconds{group="listeners"} 1.`) {
		t.Errorf("the age is not shown:\n%s", text)
	}
}
