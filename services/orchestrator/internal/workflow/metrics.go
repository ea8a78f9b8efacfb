package workflow

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

type metrics struct {
	total    *prometheus.CounterVec
	failures *prometheus.CounterVec
	duration *prometheus.HistogramVec
	active   prometheus.Gauge
	lockWait prometheus.Histogram
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fgd_sync_total", Help: "Syncs that ended, by trigger and final state.",
		}, []string{"trigger", "status"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fgd_sync_failures_total", Help: "Syncs that failed, by error code.",
		}, []string{"code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fgd_sync_duration_seconds", Help: "Time from accepted to ended.",
			Buckets: []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600},
		}, []string{"trigger"}),
		active: prometheus.NewGauge(prometheus.GaugeOpts{Name: "fgd_active_syncs", Help: "Syncs that run here now."}),
		lockWait: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "fgd_lock_wait_seconds", Help: "Time spent waiting for a fabric's lock.", Buckets: prometheus.DefBuckets,
		}),
	}
	var err error
	for _, c := range []prometheus.Collector{m.total, m.failures, m.duration, m.active, m.lockWait} {
		err = errors.Join(err, registry.Register(c))
	}
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	m.begin()
	return m, nil
}

// begin brings every series into being: of one that is born at its first failure, no rate shows that failure.
func (m *metrics) begin() {
	for trigger := range syncv1.Trigger_name {
		if syncv1.Trigger(trigger) == syncv1.Trigger_TRIGGER_UNSPECIFIED {
			continue
		}
		word := state.TriggerWord(syncv1.Trigger(trigger))
		m.duration.WithLabelValues(word)
		for _, end := range []syncv1.State{
			syncv1.State_STATE_COMPLETED, syncv1.State_STATE_FAILED, syncv1.State_STATE_CANCELLED,
		} {
			m.total.WithLabelValues(word, state.StateWord(end))
		}
	}
	for _, code := range errs.IDs() {
		m.failures.WithLabelValues(code)
	}
}

func (m *metrics) ended(s *syncv1.Sync, outcome error) {
	trigger := state.TriggerWord(s.GetTrigger())
	m.total.WithLabelValues(trigger, state.StateWord(s.GetState())).Inc()
	m.duration.WithLabelValues(trigger).Observe(s.GetCompletedAt().AsTime().Sub(s.GetAcceptedAt().AsTime()).Seconds())
	if s.GetState() == syncv1.State_STATE_FAILED {
		m.failures.WithLabelValues(errs.From(outcome).Code.ID).Inc()
	}
}
