package outbox

import (
	"slices"
	"time"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

const (
	// rememberedFor is how long a request without an answer may be done late, and how long it is remembered that a record
	// is gone; longer, where the record was not looked at since.
	rememberedFor = time.Hour
	// mostDoubted is how many of such requests are remembered of a record.
	mostDoubted = 8
)

// absent stands for the digest of a record that is not there.
const absent = "absent"

// doubt notes that a request to write what is wanted had no answer.
func (d *delivery) doubt(r *netboxv1.Receipt) {
	says := r.GetWanted().GetDigest()
	if r.GetWanted().GetDeleted() {
		says = absent
	}
	doubted := slices.DeleteFunc(r.GetDoubted(), func(other string) bool { return other == says })
	doubted = append(doubted, says)
	r.Doubted, r.DoubtedAt = doubted[max(0, len(doubted)-mostDoubted):], d.now()
	d.touch(r)
}

// isLate reports whether a record says what a request of ours may have done late. Where people's changes count, who did
// it is told before it is decided.
func (d *delivery) isLate(r *netboxv1.Receipt, says string) bool {
	return !d.bothWays() && d.doubted(r, says)
}

// doubted reports whether a record says what a request without an answer did.
func (d *delivery) doubted(r *netboxv1.Receipt, says string) bool {
	return slices.Contains(r.GetDoubted(), says)
}

func (d *delivery) longAgo(at time.Time) bool { return d.deps.Now().Sub(at) > rememberedFor }

// forgetOld forgets records that are gone for long, and requests that nobody does any more. What came of those was
// looked at, but for records that are to be written: NetBox may have been away all the time.
func (d *delivery) forgetOld() {
	for k, r := range d.receipts {
		switch {
		case buried(r) && d.longAgo(r.GetVerifiedAt().AsTime()):
			d.drop(k)
		case r.GetState() == netboxv1.State_STATE_PENDING, merging(r):
		case r.GetDoubtedAt() != nil && d.longAgo(r.GetDoubtedAt().AsTime()):
			r.Doubted, r.DoubtedAt = nil, nil
			d.touch(r)
		}
	}
}
