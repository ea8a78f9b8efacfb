package access

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/recent"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Limits are how much one caller may ask for: RESOURCE_EXHAUSTED (FGD_1061) for what is more.
type Limits struct {
	RequestsPerSecond int // twice as many at once
	TriggersPerMinute int // calls that start syncs; as many at once
	Listeners         int // streams that are open at the same time
}

const (
	// rememberedCallers bounds the memory. A caller who is forgotten begins anew.
	rememberedCallers = 10_000
	// listenerPause is when it makes sense to try again to listen: nobody knows when another stream ends.
	listenerPause = 5 * time.Second
)

// What is limited, as the metric calls it.
const (
	limitRequests  = "requests"
	limitTriggers  = "triggers"
	limitListeners = "listeners"
)

// limits hold every caller to what one may ask for, so that nobody takes the system from all others.
type limits struct {
	most    atomic.Pointer[Limits]
	now     func() time.Time
	refused *prometheus.CounterVec

	mu        sync.Mutex
	callers   *recent.Cache[string, *buckets]
	listeners map[string]int // open streams by caller; only those that are there
}

// buckets are what a caller may still ask for.
type buckets struct{ requests, triggers *rate.Limiter }

func newLimits(most Limits, metrics prometheus.Registerer, now func() time.Time) (*limits, error) {
	callers, err := recent.New[string, *buckets](rememberedCallers)
	if err != nil {
		return nil, err
	}
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fgd_caller_limited_total", Help: "Calls that were refused because their caller had too many, by limit.",
	}, []string{"limit"})
	if err := metrics.Register(refused); err != nil {
		return nil, fmt.Errorf("register the metrics: %w", err)
	}
	for _, limit := range []string{limitRequests, limitTriggers, limitListeners} {
		refused.WithLabelValues(limit) // of a series that is born late no rate shows the birth
	}
	l := &limits{now: now, refused: refused, callers: callers, listeners: map[string]int{}}
	l.most.Store(&most)
	return l, nil
}

// SetLimits has other limits count from now on. Every caller begins anew with them.
func (a *Access) SetLimits(most Limits) error { return a.limits.set(most) }

func (l *limits) set(most Limits) error {
	callers, err := recent.New[string, *buckets](rememberedCallers)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most.Store(&most)
	l.callers = callers
	return nil
}

// callerOf returns who the call of ctx counts for: a token, a subject, or where nobody is asked who they are, an
// address. A service that speaks for people is one caller.
func callerOf(ctx context.Context) string { return PrincipalOf(ctx).caller(SourceOf(ctx)) }

func (p *Principal) caller(from netip.Addr) string {
	switch {
	case p.TokenID != "":
		return "token " + p.TokenID
	case p.Method == ByOIDC: // by the subject: a name is what somebody may choose, and another person have too
		return "subject " + p.Subject
	}
	return "address " + Network(from).String()
}

// call counts a call of a caller, and refuses it when there were too many.
func (l *limits) call(caller, method string, r rule) error {
	if method == bridgev1.HealthService_GetHealth_FullMethodName {
		return nil // who looks after the system has to see it
	}
	mine, now := l.of(caller), l.now()
	if wait := take(mine.requests, now); wait > 0 {
		return l.refuse(limitRequests, wait, "one may make %d requests in a second", l.most.Load().RequestsPerSecond)
	}
	if !r.starts {
		return nil
	}
	if wait := take(mine.triggers, now); wait > 0 {
		return l.refuse(limitTriggers, wait, "one may start syncs %d times in a minute", l.most.Load().TriggersPerMinute)
	}
	return nil
}

// listen counts a stream of a caller in, which the function that it returns counts out, and refuses it when there are
// too many.
func (l *limits) listen(caller, method string) (leave func(), err error) {
	if err := l.call(caller, method, rule{}); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if most := l.most.Load().Listeners; l.listeners[caller] >= most {
		return nil, l.refuse(limitListeners, listenerPause, "one may have %d streams open", most)
	}
	l.listeners[caller]++
	return func() { l.leave(caller) }, nil
}

func (l *limits) leave(caller string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listeners[caller]--; l.listeners[caller] == 0 {
		delete(l.listeners, caller)
	}
}

// of returns the buckets of a caller, full ones for a new one.
func (l *limits) of(caller string) *buckets {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, found := l.callers.Get(caller); found {
		return known
	}
	most := l.most.Load()
	fresh := &buckets{
		requests: rate.NewLimiter(rate.Limit(most.RequestsPerSecond), 2*most.RequestsPerSecond),
		triggers: rate.NewLimiter(rate.Limit(float64(most.TriggersPerMinute)/time.Minute.Seconds()),
			most.TriggersPerMinute),
	}
	l.callers.Add(caller, fresh, 1)
	return fresh
}

// take takes one out of a bucket, or returns after how long there is one.
func take(from *rate.Limiter, now time.Time) time.Duration {
	taken := from.ReserveN(now, 1)
	wait := taken.DelayFrom(now)
	if wait > 0 {
		taken.CancelAt(now)
	}
	return wait
}

func (l *limits) refuse(limit string, wait time.Duration, format string, most int) error {
	l.refused.WithLabelValues(limit).Inc()
	return errs.New(errs.CallerLimited, "This caller asks too much: "+format+".", most).WithRetryAfter(wait)
}
