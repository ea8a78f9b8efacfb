package outbox

import (
	"context"

	"fgdsync.dev/libs/errs"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/merge"
	"fgdsync.dev/services/bridge/internal/netboxsetup"
)

// DryEditFunc has a sync see what edits would come to, and returns the unified diff. It makes none of them.
type DryEditFunc func(ctx context.Context, fabricID int32, set *editv1.EditSet) (diff string, err error)

// Preview is what a resolution would change.
type Preview struct {
	Receipt      *netboxv1.Receipt // as it is
	Diff         string            // of the file; empty when Git would not change
	RecordFields []merge.Path      // of the record in NetBox; merge.Whole when it would be made or deleted
}

// Preview says what a resolution would change, and changes nothing. It is refused as the resolution would be.
func (o *Outbox) Preview(
	ctx context.Context, fabricID int32, wanted *netboxv1.Resolution,
) (Preview, error) {
	d, err := o.look(ctx, fabricID)
	if err != nil {
		return Preview{}, err
	}
	return d.preview(ctx, wanted)
}

// look returns the records of a fabric as whichever bridge delivers them has kept them, for who changes none of them.
func (o *Outbox) look(ctx context.Context, fabricID int32) (*delivery, error) {
	linked, err := o.linked(ctx, fabricID)
	if err != nil {
		return nil, err
	}
	if linked == nil {
		return nil, errs.NoFabric(fabricID)
	}
	client, err := connect(&o.deps, &o.gates, placeOf(linked))
	if err != nil {
		return nil, err
	}
	state, receipts, err := o.deps.Store.read(ctx, fabricID)
	if err != nil {
		return nil, err
	}
	d := &delivery{
		deps: &o.deps, client: client, linked: linked, state: state, receipts: make(map[key]*netboxv1.Receipt, len(receipts)),
	}
	if !d.isHere() { // what is kept is of another NetBox, until the fabric is delivered next
		return d, nil
	}
	for _, r := range receipts {
		d.receipts[keyOf(r)] = r
	}
	return d, nil
}

// preview says what a resolution would change.
func (d *delivery) preview(ctx context.Context, wanted *netboxv1.Resolution) (Preview, error) {
	r := d.inConflict(wanted.GetConflictId())
	if err := refusal(r, wanted); err != nil {
		return Preview{}, err
	}
	if r.GetState() != netboxv1.State_STATE_HELD {
		return Preview{}, errs.New(errs.ConflictMoved, "The conflict is merged anew at this moment.")
	}
	if _, same, err := d.asSeen(ctx, r); err != nil {
		return Preview{}, netboxsetup.Explain(err)
	} else if !same {
		return Preview{}, moved(r.GetConflict())
	}
	in, err := d.resolved(r, wanted)
	if err != nil {
		return Preview{}, err
	}
	merger, err := merge.New()
	if err != nil {
		return Preview{}, err
	}
	out := Preview{Receipt: r, RecordFields: merger.Differences(r.GetKind(), in.netbox, in.result.Content)}
	if !merger.Equal(r.GetKind(), in.result.Content, in.git.content) {
		out.Diff, err = d.deps.DryEdit(ctx, d.linked.GetFabricId(), settlement(in, wanted))
	}
	return out, err
}
