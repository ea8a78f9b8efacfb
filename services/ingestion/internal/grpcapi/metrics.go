package grpcapi

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
)

// Labels of the metrics.
const (
	preExisting = "pre_existing"
	ok          = "ok"
	invalid     = "invalid"
	quarantined = "quarantined"
)

// Metrics counts files.
type Metrics struct {
	files    *prometheus.CounterVec
	duration prometheus.Histogram
}

// NewMetrics returns the metrics and registers them.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		files: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fgd_files_processed_total",
			Help: "Files that an ingestion read, by where they stood and what became of them.",
		}, []string{"file_type", "status"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "fgd_file_processing_duration_seconds", Help: "Time an ingestion took, divided by its files.",
			Buckets: prometheus.ExponentialBuckets(0.00001, 4, 10),
		}),
	}
	for _, c := range []prometheus.Collector{m.files, m.duration} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register metric: %w", err)
		}
	}
	for _, where := range []string{layout.Managed, layout.Raw, preExisting} {
		for _, outcome := range []string{ok, invalid, quarantined} { // of a series that is born late no rate shows the birth
			m.files.WithLabelValues(where, outcome)
		}
	}
	return m, nil
}

// observe counts the files of an ingestion.
func (m *Metrics) observe(result *pipeline.Result, took time.Duration) {
	status := map[*document.File]string{}
	for _, item := range result.Plan.Items {
		switch {
		case item.Outcome == plan.Quarantined:
			status[item.File] = quarantined
		case item.Doc == nil || !item.Doc.Valid:
			status[item.File] = invalid
		case status[item.File] == "":
			status[item.File] = ok
		}
	}
	for file, s := range status {
		m.files.WithLabelValues(fileType(file), s).Inc()
	}
	if len(status) > 0 {
		m.duration.Observe(took.Seconds() / float64(len(status)))
	}
}

func fileType(file *document.File) string {
	switch {
	case file.Managed:
		return layout.Managed
	case layout.Part(file.Path) == layout.Raw:
		return layout.Raw
	}
	return preExisting
}
