package notify_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/services/bridge/internal/notify"
	"fgdsync.dev/testkit/redistest"
)

// try tries a target of a bridge that does nothing else.
func (w *world) try(target string) notify.Trial {
	w.t.Helper()
	service, err := w.service(w.conn, "a")
	if err != nil {
		w.t.Fatal(err)
	}
	tried, err := service.Try(w.t.Context(), target)
	if err != nil {
		w.t.Fatal(err)
	}
	if text := tried.Error + tried.Remedy; strings.Contains(text, "planted") || strings.Contains(text, secret) ||
		(tried.Error == "") != (tried.Remedy == "") {
		w.t.Errorf("the trial says %+v", tried)
	}
	return tried
}

// TestATargetIsTried with one message, which is signed as all are; what comes of it is told, and kept nowhere.
func TestATargetIsTried(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	if tried := w.try("ops"); tried.Status != http.StatusOK || tried.Error != "" {
		t.Errorf("the trial says %+v", tried)
	}
	r.expect(t, "fgd.test")[0].requireSigned(t, secret)
	r.answers(status(http.StatusServiceUnavailable))
	if tried := w.try("ops"); tried.Status != http.StatusServiceUnavailable || tried.Error != "it answers 503" {
		t.Errorf("the trial says %+v", tried)
	}
	r.expect(t, "fgd.test")
	w.config.AllowedPrivateNetworks = nil
	if tried := w.try("ops"); tried.Status != 0 || !strings.Contains(tried.Error, "not permitted") {
		t.Errorf("the trial says %+v", tried)
	}
	w.environment = nil
	if tried := w.try("ops"); tried.Status != 0 || !strings.Contains(tried.Error, "HEDGEHOG_FGD_NOTIFY_SECRET") {
		t.Errorf("the trial says %+v", tried)
	}
	r.none(t)
	if keys := conn.Main.Keys(t.Context(), "*").Val(); len(keys) != 0 {
		t.Errorf("Redis has %v", keys)
	}
}

func TestSlackIsTriedInItsForm(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	w := newWorld(t, redistest.Start(t).Conn(t), fmt.Sprintf("targets: [{name: ops, form: slack, url: '%s'}]", r.url))
	w.try("ops")
	one := <-r.news
	if text, _ := one.body["text"].(string); !strings.Contains(text, "Nothing is the matter") || one.body["type"] != nil {
		t.Errorf("it is told %s", one.raw)
	}
}

func TestATargetThatIsNotThereIsNotTried(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.Start(t).Conn(t), to(newReceiver(t)))
	service, err := w.service(w.conn, "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.Try(t.Context(), "others"); !errs.HasCode(err, errs.InvalidRequest) {
		t.Errorf("the error is %v", err)
	}
}

// TestStandings say what a target took last, and what it did not.
func TestStandings(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := newReceiver(t)
	w := newWorld(t, conn, to(r))
	service, err := w.service(conn, "a")
	if err != nil {
		t.Fatal(err)
	}
	standing := func() notify.Standing {
		all, err := service.Standings(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%v, %v", all, err)
		}
		return all[0]
	}
	if s := standing(); s.Name != "ops" || s.Form != "standard" || !s.SentAt.IsZero() || !s.FailedAt.IsZero() {
		t.Errorf("before anything it is %+v", s)
	}
	w.run(service)
	w.failed(fabric, "s1", "FGD_4001")
	w.settled(fabric, "ops")
	if s := standing(); s.SentAt.IsZero() || !s.FailedAt.IsZero() || s.DeadLetters != 0 {
		t.Errorf("when it has taken one it is %+v", s)
	}
	r.answers(status(http.StatusServiceUnavailable))
	w.failed(fabric, "s2", "FGD_3005")
	w.settled(fabric, "ops")
	if s := standing(); s.FailedAt.IsZero() || s.Error != "it answers 503" || s.DeadLetters != 1 || s.Waiting != 0 {
		t.Errorf("when it has not taken one it is %+v", s)
	}
}

// TestWhatWaitsForATargetThatIsGone is dropped when no bridge has had the target for ten minutes, and said.
func TestWhatWaitsForATargetThatIsGone(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r, hangs := newReceiver(t), newReceiver(t)
	hangs.answers(func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
	w := newWorld(t, conn, strings.TrimSuffix(to(r), "]\n")+
		", {name: old, url: '"+hangs.url+"', secret_ref: 'env:HEDGEHOG_FGD_NOTIFY_SECRET'}]\n")
	stop := w.bridge(conn, "a")
	w.failed(fabric, "s1", "FGD_4001")
	hangs.expect(t, "fabric.sync_failed FGD_4001")
	stop()
	w.write(to(r))
	waits := func() int64 { return conn.Main.XLen(t.Context(), events.NotificationStream("old")).Val() }
	w.ahead.Store(int64(9 * time.Minute))
	stop = w.bridge(conn, "b")
	w.await("the bridge to look twice", w.looks(2))
	stop()
	if waits() != 1 {
		t.Fatalf("after nine minutes %d wait", waits())
	}
	w.ahead.Store(int64(11 * time.Minute))
	w.bridge(conn, "c")
	w.await("what waits to be dropped", func() bool { return waits() == 0 })
	w.await("that to be said", func() bool {
		return strings.Contains(w.log.String(), "no bridge has their target any more")
	})
	if err := testutil.GatherAndCompare(w.metrics, strings.NewReader(`
# HELP fgd_notifications_total Notifications of each target, by what became of them.
# TYPE fgd_notifications_total counter
fgd_notifications_total{outcome="dropped",target="old"} 1
fgd_notifications_total{outcome="failed",target="ops"} 0
fgd_notifications_total{outcome="retried",target="ops"} 0
fgd_notifications_total{outcome="sent",target="ops"} 0
`), "fgd_notifications_total"); err != nil {
		t.Error(err)
	}
}

// looks returns what reports whether a bridge has noted its targets so many times more.
func (w *world) looks(times int) func() bool {
	seen := func() int64 {
		text := w.conn.Main.HGet(w.t.Context(), events.NotificationTargets(), "ops seen").Val()
		at, _ := strconv.ParseInt(text, 10, 64)
		return at
	}
	last := seen()
	return func() bool {
		if at := seen(); at != last {
			last, times = at, times-1
		}
		return times <= 0
	}
}
