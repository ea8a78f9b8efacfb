package health_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
)

// patient is a service with one part, each of which can be made ill.
type patient struct {
	*health.Monitor
	registry *prometheus.Registry
	log      bytes.Buffer
	ill      atomic.Pointer[error]
	looked   atomic.Int32
}

func newPatient() *patient {
	p := &patient{registry: prometheus.NewRegistry()}
	log := slog.New(slog.NewJSONHandler(&p.log, nil))
	p.Monitor = health.NewMonitor(func(service string) *slog.Logger { return log.With("service", service) }, p.registry)
	p.Add("orchestrator", func(context.Context) error { return nil }, health.Part{Name: health.Redis, Check: p.check})
	return p
}

func (p *patient) check(context.Context) error {
	p.looked.Add(1)
	if ill := p.ill.Load(); ill != nil {
		return *ill
	}
	return nil
}

func (p *patient) fall(ill error) { p.ill.Store(&ill) }

// value returns that of a gauge that has one label.
func (p *patient) value(t *testing.T, metric, label string) float64 {
	t.Helper()
	families, err := p.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == metric && m.GetLabel()[0].GetValue() == label {
				return m.GetGauge().GetValue()
			}
		}
	}
	t.Errorf("there is no %s of %s", metric, label)
	return -1
}

// TestAMonitorTellsOfChanges: each is one line, however long it lasts; state, time and metrics have it too.
func TestAMonitorTellsOfChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPatient()
		if p.value(t, "fgd_ready", "orchestrator") != 0 || p.value(t, "fgd_component_up", "redis") != 0 {
			t.Error("it knows how they are before it has looked")
		}
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); p.Run(ctx) }()
		synctest.Wait()
		if p.log.Len() != 0 || p.value(t, "fgd_component_up", "redis") != 1 || p.value(t, "fgd_ready", "orchestrator") != 1 {
			t.Errorf("all is well, and it says %s", &p.log)
		}
		p.fall(errs.New(errs.RedisConnectionFailed, "Redis is away."))
		fell := time.Now()
		time.Sleep(time.Minute)
		synctest.Wait()
		if lines := strings.Count(p.log.String(), "\n"); lines != 1 || !strings.Contains(p.log.String(), "Redis is away.") ||
			!strings.Contains(p.log.String(), `"service":"orchestrator"`) ||
			p.looked.Load() < 10 || p.value(t, "fgd_component_up", "redis") != 0 {
			t.Errorf("looked %d times, and said %s", p.looked.Load(), &p.log)
		}
		states, err := p.Look(t.Context(), "orchestrator")
		if err != nil || len(states) != 2 || states[0].Status != health.Healthy {
			t.Fatalf("%+v, %v", states, err)
		}
		redis := states[1]
		if redis.Status != health.Unhealthy || redis.Reason != "Redis is away." || redis.Remedy == "" ||
			redis.Since.Before(fell) || redis.Since.After(fell.Add(10*time.Second)) {
			t.Errorf("it fell ill at %s: %+v", fell, redis)
		}
		p.fall(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if lines := strings.Count(p.log.String(), "\n"); lines != 2 || !strings.Contains(p.log.String(), "healthy again") {
			t.Errorf("it is well again, and said %s", &p.log)
		}
		end()
		<-ended
	})
}

// TestTroubleHasTheStatusThatItNames, and a check that hangs is not waited for.
func TestTroubleHasTheStatusThatItNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPatient()
		p.fall(&health.Trouble{Status: health.Degraded, Reason: "It is slow.", Remedy: "Wait."})
		states, err := p.Look(t.Context(), "orchestrator")
		if err != nil || states[1].Status != health.Degraded || states[1].Reason != "It is slow." ||
			states[1].Remedy != "Wait." {
			t.Errorf("%+v, %v", states, err)
		}
		p.Add("slow", func(ctx context.Context) error {
			<-ctx.Done()
			return errs.New(errs.RedisConnectionFailed, "Redis says nothing.")
		})
		states, err = p.Look(t.Context(), "slow")
		if err != nil || states[0].Status != health.Unhealthy || states[0].Reason != "Redis says nothing." {
			t.Errorf("it is slow: %+v, %v", states, err)
		}
		hung := make(chan struct{})
		p.Add("store", func(context.Context) error { <-hung; return nil })
		states, err = p.Look(t.Context(), "store")
		if err != nil || states[0].Status != health.Unhealthy || !strings.Contains(states[0].Reason, "did not answer") {
			t.Errorf("it hangs: %+v, %v", states, err)
		}
		close(hung)
		if states, err := p.Look(t.Context(), "nobody"); err != nil || len(states) != 0 {
			t.Errorf("nobody: %+v, %v", states, err)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := p.Look(gone, "orchestrator"); err == nil {
			t.Error("who asked has gone, and it says how they are")
		}
	})
}
