package outbox

import (
	"slices"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// mostNamed is how many places are named at which a record differs from its file.
const mostNamed = 8

// name notes where a record that somebody has changed differs from its file. When what the file says is not at hand,
// that is read in the next pass, and the record kept until then.
func (d *delivery) name(r *netboxv1.Receipt, record hnp.Record) {
	wanted := r.GetWanted()
	reason := r.GetProblem().GetReason()
	if reason != netboxv1.Reason_REASON_CHANGED_IN_NETBOX && reason != netboxv1.Reason_REASON_KEEPS_CHANGING ||
		wanted.GetDeleted() || wanted.GetInvalid() {
		return
	}
	content, there := d.contents[keyOf(r)]
	if !there {
		d.unnamed[keyOf(r)] = record
		return
	}
	places, total := d.client.Differences(record, r.GetKind(), content, mostNamed)
	if slices.Equal(places, r.GetProblem().GetDiffering()) && int32(total) == r.GetProblem().GetDifferingTotal() {
		return
	}
	r.Problem.Differing, r.Problem.DifferingTotal = places, int32(total)
	d.touch(r)
}

// nameAll notes it of all records that are kept for that. What every file says was read.
func (d *delivery) nameAll() {
	for k, record := range d.unnamed {
		if _, there := d.contents[k]; there {
			d.name(d.receipts[k], record)
		}
	}
	clear(d.unnamed)
}
