package orchestrator_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/health"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/redistest"
)

// part returns what a part of the service says of itself.
func (n *node) part(name string) error {
	n.t.Helper()
	for _, part := range n.service.Parts() {
		if part.Name == name {
			return part.Check(n.t.Context())
		}
	}
	n.t.Fatalf("there is no part %s", name)
	return nil
}

// requirePart fails the test unless a part has a status, with a reason that says something.
func (n *node) requirePart(name string, status health.Status, reason string) {
	n.t.Helper()
	var trouble *health.Trouble
	err := n.part(name)
	if !errors.As(err, &trouble) || trouble.Status != status || !strings.Contains(trouble.Reason, reason) ||
		trouble.Remedy == "" || (trouble.Details == nil) != (status == health.Unknown) {
		n.t.Errorf("%s: %+v (%v)", name, trouble, err)
	}
}

// TestPartsSayWhatIsTheMatter: each by its real cause, and no more once that is gone.
func TestPartsSayWhatIsTheMatter(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	cfg := testConfig()
	cfg.LedgerFile = filepath.Join(t.TempDir(), "ledger.db")
	n := newNode(t, server.URL(), newStages().serve(t), cfg, "a")
	for _, part := range n.service.Parts() {
		if err := part.Check(t.Context()); err != nil {
			t.Errorf("all is well, and %s says %v", part.Name, err)
		}
	}
	work := events.WorkStream(3)
	must(t, 0, n.conn.Main.XGroupCreateMkStream(t.Context(), work, "orchestrators", "0").Err())
	must(t, 0, n.conn.Main.XAdd(t.Context(), &redis.XAddArgs{
		Stream: work, ID: "1000-1", Values: []any{events.Field, "x"},
	}).Err())
	n.requirePart(health.Queue, health.Degraded, "has been waiting")
	must(t, 0, n.conn.Main.XGroupDestroy(t.Context(), work, "orchestrators").Err())
	n.requirePart(health.Queue, health.Degraded, "the consumer group orchestrators is gone; 1 syncs wait")
	must(t, 0, n.conn.Main.Del(t.Context(), work).Err())
	told := events.BusStream(5)
	must(t, 0, n.conn.Main.XGroupCreateMkStream(t.Context(), told, "listeners", "0").Err())
	must(t, 0, n.conn.Main.XAdd(t.Context(), &redis.XAddArgs{
		Stream: told, ID: "1000-1", Values: []any{events.Field, "x"},
	}).Err())
	n.requirePart(health.Events, health.Degraded, "The consumer group listeners has not handled events for")
	must(t, 0, n.conn.Main.XGroupDestroy(t.Context(), told, "listeners").Err())
	dead := events.DeadLetterStream(3)
	must(t, 0, n.conn.Main.XAdd(t.Context(), &redis.XAddArgs{Stream: dead, Values: []any{events.Field, "x"}}).Err())
	n.requirePart(health.DeadLetters, health.Degraded, "could not be handled: 1.")
	must(t, 0, n.conn.Main.Del(t.Context(), dead).Err())
	for _, name := range []string{health.Queue, health.Events, health.DeadLetters} {
		if err := n.part(name); err != nil {
			t.Errorf("%s is well again, and says %v", name, err)
		}
	}
	must(t, 0, os.Remove(cfg.LedgerFile))
	if err := n.part(health.Ledger); !errs.HasCode(err, errs.LedgerUnusable) || !strings.Contains(err.Error(), "removed") {
		t.Errorf("the ledger was removed: %v", err)
	}
	server.Kill(t)
	if err := n.part(health.Redis); !errs.HasCode(err, errs.RedisConnectionFailed) {
		t.Errorf("without Redis: %v", err)
	}
	n.requirePart(health.Queue, health.Unknown, "Redis does not answer")
	n.requirePart(health.DeadLetters, health.Unknown, "Redis does not answer")
	n.requirePart(health.Events, health.Unknown, "Redis does not answer")
	n.requirePart(health.Clock, health.Unknown, "Redis does not answer")
}

// TestAGroupThatIsGoneIsMadeAnew: while nobody runs, the health says that work waits which nobody reads; whoever runs
// makes the group anew and does the work. One that is taken away while it runs is told of in the log.
func TestAGroupThatIsGoneIsMadeAnew(t *testing.T) {
	t.Parallel()
	server, s := redistest.Start(t), newStages()
	n := newNode(t, server.URL(), s.serve(t), testConfig(), "a")
	created, err := n.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: definition(1, "f")})
	must(t, created, err)
	n.requirePart(health.Queue, health.Degraded, "the consumer group orchestrators is gone; 1 syncs wait")
	n.run()
	n.expect(n.await(created.GetSyncId()), syncv1.State_STATE_COMPLETED)
	n.idle(1)
	if err := n.part(health.Queue); err != nil {
		t.Errorf("the work is done, and the health says %v", err)
	}
	for shard := range events.Shards {
		must(t, 0, n.conn.Main.XGroupDestroy(t.Context(), events.WorkStream(shard), "orchestrators").Err())
	}
	n.expect(n.sync(1, nil), syncv1.State_STATE_COMPLETED)
	const told = "the consumer group was gone, and was made anew: all that is in the stream is read again"
	if lines := n.log.of(told, "group", "orchestrators"); len(lines) == 0 || len(lines) > events.Shards {
		t.Errorf("the log says %d times that the group was made anew", len(lines))
	}
	if err := n.part(health.Queue); err != nil {
		t.Errorf("the group was made anew, and the health says %v", err)
	}
}

// TestASeriesIsThereBeforeItsFirstEvent: the first failure is an increase then.
func TestASeriesIsThereBeforeItsFirstEvent(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	n := newNode(t, server.URL(), newStages().serve(t), testConfig(), "a")
	var want []string
	for _, trigger := range []string{"manual", "webhook", "scheduled", "fabric_created"} {
		want = append(want, `fgd_sync_duration_seconds_count{trigger="`+trigger+`"} 0`)
		for _, status := range []string{"completed", "failed", "cancelled"} {
			want = append(want, `fgd_sync_total{status="`+status+`",trigger="`+trigger+`"} 0`)
		}
	}
	for _, code := range []string{"FGD_1001", "FGD_3002", "FGD_4004", "FGD_5003"} {
		want = append(want, `fgd_sync_failures_total{code="`+code+`"} 0`)
	}
	n.shows(append(want, `fgd_redis_up 1`, `fgd_queue_depth 0`, `fgd_dead_letters 0`,
		`fgd_event_oldest_seconds{group="orchestrators"} 0`)...)
	if strings.Contains(n.scrape(), "unspecified") {
		t.Error("there is a series of a trigger that no sync has")
	}
	server.Kill(t)
	n.shows(`fgd_redis_up 0`)
	n.scrape()
	if lines := n.log.of("backlog not measured", "level", "WARN"); len(lines) != 1 {
		t.Errorf("without Redis each scrape is a line of the log: %v", lines)
	}
}
