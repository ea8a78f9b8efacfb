package orchestrator_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/paging"
	"fgdsync.dev/testkit/redistest"
)

func TestNoiseGoesToTheDeadLetters(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.add(35, "\xff no work entry")
		b.expect(b.sync(35, nil), completed)
		b.idle(35)
		if found := b.log.of("dead-lettered", "stream", events.WorkStream(events.ShardOf(35))); len(found) != 1 {
			t.Errorf("the log has %v", found)
		}
		if n := b.conn.Main.XLen(t.Context(), events.DeadLetterStream(events.ShardOf(35))).Val(); n != 1 {
			t.Errorf("%d dead letters", n)
		}
		if err := testutil.GatherAndCompare(b.metrics, strings.NewReader(`
# HELP fgd_dead_letters_total Work entries that went to the dead letters.
# TYPE fgd_dead_letters_total counter
fgd_dead_letters_total 1
`), "fgd_dead_letters_total"); err != nil {
			t.Error(err)
		}
	})
}

// TestNothingIsAfterTheLastDeadLetter: a token says where a page ended, and anybody can write one for a place where
// nothing is.
func TestNothingIsAfterTheLastDeadLetter(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		query, err := paging.New(1, "", "dead letters")
		if err != nil {
			t.Fatal(err)
		}
		const most = "18446744073709551615"
		for _, last := range []string{most + "-" + most + "/0", "9223372036854775807-" + most + "/7"} {
			_, err = b.ListDeadLetters(t.Context(), &adminv1.ListDeadLettersRequest{PageToken: query.Next(last)})
			if err != nil {
				t.Errorf("%s: %v", last, err)
			}
		}
	})
}

// TestASyncThatIsNeverDoneEnds: its entry was delivered again and again, and it stood in the way of the next one.
func TestASyncThatIsNeverDoneEnds(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	b := &bench{stages: newStages()}
	peers := b.serve(t)
	b.node = newNode(t, server.URL(), peers, testConfig(), "a").run()
	b.fabric(b.stages, 35, "f1")
	b.stop()
	b.node = newNode(t, server.URL(), peers, testConfig(), "b")
	stuck, waiting := b.start(35, &syncv1.SyncOptions{ForceRefresh: true}), b.start(35, nil)
	work := events.WorkStream(events.ShardOf(35))
	if err := b.conn.Main.Eval(t.Context(), `
local got = redis.call('XREADGROUP', 'GROUP', 'orchestrators', 'dead', 'STREAMS', KEYS[1], '>')
return redis.call('XCLAIM', KEYS[1], 'orchestrators', 'dead', 0, got[1][2][1][1], 'RETRYCOUNT', 20, 'IDLE', 100000, 'JUSTID')`, []string{work}).Err(); err != nil {
		t.Fatal(err)
	}
	b.run()
	got := b.await(stuck)
	b.expect(got, failed)
	if e := got.GetErrors()[0]; e.GetCode() != "FGD_3004" || !strings.Contains(e.GetRemedy(), "log") {
		t.Errorf("errors %v", got.GetErrors())
	}
	b.expect(b.await(waiting), completed)
	letters := b.conn.Main.XRange(t.Context(), events.DeadLetterStream(events.ShardOf(35)), "-", "+").Val()
	if len(letters) != 1 || letters[0].Values["origin"] != work ||
		!strings.Contains(letters[0].Values["error"].(string), "20 times") {
		t.Errorf("dead letters %v", letters)
	}
	b.replaysOnce(stuck)
}

// replaysOnce (S12): the dead letter of a sync starts one like it, however often it is replayed.
func (b *bench) replaysOnce(syncID string) {
	b.t.Helper()
	list, err := b.ListDeadLetters(b.t.Context(), &adminv1.ListDeadLettersRequest{})
	letters := must(b.t, list, err).GetDeadLetters()
	if len(letters) != 1 || letters[0].GetSyncId() != syncID || letters[0].GetFabricId() != 35 ||
		letters[0].GetDeliveries() < 20 || letters[0].GetTime().AsTime().Before(time.Now().Add(-time.Minute)) {
		b.t.Fatalf("listed %v", letters)
	}
	replay := &adminv1.ReplayDeadLettersRequest{Ids: []string{letters[0].GetId()}}
	answer, err := b.ReplayDeadLetters(b.as("Jo"), replay)
	again := must(b.t, answer, err).GetReplayed()[0].GetSyncId()
	got := b.await(again)
	b.expect(got, completed)
	if !got.GetOptions().GetForceRefresh() || got.GetRequestedBy() != "Jo" || again == syncID {
		b.t.Errorf("started %v", got)
	}
	if _, err := b.ReplayDeadLetters(b.t.Context(), replay); errs.KindOf(err) != errs.NotFound {
		b.t.Errorf("a second time: %v", err)
	}
	for _, id := range []string{"", "3", "3/", "3/x", "9/1-1", "-1/1-1", "3/1-1", "x/1-1"} {
		if _, err := b.ReplayDeadLetters(b.t.Context(),
			&adminv1.ReplayDeadLettersRequest{Ids: []string{id}}); errs.KindOf(err) != errs.NotFound {
			b.t.Errorf("%q: %v", id, err)
		}
	}
}

// TestNoiseIsReplayedAsItWas: a newer program may be able to read it.
func TestNoiseIsReplayedAsItWas(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.add(35, "\xff no work entry")
		b.untilDead(1)
		list, err := b.ListDeadLetters(t.Context(), &adminv1.ListDeadLettersRequest{Limit: 1})
		first := must(t, list, err).GetDeadLetters()[0]
		answer, err := b.ReplayDeadLetters(t.Context(), &adminv1.ReplayDeadLettersRequest{Ids: []string{first.GetId()}})
		if replayed := must(t, answer, err).GetReplayed(); len(replayed) != 1 || replayed[0].GetSyncId() != "" {
			t.Errorf("replayed %v", replayed)
		}
		b.idle(35)
		b.untilDead(1)
		list, err = b.ListDeadLetters(t.Context(), &adminv1.ListDeadLettersRequest{})
		if letters := must(t, list, err).GetDeadLetters(); len(letters) != 1 || letters[0].GetId() == first.GetId() {
			t.Errorf("listed %v, after %v", letters, first)
		}
		if _, err := b.ListDeadLetters(t.Context(),
			&adminv1.ListDeadLettersRequest{Limit: 1001}); errs.KindOf(err) != errs.Invalid {
			t.Errorf("limit: %v", err)
		}
	})
}

// untilDead waits for so many dead letters.
func (b *bench) untilDead(want int64) {
	b.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for b.conn.Main.XLen(b.t.Context(), events.DeadLetterStream(events.ShardOf(35))).Val() != want {
		<-ticker.C
	}
}

// TestDeadLettersOfNotifications are listed with those of syncs, and go back to where they came from.
func TestDeadLettersOfNotifications(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		target := events.NotificationStream("ops")
		if err := b.conn.Main.XAdd(t.Context(), &redis.XAddArgs{
			Stream: events.NotificationDeadLetters(0),
			Values: []any{events.Field, "told", "origin", target, "entry", "1-1", "deliveries", "4", "error", "away"},
		}).Err(); err != nil {
			t.Fatal(err)
		}
		list, err := b.ListDeadLetters(t.Context(), &adminv1.ListDeadLettersRequest{})
		letters := must(t, list, err).GetDeadLetters()
		if len(letters) != 1 || letters[0].GetSyncId() != "" || letters[0].GetError() != "away" {
			t.Fatalf("listed %v", letters)
		}
		_, err = b.ReplayDeadLetters(t.Context(), &adminv1.ReplayDeadLettersRequest{Ids: []string{letters[0].GetId()}})
		if n := b.conn.Main.XLen(t.Context(), target).Val(); err != nil || n != 1 {
			t.Errorf("%v, and %d wait", err, n)
		}
	})
}
