package githubsync

import (
	"fmt"
	"math"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of the service.
type metrics struct {
	requests  *prometheus.CounterVec
	circuits  *prometheus.GaugeVec
	waiting   prometheus.Gauge
	remaining *prometheus.GaugeVec
	pushers   prometheus.Gauge
	commits   prometheus.Histogram
	kept      prometheus.Gauge
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fgd_github_requests_total",
			Help: "Requests to Git hosts, by operation and status code; over SSH ok or error.",
		}, []string{"operation", "code"}),
		circuits: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fgd_circuit_state", Help: "Breakers of Git hosts: 0 closed, 1 half open, 2 open.",
		}, []string{"target"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fgd_git_requests_waiting",
			Help: "Requests to Git hosts that wait because as many as are allowed are under way.",
		}),
		remaining: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fgd_github_rate_limit_remaining",
			Help: "Requests to the API of GitHub that the last answer left before a limit.",
		}, nil),
		pushers: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fgd_pushes_waiting",
			Help: "Publishers that wait for a push: one to their branch is under way, or push_limits lets none go.",
		}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "fgd_push_commits", Help: "Commits of a push.", Buckets: []float64{1, 2, 5, 10, 20, 50, 100},
		}),
		kept: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fgd_store_bytes", Help: "Bytes of fetched repositories on the disk, when they were last looked at.",
		}),
	}
	for _, c := range []prometheus.Collector{
		m.requests, m.circuits, m.waiting, m.remaining, m.pushers, m.commits, m.kept,
	} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	m.begin()
	return m, nil
}

// begin brings the series into being whose labels are known: of one that is born at its first failure, no rate shows
// that failure. Nobody knows yet what GitHub leaves, which is no number.
func (m *metrics) begin() {
	for _, service := range []string{"git-upload-pack", "git-receive-pack"} {
		for _, code := range []string{"200", "401", "403", "404", "429", "500", "503", "ok", "error"} {
			m.requests.WithLabelValues("refs "+service, code)
			m.requests.WithLabelValues(service, code)
		}
	}
	m.remaining.WithLabelValues().Set(math.NaN())
}
