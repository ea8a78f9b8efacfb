package outbox

import (
	"context"
	"errors"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/failpoint"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// listener returns what hears of what happens in the NetBox to records that are delivered there.
func (n *netbox) listener(client *hnp.Client) *hearing.Hearing {
	return hearing.New(hearing.Deps{
		URL: n.place.url + " " + n.place.tokenRef, Client: client, Redis: n.deps.Store.redis, Now: n.deps.Now,
		Log: n.deps.Log, Metrics: n.deps.Heard,
		Fabrics: func(context.Context) (map[int64]int32, error) { return n.fabrics(), nil },
		Echo:    n.echo,
		Heard:   n.heard,
		Compare: func(ctx context.Context) error { return n.compare(ctx, client) },
	})
}

// fabrics returns which fabric is shown as which one of NetBox.
func (n *netbox) fabrics() map[int64]int32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make(map[int64]int32, len(n.linked))
	for id, linked := range n.linked {
		all[int64(linked.GetNetbox().GetFabric())] = id
	}
	return all
}

// workerOf returns who delivers a fabric, nil where nobody does yet.
func (n *netbox) workerOf(fabricID int32) *worker {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.workers[fabricID]
}

// echo says how it is known that a change was made here. It waits for no pass.
func (n *netbox) echo(ctx context.Context, fabricID int32, c hearing.Change) (hearing.Echo, error) {
	w := n.workerOf(fabricID)
	if w == nil {
		return hearing.NotOurs, nil
	}
	if err := waitFor(ctx, w.opened); err != nil {
		return hearing.NotOurs, err
	}
	d := w.delivery.Load()
	if d == nil { // it can't be opened, and is looked at whole when it can
		return hearing.NotOurs, nil
	}
	return d.ours.echo(c), nil
}

// errNotBegun says that it is not known what is wanted of a fabric. What is told of it then is told again.
var errNotBegun = errors.New("the records of the fabric are not known yet")

// heard looks at records that somebody has changed in NetBox, after the pass that is under way: it may be writing them.
// A fabric of which nothing was ever wanted is compared whole when that is so.
func (n *netbox) heard(ctx context.Context, fabricID int32, changes []hearing.Change) error {
	w := n.workerOf(fabricID)
	if w == nil {
		return nil
	}
	if err := waitFor(ctx, w.tried); err != nil {
		return err
	}
	d := w.delivery.Load()
	switch {
	case d == nil:
		return errNotBegun
	case d.isNew():
		return nil
	case !d.begun():
		return errNotBegun
	}
	if err := d.heard(ctx, changes); err != nil {
		return err
	}
	w.again()
	return nil
}

// changed are the records that changes are about.
type changed struct {
	by      map[key]*netboxv1.Editor              // who has changed each last
	numbers map[string]map[int64]*netboxv1.Editor // the same by kind and number
}

func changedBy(changes []hearing.Change) changed {
	all := changed{map[key]*netboxv1.Editor{}, map[string]map[int64]*netboxv1.Editor{}}
	for _, c := range changes {
		if !slices.Contains(hnp.Kinds(), c.Kind) || c.Branch != "" {
			continue
		}
		editor := &netboxv1.Editor{User: c.User, At: timestamppb.New(c.Time)}
		all.by[key{c.Kind, c.Identity.Namespace, c.Identity.Name}] = editor
		if c.Was != nil {
			all.by[key{c.Kind, c.Was.Namespace, c.Was.Name}] = editor
		}
		if all.numbers[c.Kind] == nil {
			all.numbers[c.Kind] = map[int64]*netboxv1.Editor{}
		}
		all.numbers[c.Kind][c.RecordID] = editor
	}
	return all
}

// heard looks at the records that changes are about, and notes who has changed what is held from then on.
func (d *delivery) heard(ctx context.Context, changes []hearing.Change) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bothWays() {
		err := d.hear(ctx, changes)
		failpoint.Hit(failpoint.HeardKept)
		return err
	}
	all := changedBy(changes)
	for k, r := range d.receipts { // one that has another name now is gone under the old one
		editor, is := all.numbers[k.kind][r.GetRecordId()]
		if _, told := all.by[k]; is && !told {
			all.by[k] = editor
		}
	}
	for kind, numbers := range all.numbers {
		found, err := d.readBack(ctx, kind, slices.Sorted(maps.Keys(numbers)))
		if err != nil {
			return err
		}
		d.judge(kind, found, all.by)
	}
	return d.flush(ctx)
}

// judge decides about records of a kind that somebody has changed, as they are now.
func (d *delivery) judge(kind string, found map[int64]hnp.Record, by map[key]*netboxv1.Editor) {
	there := map[key]hnp.Record{}
	for _, record := range found {
		if record.Fabric == int64(d.state.GetNetboxFabric()) {
			there[key{kind, record.Namespace, record.Name}] = record
		}
	}
	for k, editor := range by {
		if k.kind != kind {
			continue
		}
		r := d.receipts[k]
		record, is := there[k]
		switch {
		case is && (r == nil || !d.known(r, record)):
			d.reconsider(r, k, record, d.differs)
		case !is && r.GetRecordId() != 0:
			d.missing(r, d.differs)
		}
		d.blame(d.receipts[k], editor)
	}
}

// blame notes who has changed a record that is held, or may be when it is looked at.
func (d *delivery) blame(r *netboxv1.Receipt, editor *netboxv1.Editor) {
	isHeld := r.GetState() == netboxv1.State_STATE_HELD && !isMass(r)
	if !isHeld && r.GetState() != netboxv1.State_STATE_PENDING || editor.GetUser() == "" ||
		proto.Equal(r.GetEditor(), editor) {
		return
	}
	r.Editor = editor
	if isHeld {
		r.Problem.User, r.Problem.ChangedAt = editor.GetUser(), editor.GetAt()
	}
	d.touch(r)
}
