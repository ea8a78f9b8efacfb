package fabricstatus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// Numbers shows in metrics how all fabrics are, as they were when they were last counted. Every orchestrator shows the
// same. No fabric is named: a list says which ones they are.
type Numbers struct {
	store *state.Store
	now   func() time.Time

	fabrics *prometheus.GaugeVec
	overdue prometheus.Gauge
	oldest  prometheus.Gauge
}

// NewNumbers returns numbers that are 0 until somebody counts.
func NewNumbers(registry prometheus.Registerer, store *state.Store, now func() time.Time) (*Numbers, error) {
	n := &Numbers{
		store: store, now: now,
		fabrics: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fgd_fabrics", Help: "Fabrics of the whole system, by how each is.",
		}, []string{"state"}),
		overdue: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fgd_fabrics_overdue",
			Help: "Fabrics that sync by themselves and of which no sync has completed for two intervals, in the whole system.",
		}),
		oldest: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fgd_oldest_success_age_seconds",
			Help: "Time since the last sync that completed, of the fabric that syncs by itself and has waited the longest.",
		}),
	}
	if err := errors.Join(registry.Register(n.fabrics), registry.Register(n.overdue),
		registry.Register(n.oldest)); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	n.show(tally{})
	return n, nil
}

// tally is what is counted.
type tally struct {
	states  map[fabricv1.FabricState]int
	overdue int
	oldest  time.Duration
}

// RunOnce counts. When it can't, the numbers stay as they were.
func (n *Numbers) RunOnce(ctx context.Context) error {
	fabrics, err := n.store.Fabrics(ctx)
	if err != nil {
		return err
	}
	sights, err := n.store.Look(ctx, fabrics)
	if err != nil {
		return err
	}
	found, now := tally{states: map[fabricv1.FabricState]int{}}, n.now()
	for i, f := range fabrics {
		found.add(f, sights[i].Standing, now)
	}
	n.show(found)
	return nil
}

// add counts a fabric. Success is missed of those alone that sync by themselves, and may publish what they find.
func (t *tally) add(f *fabricv1.Fabric, s state.Standing, now time.Time) {
	word, _ := judge(f, s, now)
	t.states[word]++
	if word == fabricv1.FabricState_FABRIC_STATE_SUSPENDED || interval(f) == 0 {
		return
	}
	t.oldest = max(t.oldest, now.Sub(since(f, s)))
	if overdue(f, s, now) {
		t.overdue++
	}
}

func (n *Numbers) show(t tally) {
	for number := range fabricv1.FabricState_name {
		if word := fabricv1.FabricState(number); word != fabricv1.FabricState_FABRIC_STATE_UNSPECIFIED {
			n.fabrics.WithLabelValues(strings.ToLower(strings.TrimPrefix(word.String(), "FABRIC_STATE_"))).
				Set(float64(t.states[word]))
		}
	}
	n.overdue.Set(float64(t.overdue))
	n.oldest.Set(t.oldest.Seconds())
}
