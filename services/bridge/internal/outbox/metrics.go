package outbox

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// Metrics are what is counted of deliveries.
type Metrics struct {
	records *prometheus.CounterVec
	compare prometheus.Counter
	edits   *prometheus.CounterVec
}

// NewMetrics registers them.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		records: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fgd_netbox_records_total", Help: "Records of NetBox that were written or not, by what became of each.",
		}, []string{"outcome"}),
		compare: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fgd_netbox_compares_total", Help: "Comparisons of all records of a NetBox with what they should be.",
		}),
		edits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fgd_netbox_edits_total",
			Help: "Changes of records that people made in NetBox, by what became of each in Git.",
		}, []string{"outcome"}),
	}
	err := errors.Join(registry.Register(m.records), registry.Register(m.compare), registry.Register(m.edits))
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	m.begin()
	return m, nil
}

// failed is the outcome of a record that was not written, for no reason of NetBox's.
const failed = "failed"

// outcomes are those of records that were written, by the outcome of the effect.
func outcomes() []string { return []string{"unchanged", "created", "updated", "deleted"} }

// begin brings all series into being: of one that is born late no rate shows the birth.
func (m *Metrics) begin() {
	for _, outcome := range append(outcomes(), failed) {
		m.records.WithLabelValues(outcome)
	}
	for reason := hnp.Unclear; reason <= hnp.Unusable; reason++ {
		m.records.WithLabelValues(reason.String())
	}
	for _, outcome := range []string{"committed", "unchanged", "conflict", "resolved", "storm"} {
		m.edits.WithLabelValues(outcome)
	}
}

// count counts what became of a record.
func (m *Metrics) count(effect hnp.Effect, err error) {
	var said *hnp.Error
	outcome := failed
	switch {
	case err == nil:
		outcome = outcomes()[effect.Outcome]
	case errors.As(err, &said):
		outcome = said.Reason.String()
	}
	m.records.WithLabelValues(outcome).Inc()
}

var (
	unprovenOldest = prometheus.NewDesc("fgd_netbox_unproven_oldest_seconds",
		"Age of the oldest record that is not seen in NetBox as Git says, of those that this process delivers.", nil, nil)
	receiptsNow = prometheus.NewDesc("fgd_netbox_receipts",
		"Records that this process delivers, by where they are.", []string{"state"}, nil)
	stuckNow = prometheus.NewDesc("fgd_netbox_deliveries_stuck",
		"Fabrics of which nothing can be delivered, of those that this process delivers.", nil, nil)
)

// Describe says which metrics there are of what is so now.
func (o *Outbox) Describe(to chan<- *prometheus.Desc) {
	to <- unprovenOldest
	to <- receiptsNow
	to <- stuckNow
}

// Collect tells them.
func (o *Outbox) Collect(to chan<- prometheus.Metric) {
	count, oldest, stuck := map[netboxv1.State]int{}, time.Duration(0), o.unconnected()
	for _, d := range o.deliveries() {
		s := d.summed.Load()
		for state, number := range s.count {
			count[state] += number
		}
		if !s.unprovenSince.IsZero() {
			oldest = max(oldest, o.deps.Now().Sub(s.unprovenSince))
		}
		if s.problem != "" {
			stuck++
		}
	}
	to <- prometheus.MustNewConstMetric(unprovenOldest, prometheus.GaugeValue, oldest.Seconds())
	to <- prometheus.MustNewConstMetric(stuckNow, prometheus.GaugeValue, float64(stuck))
	for _, state := range []netboxv1.State{
		netboxv1.State_STATE_PENDING, netboxv1.State_STATE_PROVEN, netboxv1.State_STATE_UNDELIVERABLE,
		netboxv1.State_STATE_HELD, netboxv1.State_STATE_MERGING, netboxv1.State_STATE_WITHOUT_MODEL,
	} {
		to <- prometheus.MustNewConstMetric(receiptsNow, prometheus.GaugeValue, float64(count[state]), StateName(state))
	}
}

// StateName returns what people call a state.
func StateName(state netboxv1.State) string {
	return strings.ToLower(strings.TrimPrefix(state.String(), "STATE_"))
}
