package outbox

import (
	"slices"
	"time"

	"golang.org/x/time/rate"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

const (
	// recordEdits and fabricEdits are how many changes within a minute people make of a record, and requests of a fabric.
	// What makes more is no person, or two systems that answer each other.
	recordEdits = 4
	fabricEdits = 60
)

// calm returns the records of a group that change no more often than people change them. The others are held until
// somebody says that they go on.
func (d *delivery) calm(group []*netboxv1.Receipt) []*netboxv1.Receipt {
	fresh := func(r *netboxv1.Receipt) bool { return !r.GetHeard()[0].GetCounted() }
	if !slices.ContainsFunc(group, fresh) { // they only wait
		return group
	}
	at := d.whenDone(group[0].GetHeard()[0])
	if !d.budget.AllowN(at, 1) {
		for _, r := range group {
			d.storm(r, "the records of the fabric change more often than people change them")
		}
		return nil
	}
	var quiet []*netboxv1.Receipt
	for _, r := range group {
		k := keyOf(r)
		if d.budgets[k] == nil {
			d.budgets[k] = perMinute(recordEdits)
		}
		if fresh(r) && !d.budgets[k].AllowN(d.whenDone(r.GetHeard()[0]), 1) {
			d.storm(r, "the record changes more often than people change it")
			continue
		}
		r.Heard[0].Counted = true
		d.touch(r)
		quiet = append(quiet, r)
	}
	return quiet
}

// whenDone returns when something was done in NetBox; not later than now, whatever clock it is of.
func (d *delivery) whenDone(h *netboxv1.Heard) time.Time {
	if at, now := whenOf(h), d.deps.Now(); !at.After(now) {
		return at
	}
	return d.deps.Now()
}

func (d *delivery) storm(r *netboxv1.Receipt, message string) {
	d.fail(r, netboxv1.State_STATE_HELD, netboxv1.Reason_REASON_STORM, message)
	d.deps.Metrics.edits.WithLabelValues("storm").Inc()
}

// goOn has what is held because it changes too often go on.
func (d *delivery) goOn() {
	waiting := 0
	for k, r := range d.receipts {
		if r.GetProblem().GetReason() != netboxv1.Reason_REASON_STORM {
			continue
		}
		delete(d.budgets, k)
		if waiting += len(r.GetHeard()); len(r.GetHeard()) > recordEdits {
			d.budgets[k] = rate.NewLimiter(rate.Every(time.Minute/recordEdits), len(r.GetHeard()))
		}
		d.merge(r)
	}
	if waiting > 0 {
		d.budget = rate.NewLimiter(rate.Every(time.Minute/fabricEdits), fabricEdits+waiting)
	}
}

func perMinute(edits int) *rate.Limiter {
	return rate.NewLimiter(rate.Every(time.Minute/time.Duration(edits)), edits)
}
