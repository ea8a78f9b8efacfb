package outbox

import (
	"fmt"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

// Records may always be deleted up to fewDeletions at a time, and beyond that up to a part of all that there are.
const (
	fewDeletions         = 10
	mostDeletionsPercent = 30
)

// guard holds deletions that are very many, until somebody says that they are meant: somebody who removed a folder by
// mistake would have the records go with it. What is held is let go by a word alone, or when its file is back.
func (d *delivery) guard() {
	if c := d.state.GetConfirmedCommit(); c != "" && c == d.state.GetWantedCommit() {
		d.letGo()
		return
	}
	var going []*netboxv1.Receipt
	there := 0
	for _, r := range d.receipts {
		if r.GetRecordId() == 0 || r.GetWanted().GetUnknown() {
			continue
		}
		there++
		if r.GetWanted().GetDeleted() && r.GetState() == netboxv1.State_STATE_PENDING {
			going = append(going, r)
		}
	}
	if len(going) <= fewDeletions || len(going)*100 <= mostDeletionsPercent*there {
		return
	}
	for _, r := range going {
		d.fail(r, netboxv1.State_STATE_HELD, netboxv1.Reason_REASON_MASS_DELETION,
			fmt.Sprintf("it is one of %d of %d records that would be deleted", len(going), there))
	}
}

// letGo has what the guard holds be deleted.
func (d *delivery) letGo() {
	for _, r := range d.receipts {
		switch {
		case r.GetState() != netboxv1.State_STATE_HELD || !isMass(r):
		case len(r.GetHeard()) > 0: // they are gone from NetBox
			r.Heard[0].Confirmed = true
			d.merge(r)
		default:
			d.pend(r)
		}
	}
}

// confirm notes for which commit very many records may be deleted. A word is over when another commit is wanted: the
// one that it was for may be wanted once more by mistake. A forced sync is a word too, once.
func (d *delivery) confirm(published *fabricv1.PublishedState) {
	if published.GetCommit() != d.state.GetWantedCommit() {
		d.state.ConfirmedCommit = ""
	}
	if d.isForced(published) {
		d.state.ConfirmedCommit, d.state.ForcedSync = published.GetCommit(), published.GetSyncId()
	}
}

// isForced reports whether a sync was forced, and that is news.
func (d *delivery) isForced(published *fabricv1.PublishedState) bool {
	return published.GetForced() && published.GetSyncId() != d.state.GetForcedSync()
}

// isMass reports whether a record is held because it is one of very many.
func isMass(r *netboxv1.Receipt) bool {
	return r.GetProblem().GetReason() == netboxv1.Reason_REASON_MASS_DELETION
}
