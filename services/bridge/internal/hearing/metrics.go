package hearing

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count what was heard, of all NetBoxes together.
type Metrics struct {
	changes  *prometheus.CounterVec
	compares *prometheus.CounterVec
	hooks    *prometheus.CounterVec
	behind   prometheus.Gauge
}

// NewMetrics makes them, once for a process.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fgd_netbox_changes_total",
			Help: "Changes in NetBox that were heard, by who told of them and what became of them.",
		}, []string{"source", "outcome"}),
		compares: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fgd_netbox_compares_asked_total",
			Help: "Comparisons of everything with NetBox that were asked for, by why and what came of it.",
		}, []string{"cause", "outcome"}),
		hooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fgd_netbox_webhooks_total", Help: "Webhooks of NetBox, by what was answered.",
		}, []string{"outcome"}),
		behind: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fgd_netbox_feed_blocked_seconds",
			Help: "For how long an open transaction in NetBox has held back its feed of changes.",
		}),
	}
	for _, c := range []prometheus.Collector{m.changes, m.compares, m.hooks, m.behind} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register the metrics: %w", err)
		}
	}
	m.bear()
	return m, nil
}

// bear makes all series: of one that is born late no rate shows the birth.
func (m *Metrics) bear() {
	for _, source := range []string{fromLog, fromFeed} {
		for _, outcome := range []string{"kept", "known", "echo", "elsewhere", "other_branch"} {
			m.changes.WithLabelValues(source, outcome)
		}
	}
	for _, cause := range []string{"due", "gap"} {
		for _, outcome := range []string{"ok", "failed"} {
			m.compares.WithLabelValues(cause, outcome)
		}
	}
	for _, outcome := range []string{accepted, ignored, repeated, notSigned, notRead, off} {
		m.hooks.WithLabelValues(outcome)
	}
}

func (m *Metrics) heard(source, outcome string) { m.changes.WithLabelValues(source, outcome).Inc() }

func (m *Metrics) compared(cause string, err error) {
	outcome := "ok"
	if err != nil {
		outcome = "failed"
	}
	m.compares.WithLabelValues(cause, outcome).Inc()
}

func (m *Metrics) hook(outcome string) { m.hooks.WithLabelValues(outcome).Inc() }

func (m *Metrics) blocked(since, now time.Time) {
	seconds := 0.0
	if !since.IsZero() {
		seconds = max(0, now.Sub(since).Seconds())
	}
	m.behind.Set(seconds)
}
