package workflow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/telemetry"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// Stages of an attempt, as spans and metrics name them.
const (
	stageSnapshot  = "open_snapshot"
	stageRestore   = "restore"
	stageValidate  = "validation"
	stageEdit      = "edit"
	stageDiscover  = "discovery"
	stageIngest    = "file_ingestion"
	stagePublish   = "github_sync"
	stageReconcile = "reconciliation"
)

type metrics struct {
	total    *prometheus.CounterVec
	failures *prometheus.CounterVec
	faults   prometheus.Counter
	duration *prometheus.HistogramVec
	stages   *prometheus.HistogramVec
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
		faults: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fgd_sync_faults_total",
			Help: "Syncs that failed by a fault of the system, and not of what people wrote or of a Git host.",
		}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fgd_sync_duration_seconds", Help: "Time from accepted to ended.",
			Buckets: []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600},
		}, []string{"trigger"}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fgd_sync_stage_duration_seconds", Help: "Time of a stage of a sync, also of one that failed.",
			Buckets: []float64{0.005, 0.025, 0.1, 0.5, 1, 5, 30, 120},
		}, []string{"stage"}),
		active: prometheus.NewGauge(prometheus.GaugeOpts{Name: "fgd_active_syncs", Help: "Syncs that run here now."}),
		lockWait: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "fgd_lock_wait_seconds", Help: "Time spent waiting for a fabric's lock.", Buckets: prometheus.DefBuckets,
		}),
	}
	var err error
	for _, c := range []prometheus.Collector{
		m.total, m.failures, m.faults, m.duration, m.stages, m.active, m.lockWait,
	} {
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
	for _, stage := range []string{
		stageSnapshot, stageRestore, stageValidate, stageEdit, stageDiscover, stageIngest, stagePublish, stageReconcile,
	} {
		m.stages.WithLabelValues(stage)
	}
}

func (m *metrics) ended(ctx context.Context, s *syncv1.Sync, outcome error) {
	trigger := state.TriggerWord(s.GetTrigger())
	m.total.WithLabelValues(trigger, state.StateWord(s.GetState())).Inc()
	telemetry.Observe(ctx, m.duration.WithLabelValues(trigger),
		s.GetCompletedAt().AsTime().Sub(s.GetAcceptedAt().AsTime()).Seconds())
	if s.GetState() != syncv1.State_STATE_FAILED {
		return
	}
	code := errs.From(outcome).Code
	m.failures.WithLabelValues(code.ID).Inc()
	if isFault(code) {
		m.faults.Inc()
	}
}

// isFault reports whether a code is of the system's own trouble: what the objective counts. Out of time counts too, for
// nobody knows whose trouble that was.
func isFault(code errs.Code) bool {
	return strings.HasPrefix(code.ID, "FGD_5") || code.ID == errs.SyncTimeout.ID || code.ID == errs.SyncFailed.ID
}

// left tells how long a stage took.
func (m *metrics) left(ctx context.Context, stage string, took time.Duration) {
	telemetry.Observe(ctx, m.stages.WithLabelValues(stage), took.Seconds())
}
