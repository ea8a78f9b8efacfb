package outbox

import (
	"time"

	"golang.org/x/time/rate"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// mostFights is how often within a minute a record is overwritten because Git wins. Whatever changes it back that often
// does so whenever it is written.
const mostFights = 4

// digestOf returns what a record says; absent for one that is not there.
func digestOf(k key, record hnp.Record) string {
	if record.ID == 0 {
		return absent
	}
	return record.Content(k.kind).Digest(k.kind)
}

// isFor reports whether a record is to be overwritten that says this.
func isFor(r *netboxv1.Receipt, says string) bool { return r.GetForced() && r.GetTheirs() == says }

// keepsChanging reports whether a record is held because it was overwritten too often.
func keepsChanging(r *netboxv1.Receipt) bool {
	return r.GetProblem().GetReason() == netboxv1.Reason_REASON_KEEPS_CHANGING
}

// mayFight reports whether a record may be overwritten once more because Git wins.
func (d *delivery) mayFight(r *netboxv1.Receipt) bool {
	if keepsChanging(r) {
		return false
	}
	k := keyOf(r)
	if d.fights[k] == nil {
		d.fights[k] = rate.NewLimiter(rate.Every(time.Minute/mostFights), mostFights)
	}
	return d.fights[k].AllowN(d.deps.Now(), 1)
}

// differs decides about a record that somebody else has changed since both sides agreed, or that they never agreed
// about. A record without a number is not there any more.
func (d *delivery) differs(r *netboxv1.Receipt, record hnp.Record) {
	if r.GetWanted().GetUnknown() {
		return
	}
	r.Theirs = digestOf(keyOf(r), record)
	if d.bothWays() {
		d.notice(r, record)
		return
	}
	switch wins := d.gitWins(); {
	case wins && d.mayFight(r):
		d.force(r, record)
	case wins:
		r.RecordId, r.LastUpdated = record.ID, ""
		d.fail(r, netboxv1.State_STATE_HELD, netboxv1.Reason_REASON_KEEPS_CHANGING,
			"whenever the record is overwritten, something in NetBox changes it again")
		d.deps.Metrics.records.WithLabelValues("keeps_changing").Inc()
		d.name(r, record)
	case record.ID == 0:
		d.fail(r, netboxv1.State_STATE_HELD, netboxv1.Reason_REASON_DELETED_IN_NETBOX,
			"the record was deleted in NetBox, and its file is there")
	case r.GetWanted().GetDeleted():
		r.RecordId, r.LastUpdated = record.ID, "" // it is looked at again before it is written
		d.fail(r, netboxv1.State_STATE_HELD, netboxv1.Reason_REASON_CHANGED_IN_NETBOX,
			"the record was changed in NetBox, and its file was deleted")
	default:
		r.RecordId, r.LastUpdated = record.ID, ""
		d.fail(r, netboxv1.State_STATE_HELD, netboxv1.Reason_REASON_CHANGED_IN_NETBOX,
			"the record says something else than its file, and was not written by FGD Sync")
		d.name(r, record)
	}
}

// force has a record become what Git says, because Git wins.
func (d *delivery) force(r *netboxv1.Receipt, record hnp.Record) {
	r.RecordId, r.LastUpdated, r.Forced, r.ForcedBy = record.ID, record.LastUpdated, true, ""
	if record.ID == 0 {
		r.Agreed = nil
	}
	d.touch(r)
}
