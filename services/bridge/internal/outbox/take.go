package outbox

import (
	"context"
	"reflect"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

// Asked is what somebody wants of a delivery, beside what it does by itself.
type Asked struct {
	Number           int64                           // another one for each that asks; 0 for nobody
	Commit           string                          // which deletions are confirmed for: what was to be delivered then
	By               string                          // who that is
	Overwrite        bool                            // records that were changed in NetBox become what Git says
	Said             int64                           // the number that this was said with; it counts once
	ConfirmDeletions bool                            // records go, although they are many
	Calm             bool                            // what is held because it changes too often goes on
	Resolutions      map[string]*netboxv1.Resolution // conflicts that are to be settled, by a name of each wish
}

// take notes what Git wants now, and writes it down before anything is done about it.
func (d *delivery) take(ctx context.Context, asked Asked) error {
	published := d.linked.GetPublished()
	if asked.Number != 0 && asked.Number == d.state.GetAsked() && (asked.Overwrite || asked.ConfirmDeletions) {
		if err := d.deps.Store.answered(ctx, d.linked.GetFabricId(), asked); err != nil { // who noted it has died
			return err
		}
	}
	if published == nil {
		return nil
	}
	anew := asked.Number != 0 && asked.Number != d.state.GetAsked()
	if anew { // before anything that may fail: it is for what is so now
		d.ask(asked)
		if err := d.save(ctx); err != nil {
			return err
		}
		if err := d.deps.Store.answered(ctx, d.linked.GetFabricId(), asked); err != nil {
			return err
		}
	}
	whole := anew || d.unsure || d.unread() || len(d.unnamed) > 0
	if !whole && !d.isForced(published) && published.GetCommit() == d.state.GetWantedCommit() {
		return nil
	}
	if err := d.read(ctx, published, whole); err != nil {
		d.unsure = true // some of it was read
		return err
	}
	d.nameAll()
	d.confirm(published)
	d.state.WantedCommit, d.unsure = published.GetCommit(), false
	return d.save(ctx)
}

// unread reports whether a record is to be written whose content is not at hand.
func (d *delivery) unread() bool {
	for k, r := range d.receipts {
		w := r.GetWanted()
		if _, there := d.contents[k]; !there && !w.GetDeleted() && r.GetState() == netboxv1.State_STATE_PENDING {
			return true
		}
	}
	return false
}

// ask does what somebody wants: what was refused is tried again, and what is held is let go where that is said.
func (d *delivery) ask(asked Asked) {
	overwrite := asked.Overwrite && asked.Said > d.state.GetAsked()
	d.state.Asked = asked.Number
	if asked.ConfirmDeletions && asked.Commit == d.state.GetWantedCommit() {
		d.state.ConfirmedCommit = asked.Commit
	}
	if asked.Calm {
		d.goOn()
	}
	for _, r := range d.receipts {
		switch reason := r.GetProblem().GetReason(); {
		case merging(r), reason == netboxv1.Reason_REASON_STORM:
		case r.GetWanted().GetUnknown(), reason == netboxv1.Reason_REASON_INVALID_FILE:
		case isMass(r):
		case overwrite && r.GetTheirs() != "": // be it held, or looked at again just now
			d.overwrite(r, asked.By)
		case r.GetState() == netboxv1.State_STATE_UNDELIVERABLE:
			d.pend(r)
		case r.GetState() == netboxv1.State_STATE_HELD:
			d.lookAgain(r)
		}
	}
}

// lookAgain has a record that is held be looked at: both sides may say the same by now.
func (d *delivery) lookAgain(r *netboxv1.Receipt) {
	r.LastUpdated = ""
	d.pend(r)
}

// overwrite has a record become what Git says, if it still says what it was held for last.
func (d *delivery) overwrite(r *netboxv1.Receipt, by string) {
	if r.GetTheirs() == absent {
		r.RecordId, r.LastUpdated, r.Agreed = 0, "", nil
	}
	d.pend(r)
	r.Forced, r.ForcedBy = true, by
}

// same reports whether nobody wants anything else.
func (a Asked) same(b Asked) bool {
	wishes := len(a.Resolutions) + len(b.Resolutions)
	a.Resolutions, b.Resolutions = nil, nil
	return wishes == 0 && reflect.DeepEqual(a, b)
}
