package access

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

const (
	reading  = bridgev1.SyncService_GetSyncStatus_FullMethodName
	starting = bridgev1.SyncService_TriggerSync_FullMethodName
)

// limited are limits at a time that a test sets.
type limited struct {
	*limits
	at time.Time
}

func newLimited(t *testing.T, most Limits) *limited {
	t.Helper()
	l := &limited{at: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)}
	limits, err := newLimits(most, prometheus.NewRegistry(), func() time.Time { return l.at })
	if err != nil {
		t.Fatal(err)
	}
	l.limits = limits
	return l
}

// TestACallerHasABucket: twice the requests of a second at once, then so many a second, and it is said when to come
// again.
func TestACallerHasABucket(t *testing.T) {
	t.Parallel()
	l := newLimited(t, Limits{RequestsPerSecond: 4, TriggersPerMinute: 100, Listeners: 1})
	for i := range 8 {
		if err := l.call("a", reading, rule{}); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	err := l.call("a", reading, rule{})
	if !errs.HasCode(err, errs.CallerLimited) || errs.From(err).RetryAfter != time.Second/4 {
		t.Errorf("one more: %v after %s", err, errs.From(err).RetryAfter)
	}
	if err := l.call("b", reading, rule{}); err != nil {
		t.Errorf("another caller: %v", err)
	}
	if err := l.call("a", bridgev1.HealthService_GetHealth_FullMethodName, rule{}); err != nil {
		t.Errorf("health: %v", err)
	}
	l.at = l.at.Add(time.Second / 4)
	if err := l.call("a", reading, rule{}); err != nil {
		t.Errorf("after the stated time: %v", err)
	}
	if n := testutil.ToFloat64(l.refused.WithLabelValues(limitRequests)); n != 1 {
		t.Errorf("%v were counted", n)
	}
}

// TestTriggersHaveABucketOfTheirOwn: a hundred at once pass, and who may start no more may still look.
func TestTriggersHaveABucketOfTheirOwn(t *testing.T) {
	t.Parallel()
	l := newLimited(t, Limits{RequestsPerSecond: 1000, TriggersPerMinute: 120, Listeners: 1})
	starts := rule{starts: true}
	for i := range 120 {
		if err := l.call("a", starting, starts); err != nil {
			t.Fatalf("trigger %d: %v", i, err)
		}
	}
	err := l.call("a", starting, starts)
	if !errs.HasCode(err, errs.CallerLimited) || errs.From(err).RetryAfter != time.Second/2 {
		t.Errorf("one more: %v after %s", err, errs.From(err).RetryAfter)
	}
	if err := l.call("a", reading, rule{}); err != nil {
		t.Errorf("a look: %v", err)
	}
	l.at = l.at.Add(time.Second / 2)
	if err := l.call("a", starting, starts); err != nil {
		t.Errorf("after the stated time: %v", err)
	}
}

// TestListenersAreGivenBack: as many as are open count, and nothing stays of who has gone.
func TestListenersAreGivenBack(t *testing.T) {
	t.Parallel()
	l := newLimited(t, Limits{RequestsPerSecond: 1000, TriggersPerMinute: 1, Listeners: 2})
	first, err := l.listen("a", reading)
	if err != nil {
		t.Fatal(err)
	}
	second, err := l.listen("a", reading)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.listen("a", reading); !errs.HasCode(err, errs.CallerLimited) || errs.From(err).RetryAfter == 0 {
		t.Errorf("a third: %v", err)
	}
	first()
	third, err := l.listen("a", reading)
	if err != nil {
		t.Fatalf("after one has ended: %v", err)
	}
	second()
	third()
	if len(l.listeners) != 0 {
		t.Errorf("left is %v", l.listeners)
	}
}

// TestTheMemoryOfCallersIsBounded: whoever has many addresses does not fill it.
func TestTheMemoryOfCallersIsBounded(t *testing.T) {
	t.Parallel()
	l := newLimited(t, Limits{RequestsPerSecond: 1, TriggersPerMinute: 1, Listeners: 1})
	first := l.of("first")
	for i := range rememberedCallers {
		l.of(fmt.Sprint(i))
	}
	if l.of("first") == first {
		t.Error("the first is still there")
	}
}

// TestWhoACallerIs: tokens are told apart by their ids, and people by their subjects, whatever they are called. Where
// nobody is asked the addresses of one network are one.
func TestWhoACallerIs(t *testing.T) {
	t.Parallel()
	from := netip.MustParseAddr("2001:db8::1")
	for want, p := range map[string]*Principal{
		"token abc":                       {Name: "x", Method: ByToken, TokenID: "abc"},
		"address 2001:db8::/64":           {Name: "api", Method: ByNone},
		"subject https://id.example 7b2e": {Name: "alice", Method: ByOIDC, Subject: "https://id.example 7b2e"},
	} {
		if got := p.caller(from); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
