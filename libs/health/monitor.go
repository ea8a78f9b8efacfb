package health

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	checkTimeout = 2 * time.Second
	checkGrace   = 500 * time.Millisecond
	// period is how often a monitor looks by itself, so that the log and the metrics have what nobody asks for.
	period = 5 * time.Second
)

// Monitor finds out how the services of a process and their parts are: when it is asked, and every few seconds.
type Monitor struct {
	logOf     func(service string) *slog.Logger
	ready, up *prometheus.GaugeVec

	services map[string][]Part // the service itself comes first
	journals map[string]*Journal
	names    []string // of the services, in the order in which they were added
}

// NewMonitor returns a monitor of nothing yet. What it says of a service goes to the log that logOf returns for it.
func NewMonitor(logOf func(service string) *slog.Logger, registry prometheus.Registerer) *Monitor {
	m := &Monitor{
		logOf: logOf, services: map[string][]Part{}, journals: map[string]*Journal{},
		ready: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fgd_ready", Help: "Whether a service of this process can take work: 1 or 0.",
		}, []string{"service"}),
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fgd_component_up", Help: "Whether a part of a service of this process is healthy: 1 or 0.",
		}, []string{"component"}),
	}
	registry.MustRegister(m.ready, m.up)
	return m
}

// Add takes in a service, and its parts. It is called before anything else.
func (m *Monitor) Add(service string, ready Check, parts ...Part) {
	m.names = append(m.names, service)
	m.journals[service] = NewJournal(m.logOf(service), time.Now)
	m.services[service] = append([]Part{{service, ready}}, parts...)
	m.ready.WithLabelValues(service)
	for _, part := range parts {
		m.up.WithLabelValues(part.Name)
	}
}

// Look finds out how a service and its parts are, the service first; nothing when there is no such service.
func (m *Monitor) Look(ctx context.Context, service string) ([]State, error) {
	found := Examine(ctx, m.services[service])
	if ctx.Err() != nil { // which says nothing of the components
		return nil, fmt.Errorf("look at %s: %w", service, context.Cause(ctx))
	}
	for i, state := range found {
		found[i] = m.journals[service].Note(ctx, state)
		gauge := m.up
		if i == 0 {
			gauge = m.ready
		}
		gauge.WithLabelValues(state.Name).Set(number(state.Status == Healthy))
	}
	return found, nil
}

func number(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// Run looks until ctx ends.
func (m *Monitor) Run(ctx context.Context) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		for _, service := range m.names {
			if _, err := m.Look(ctx, service); err != nil {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
