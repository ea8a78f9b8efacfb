package outbox

import (
	"context"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// listing is all records of a NetBox, by fabric and kind.
type listing map[int64]map[string][]hnp.Record

// list lists all records of all fabrics.
func list(ctx context.Context, client *hnp.Client) (listing, error) {
	all := listing{}
	for _, kind := range hnp.Kinds() {
		records, err := client.List(ctx, kind)
		if err != nil {
			return nil, err
		}
		for _, record := range records {
			if all[record.Fabric] == nil {
				all[record.Fabric] = map[string][]hnp.Record{}
			}
			all[record.Fabric][kind] = append(all[record.Fabric][kind], record)
		}
	}
	return all, nil
}

// compare compares all records with what is known of them. What looks wrong is listed again before it counts, while
// nothing is written here: the listing is of before, and something may have been written since. The caller holds mu.
func (d *delivery) compare(ctx context.Context, all listing) error {
	here := all[int64(d.state.GetNetboxFabric())]
	for _, kind := range hnp.Kinds() {
		if d.matches(kind, here[kind], nil) {
			continue
		}
		records, err := d.client.List(ctx, kind)
		if err != nil {
			return err
		}
		d.matches(kind, of(records, int64(d.state.GetNetboxFabric())), d.differs)
	}
	d.retry()
	d.forgetOld()
	d.state.ComparedAt = d.now()
	return d.save(ctx)
}

func of(records []hnp.Record, fabric int64) []hnp.Record {
	var own []hnp.Record
	for _, record := range records {
		if record.Fabric == fabric {
			own = append(own, record)
		}
	}
	return own
}

// matches reports whether the records of a kind are those that are known and say what they should. With a function, it
// notes what is so, and calls the function for what is not.
func (d *delivery) matches(kind string, records []hnp.Record, differs func(*netboxv1.Receipt, hnp.Record)) bool {
	same, found := true, map[key]bool{}
	for _, record := range records {
		k := key{kind, record.Namespace, record.Name}
		found[k] = true
		r := d.receipts[k]
		if r != nil && d.known(r, record) {
			continue
		}
		same = false
		if differs != nil {
			d.reconsider(r, k, record, differs)
		}
	}
	for k, r := range d.receipts {
		if k.kind != kind || found[k] {
			continue
		}
		if r.GetRecordId() == 0 && r.GetAgreed() == nil {
			if d.isDangling(r) {
				if same = false; differs != nil {
					d.reopen(r)
				}
			}
			continue
		}
		same = false
		if differs != nil {
			d.missing(r, differs)
		}
	}
	return same
}

// known reports whether a record is as its receipt says, and notes when it was seen so.
func (d *delivery) known(r *netboxv1.Receipt, record hnp.Record) bool {
	says := record.Content(r.GetKind()).Digest(r.GetKind())
	switch r.GetState() {
	case netboxv1.State_STATE_PROVEN:
		if buried(r) || says != r.GetWanted().GetDigest() || record.ID != r.GetRecordId() {
			return false
		}
		r.VerifiedAt = d.now()
		if record.LastUpdated != r.GetLastUpdated() {
			r.LastUpdated = record.LastUpdated
			d.touch(r)
		}
		return true
	case netboxv1.State_STATE_HELD:
		if d.bothWays() && !isMass(r) {
			return d.knownHeld(r, record, says)
		}
		if r.GetProblem().GetReason() == netboxv1.Reason_REASON_DELETED_IN_NETBOX {
			return false // somebody has made it again
		}
		if d.gitWins() && !r.GetWanted().GetUnknown() && !isMass(r) && !keepsChanging(r) {
			return false
		}
		if !r.GetWanted().GetUnknown() && !isMass(r) && r.GetTheirs() != says {
			r.Theirs = says
			d.touch(r)
		}
		d.name(r, record)
		return says != r.GetWanted().GetDigest() || r.GetWanted().GetDeleted() || r.GetWanted().GetUnknown()
	case netboxv1.State_STATE_PENDING, netboxv1.State_STATE_UNDELIVERABLE, netboxv1.State_STATE_UNSPECIFIED,
		netboxv1.State_STATE_MERGING, netboxv1.State_STATE_WITHOUT_MODEL:
	}
	return true // it is looked at before it is written
}

// knownHeld reports whether a record still says what it is held for.
func (d *delivery) knownHeld(r *netboxv1.Receipt, record hnp.Record, says string) bool {
	switch r.GetProblem().GetReason() {
	case netboxv1.Reason_REASON_STORM:
		return true
	case netboxv1.Reason_REASON_AUTO_SYNC_OFF:
		return !record.AutoSync && says == r.GetTheirs()
	case netboxv1.Reason_REASON_REFUSED_BY_GIT:
		return says == r.GetTheirs()
	default: // one that is in no conflict is held since changes went one way alone
		return says == r.GetTheirs() && isOpen(r.GetConflict())
	}
}

// reconsider notes what a record says that was not expected.
func (d *delivery) reconsider(
	r *netboxv1.Receipt, k key, record hnp.Record, differs func(*netboxv1.Receipt, hnp.Record),
) {
	if r == nil {
		r = &netboxv1.Receipt{Kind: k.kind, Namespace: k.namespace, Name: k.name, RecordId: record.ID}
		r.Wanted = &netboxv1.Wanted{Unknown: true}
		d.receipts[k] = r
		d.stranger(r, record)
		return
	}
	if buried(r) {
		d.exhume(r, record)
		return
	}
	switch says := record.Content(k.kind).Digest(k.kind); {
	case says == r.GetWanted().GetDigest() && !r.GetWanted().GetDeleted():
		d.prove(r, record) // somebody made it what Git says
		return
	case d.isLate(r, says):
		r.RecordId, r.LastUpdated, r.Agreed = record.ID, record.LastUpdated, &netboxv1.Agreed{Digest: says}
		d.pend(r)
		return
	}
	differs(r, record)
	if r.GetForced() {
		d.pend(r)
	}
}

// exhume decides about a record that was gone and is there again. When a request to make it had no answer, it may have
// been done only now: the record goes again. Else somebody has made it.
func (d *delivery) exhume(r *netboxv1.Receipt, record hnp.Record) {
	r.RecordId, r.LastUpdated = record.ID, record.LastUpdated
	switch late := d.doubted(r, digestOf(keyOf(r), record)); {
	case late && d.bothWays():
		d.notice(r, record)
	case late:
		d.pend(r)
	default:
		r.Wanted = &netboxv1.Wanted{Unknown: true}
		d.stranger(r, record)
	}
}

// missing notes that a record is not there any more.
func (d *delivery) missing(r *netboxv1.Receipt, differs func(*netboxv1.Receipt, hnp.Record)) {
	switch {
	case merging(r):
	case r.GetWanted().GetUnknown():
		d.drop(keyOf(r))
	case r.GetWanted().GetDeleted():
		d.bury(r)
	case d.isLate(r, absent):
		d.makeAgain(r)
	case r.GetState() == netboxv1.State_STATE_PROVEN, r.GetState() == netboxv1.State_STATE_HELD && d.isNews(r):
		differs(r, hnp.Record{})
		if r.GetForced() {
			d.pend(r)
		}
	}
}

// isNews reports whether it is news that the record is gone that somebody has to decide about.
func (d *delivery) isNews(r *netboxv1.Receipt) bool {
	if d.bothWays() {
		return !isMass(r) && (!isOpen(r.GetConflict()) || r.GetTheirs() != absent)
	}
	return r.GetProblem().GetReason() != netboxv1.Reason_REASON_DELETED_IN_NETBOX
}

// isDangling reports whether a record is held that is not there, and that no file is known of: Git may not have one any
// more either.
func (d *delivery) isDangling(r *netboxv1.Receipt) bool {
	return d.bothWays() && r.GetState() == netboxv1.State_STATE_HELD && r.GetWanted().GetUnknown() &&
		isOpen(r.GetConflict())
}

// makeAgain has a record made that a request of ours has deleted late.
func (d *delivery) makeAgain(r *netboxv1.Receipt) {
	r.RecordId, r.LastUpdated, r.Agreed = 0, "", nil
	d.pend(r)
}

// retry has records written again that may be taken now: somebody may have given a right, or mended the plugin.
func (d *delivery) retry() {
	for _, r := range d.receipts {
		switch r.GetProblem().GetReason() {
		case netboxv1.Reason_REASON_FORBIDDEN, netboxv1.Reason_REASON_PLUGIN_DEFECT, netboxv1.Reason_REASON_NETBOX_FAILS:
			d.pend(r)
		default:
		}
	}
}
