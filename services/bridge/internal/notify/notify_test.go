package notify_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/redistest"
)

// TestAFailureIsToldOnce: when it begins, once for each other code, and once when it is over.
func TestAFailureIsToldOnce(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		r := newReceiver(t)
		w := newWorld(t, conn, to(r))
		w.bridge(conn, "a")
		w.completed(fabric, "s0", nil)
		w.failed(fabric, "s1", "FGD_4001")
		w.failed(fabric, "s2", "FGD_4001")
		w.failed(fabric, "s3", "FGD_3005")
		w.completed(fabric, "s4", &syncv1.SyncOptions{ValidateOnly: true}) // publishes nothing
		w.completed(fabric, "s5", &syncv1.SyncOptions{Scope: syncv1.Scope_SCOPE_DIRECTORY})
		w.settled(fabric, "ops")
		w.completed(fabric, "s6", nil)
		w.completed(fabric, "s7", nil)
		w.settled(fabric, "ops")
		w.failed(fabric, "s8", "FGD_4001")
		all := r.expect(t, "fabric.sync_failed FGD_4001", "fabric.sync_failed FGD_3005", "fabric.recovered",
			"fabric.sync_failed FGD_4001")
		w.settled(fabric, "ops")
		r.none(t)
		ids := map[string]bool{}
		for _, one := range all {
			one.requireSigned(t, secret)
			ids[one.id()] = true
		}
		if len(ids) != len(all) {
			t.Errorf("%d notifications have %d ids", len(all), len(ids))
		}
		want := map[string]any{
			"fabric_id": float64(fabric), "fabric_name": "fabric-1", "cause": "sync_failed", "code": "FGD_4001",
			"message": "The Git host does not answer.", "remedy": "See whether it runs.", "sync_id": "s1",
		}
		if !maps.Equal(all[0].data, want) {
			t.Errorf("it is told %v", all[0].data)
		}
		if over := all[2].data; over["cause"] != "sync_failed" || over["commit_sha"] != "c0ffee" || over["sync_id"] != "s6" {
			t.Errorf("that it is over is told as %v", over)
		}
	})
}

// TestOthersStillReadEvents: what is done with an event here takes it from no other group.
func TestOthersStillReadEvents(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	w.add(fabric, []byte("\xff no event"))
	w.failed(fabric, "s1", "FGD_4001")
	w.bridge(conn, "a")
	r.expect(t, "fabric.sync_failed FGD_4001")
	w.settled(fabric, "ops")
	if n := conn.Main.XLen(t.Context(), events.BusStream(events.ShardOf(fabric))).Val(); n != 2 {
		t.Errorf("the stream has %d events left", n)
	}
	if n := conn.Main.XLen(t.Context(), events.NotificationDeadLetters(events.ShardOf(fabric))).Val(); n != 1 {
		t.Errorf("there are %d dead letters", n)
	}
}

// TestWhatNobodyTakes is tried four times under one id, and is a dead letter then, which can be sent again. Nothing
// that is written down has the address.
func TestWhatNobodyTakes(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	r.answers(status(http.StatusServiceUnavailable))
	w.bridge(conn, "a")
	w.failed(fabric, "s1", "FGD_4001")
	first := r.expect(t, slices.Repeat([]string{"fabric.sync_failed FGD_4001"}, 4)...)
	w.settled(fabric, "ops")
	r.none(t)
	letters := events.NewDeadLetters(conn, events.NotificationDeadLetters(0))
	found, err := letters.List(t.Context(), events.FromOldest, 10)
	if err != nil || len(found) != 1 {
		t.Fatalf("dead letters %v, %v", found, err)
	}
	if text := found[0].Error; !strings.Contains(text, "ops") || !strings.Contains(text, "503") {
		t.Errorf("the dead letter says %s", text)
	}
	if all := w.log.String() + found[0].Error + string(found[0].Payload); strings.Contains(all, "planted") ||
		strings.Contains(all, secret) {
		t.Errorf("a secret is in %s", all)
	}
	r.answers(nil)
	if again, err := letters.Replay(t.Context(), found[0]); err != nil || !again {
		t.Fatalf("replay: %v, %v", again, err)
	}
	last := r.expect(t, "fabric.sync_failed FGD_4001")
	for _, one := range first {
		if one.id() != last[0].id() {
			t.Error("a repetition has another id")
		}
	}
	w.settled(fabric, "ops")
	if err := testutil.GatherAndCompare(w.metrics, strings.NewReader(`
# HELP fgd_notifications_total Notifications of each target, by what became of them.
# TYPE fgd_notifications_total counter
fgd_notifications_total{outcome="failed",target="ops"} 1
fgd_notifications_total{outcome="retried",target="ops"} 3
fgd_notifications_total{outcome="sent",target="ops"} 1
`), "fgd_notifications_total"); err != nil {
		t.Error(err)
	}
}

// TestAReceiverThatHangs holds up neither another one nor what is told of other fabrics.
func TestAReceiverThatHangs(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	hangs, well := newReceiver(t), newReceiver(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	hangs.answers(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	w := newWorld(t, conn, to(hangs)+"  \n")
	w.write(fmt.Sprintf(`targets:
- {name: hangs, url: '%s', secret_ref: 'env:HEDGEHOG_FGD_NOTIFY_SECRET'}
- {name: well, url: '%s', secret_ref: 'env:HEDGEHOG_FGD_NOTIFY_SECRET'}
`, hangs.url, well.url))
	w.bridge(conn, "a")
	for i := range int32(20) {
		w.failed(fabric+i, fmt.Sprint("s", i), "FGD_4001")
	}
	<-hangs.news
	for range 20 {
		<-well.news
	}
}

// TestABridgeThatDiesAfterSending: what it has sent, and may not have noted, is sent again under the same id.
func TestABridgeThatDiesAfterSending(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	r.answers(func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
	stop := w.bridge(conn, "a")
	w.failed(fabric, "s1", "FGD_4001")
	first := r.expect(t, "fabric.sync_failed FGD_4001")
	stop()
	r.answers(nil)
	w.bridge(conn, "a")
	again := r.expect(t, "fabric.sync_failed FGD_4001")
	w.settled(fabric, "ops")
	r.none(t)
	if first[0].id() != again[0].id() {
		t.Error("the repetition has another id")
	}
}

// TestALostReplyTellsOnce: Redis has done what it was not heard to do.
func TestALostReplyTellsOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	lossy, conn := server.Lossy(t), server.Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	lossy.LoseReplyTo("10000") // the most entries of a stream
	w.bridge(lossy.Conn(t), "a")
	w.failed(fabric, "s1", "FGD_4001")
	r.expect(t, "fabric.sync_failed FGD_4001")
	w.settled(fabric, "ops")
	r.none(t)
	if lossy.Lost() != 1 {
		t.Errorf("%d replies were lost", lossy.Lost())
	}
}

// TestSeveralBridgesTellOnce: they share the events of all shards.
func TestSeveralBridgesTellOnce(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	w.bridge(conn, "a")
	w.bridge(conn, "b")
	told := map[any]int{}
	for i := range int32(16) {
		for range 3 {
			w.failed(i+1, fmt.Sprint("s", i), "FGD_4001")
		}
	}
	for range 16 {
		told[(<-r.news).data["fabric_id"]]++
	}
	for i := range int32(events.Shards) {
		w.settled(i, "ops")
	}
	r.none(t)
	if len(told) != 16 {
		t.Errorf("told of %v", told)
	}
}

// TestOnlyPermittedAddressesAreTold: neither an address inside nor what a redirect names, and no address of machinery.
func TestOnlyPermittedAddressesAreTold(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	w.config.AllowedPrivateNetworks = nil
	stop := w.bridge(conn, "a")
	w.failed(fabric, "s1", "FGD_4001")
	w.settled(fabric, "ops")
	r.none(t)
	letters, err := events.NewDeadLetters(conn, events.NotificationDeadLetters(0)).List(t.Context(), events.FromOldest, 10)
	if err != nil || len(letters) != 1 || !strings.Contains(letters[0].Error, "not permitted") {
		t.Fatalf("dead letters %v, %v", letters, err)
	}
	stop()
	w.config.AllowedPrivateNetworks = []string{"127.0.0.0/8"}
	other := newReceiver(t)
	r.answers(func(rw http.ResponseWriter, req *http.Request) {
		http.Redirect(rw, req, other.url, http.StatusTemporaryRedirect)
	})
	w.bridge(conn, "a")
	w.failed(fabric, "s2", "FGD_3005")
	w.settled(fabric, "ops")
	other.none(t)
	if len(r.news) != 4 {
		t.Errorf("%d requests were made", len(r.news))
	}
}

// TestSecretsAreReplaced: while there are two, each signs, and what the reference leads to counts without a restart.
func TestSecretsAreReplaced(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	w.environment["HEDGEHOG_FGD_NOTIFY_SECRET"] = newer + "\n" + secret + "\n"
	w.bridge(conn, "a")
	w.failed(fabric, "s1", "FGD_4001")
	r.expect(t, "fabric.sync_failed FGD_4001")[0].requireSigned(t, newer, secret)
}

// TestSlackIsToldInItsForm: whatever a fabric is called, Slack finds no command in it.
func TestSlackIsToldInItsForm(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, "")
	w.write("targets: [{name: ops, form: slack, url_ref: 'env:HEDGEHOG_FGD_NOTIFY_SLACK', fabrics: [35]}]")
	w.environment["HEDGEHOG_FGD_NOTIFY_SLACK"] = r.url + "\n"
	w.orchestrator.name = "<!channel> & <https://evil.example|x>\n\u202egpj" + strings.Repeat("&", 5000)
	w.bridge(conn, "a")
	w.failed(fabric+events.Shards, "s0", "FGD_4001") // nobody wants to hear of it
	w.failed(fabric, "s1", "FGD_4001")
	one := <-r.news
	text, _ := one.body["text"].(string)
	if strings.ContainsAny(text, "<>\u202e") || len([]rune(text)) > 3000 ||
		!strings.Contains(text, "fabric &lt;!channel&gt; &amp; &lt;https") ||
		!strings.HasSuffix(text, "… (35)\nFGD_4001: The Git host does not answer.\nSee whether it runs.") {
		t.Errorf("the text is %q", text)
	}
	blocks := one.body["blocks"].([]any)[0].(map[string]any)["text"].(map[string]any)
	if blocks["text"] != text || blocks["verbatim"] != true || one.header.Get("webhook-signature") != "" {
		t.Errorf("it is told %s", one.raw)
	}
	w.settled(fabric, "ops")
	r.none(t)
}

// TestQuarantineIsToldUntilItIsEmpty and not until a sync completes.
func TestQuarantineIsToldUntilItIsEmpty(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	w.bridge(conn, "a")
	w.orchestrator.set(func() { w.orchestrator.kept = 1 })
	w.orchestrator.add(&syncv1.Sync{SyncId: "s1", FabricId: fabric, Errors: []*reportv1.Finding{
		{Code: "FGD_1009", File: "raw/other.yaml"},
		{Code: "FGD_1001", File: "raw/a.yaml", Message: "It is no YAML.", Remedy: "Mend line 3."},
	}})
	w.emit(fabric, "file.quarantined", "s1", &eventv1.DocumentsProcessed{Documents: []*ingestionv1.DocumentResult{
		{File: "raw/a.yaml"}, {File: "raw/b.yaml"},
	}})
	w.completed(fabric, "s2", nil)
	one := r.expect(t, "fabric.quarantined FGD_1001")[0]
	if one.data["message"] != "2 documents are in quarantine, raw/a.yaml among them. It is no YAML." {
		t.Errorf("it is told %s", one.raw)
	}
	w.settled(fabric, "ops")
	r.none(t)
	w.orchestrator.set(func() { w.orchestrator.kept, w.orchestrator.away = 0, true })
	w.completed(fabric, "s3", nil)
	w.await("the quarantine to be asked for", func() bool { return strings.Contains(w.log.String(), "stays pending") })
	w.orchestrator.set(func() { w.orchestrator.away = false }) // the event waits for that
	if over := r.expect(t, "fabric.recovered")[0]; over.data["cause"] != "quarantined" {
		t.Errorf("it is told %s", over.raw)
	}
}

// TestConflictsAreToldUntilNoneIsOpen, however many there are.
func TestConflictsAreToldUntilNoneIsOpen(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	w.bridge(conn, "a")
	opened := &eventv1.ConflictChanged{ConflictId: "c1", Kind: "VPC", Namespace: "default", Name: "vpc-1"}
	w.emit(fabric, "conflict.opened", "c0", &eventv1.ConflictChanged{ConflictId: "c0"}) // resolved by now
	w.settled(fabric, "ops")
	w.outbox.set(func() { w.outbox.conflicts = 2 })
	w.emit(fabric, "conflict.opened", "c1", opened)
	w.emit(fabric, "conflict.opened", "c2", &eventv1.ConflictChanged{ConflictId: "c2"})
	if one := r.expect(t, "fabric.conflict")[0]; !strings.Contains(fmt.Sprint(one.data["message"]), "VPC default/vpc-1") {
		t.Errorf("it is told %s", one.raw)
	}
	w.outbox.set(func() { w.outbox.conflicts = 1 })
	w.emit(fabric, "conflict.resolved", "c1", &eventv1.ConflictChanged{ConflictId: "c1"})
	w.settled(fabric, "ops")
	r.none(t)
	w.outbox.set(func() { w.outbox.conflicts = 0 })
	w.emit(fabric, "conflict.resolved", "c2", &eventv1.ConflictChanged{ConflictId: "c2"})
	if over := r.expect(t, "fabric.recovered")[0]; over.data["cause"] != "conflict" {
		t.Errorf("it is told %s", over.raw)
	}
}

// TestWhatWasBeforeIsNotTold: whoever sets notifications up is not told of last week.
func TestWhatWasBeforeIsNotTold(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	w.clock = time.Now().Add(-time.Hour)
	w.failed(fabric, "s1", "FGD_4001")
	stop := w.bridge(conn, "a")
	w.settled(fabric, "ops")
	r.none(t)
	stop()
	w.clock = time.Now()
	w.failed(fabric, "s2", "FGD_4001") // while no bridge runs
	w.bridge(conn, "a")
	r.expect(t, "fabric.sync_failed FGD_4001")
}

// TestABridgeWithoutTargetsLetsGo: a group that nobody reads would keep all events for ever.
func TestABridgeWithoutTargetsLetsGo(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	stop := w.bridge(conn, "a")
	w.failed(fabric, "s1", "FGD_4001")
	r.expect(t, "fabric.sync_failed FGD_4001")
	w.settled(fabric, "ops")
	stop()
	w.file = ""
	service, err := w.service(conn, "a")
	if err != nil {
		t.Fatal(err)
	}
	w.run(service)
	w.await("the group to be gone", func() bool {
		groups, err := conn.Main.XInfoGroups(t.Context(), events.BusStream(events.ShardOf(fabric))).Result()
		return err == nil && len(groups) == 0
	})
}
