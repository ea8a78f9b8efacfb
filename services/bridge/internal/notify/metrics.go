package notify

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// What can become of a notification.
const (
	sent    = "sent"
	retried = "retried"
	failed  = "failed"
	// dropped is for what waited for a target that is no longer there.
	dropped = "dropped"
)

// metrics are what is counted of notifications.
type metrics struct {
	notifications *prometheus.CounterVec
	waiting       *prometheus.GaugeVec
}

func newMetrics(registry prometheus.Registerer, targets []Target) (*metrics, error) {
	m := &metrics{
		notifications: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fgd_notifications_total",
			Help: "Notifications of each target, by what became of them.",
		}, []string{"target", "outcome"}),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fgd_notifications_waiting",
			Help: "Notifications that wait for each target, in Redis.",
		}, []string{"target"}),
	}
	if err := errors.Join(registry.Register(m.notifications), registry.Register(m.waiting)); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	for _, t := range targets {
		m.waiting.WithLabelValues(t.Name)
		for _, outcome := range []string{sent, retried, failed} {
			m.notifications.WithLabelValues(t.Name, outcome)
		}
	}
	return m, nil
}

func (m *metrics) count(target, outcome string) {
	m.notifications.WithLabelValues(target, outcome).Inc()
}

// measure looks how much waits for each target.
func (s *Service) measure(ctx context.Context) error {
	for _, t := range s.store.targets {
		n, err := s.store.waiting(ctx, t.Name)
		if err != nil {
			return err
		}
		s.metrics.waiting.WithLabelValues(t.Name).Set(float64(n))
	}
	return nil
}
