package outbox

import (
	"context"
	"slices"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// listener returns what hears of what happens in the NetBox to records that are delivered there.
func (n *netbox) listener(client *hnp.Client) (*hearing.Hearing, error) {
	return hearing.New(hearing.Deps{
		URL: n.place.url + " " + n.place.tokenRef, Client: client, Bell: n.deps.Bell, Redis: n.deps.Store.redis,
		Now: n.deps.Now, Log: n.deps.Log, Metrics: n.deps.Heard,
		Fabrics: func(context.Context) (map[int64]int32, error) { return n.fabrics(), nil },
		Echo: func(_ context.Context, fabricID int32, c hearing.Change) (bool, error) {
			d := n.deliveryOf(fabricID)
			return d != nil && d.echo(c), nil
		},
		Heard:   n.heard,
		Compare: func(ctx context.Context) error { return n.compare(ctx, client) },
		Storming: func(ctx context.Context, fabricID int32, c hearing.Change) {
			n.deps.Log.WarnContext(ctx, "a record changes more often than people change it", "netbox", n.place.url,
				"fabric_id", fabricID, "kind", c.Kind, "name", c.Identity.Name)
		},
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

// deliveryOf returns the delivery of a fabric, nil where there is none yet.
func (n *netbox) deliveryOf(fabricID int32) *delivery {
	n.mu.Lock()
	defer n.mu.Unlock()
	if w := n.workers[fabricID]; w != nil {
		return w.delivery.Load()
	}
	return nil
}

// heard looks at records that somebody has changed in NetBox. What is not begun yet is compared whole.
func (n *netbox) heard(ctx context.Context, fabricID int32, changes []hearing.Change) error {
	d := n.deliveryOf(fabricID)
	if d == nil || !d.begun() {
		return nil
	}
	if err := d.heard(ctx, changes); err != nil {
		return err
	}
	for _, w := range n.all() {
		if w.delivery.Load() == d {
			w.again()
		}
	}
	return nil
}

// echo reports whether a change is what was written here last, or is being written. Of a record that somebody else has
// changed nothing is an echo.
func (d *delivery) echo(c hearing.Change) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.receipts[key{c.Kind, c.Identity.Namespace, c.Identity.Name}]
	switch {
	case r == nil, r.GetState() == netboxv1.State_STATE_HELD, c.Branch != "":
		return false
	case c.After == nil:
		return r.GetWanted().GetDeleted()
	}
	says := c.After.Digest(c.Kind)
	return d.ours(r, says) || !r.GetWanted().GetDeleted() && says == r.GetWanted().GetDigest()
}

// heard looks at the records that changes are about, and notes who has changed what is held from then on.
func (d *delivery) heard(ctx context.Context, changes []hearing.Change) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	by, numbers := map[key]string{}, map[string][]int64{}
	for _, c := range changes {
		if !slices.Contains(hnp.Kinds(), c.Kind) || c.Branch != "" {
			continue
		}
		by[key{c.Kind, c.Identity.Namespace, c.Identity.Name}] = c.User
		if c.Was != nil {
			by[key{c.Kind, c.Was.Namespace, c.Was.Name}] = c.User
		}
		if !slices.Contains(numbers[c.Kind], c.RecordID) {
			numbers[c.Kind] = append(numbers[c.Kind], c.RecordID)
		}
	}
	for k, r := range d.receipts { // one that has another name now is gone under the old one
		if slices.Contains(numbers[k.kind], r.GetRecordId()) {
			if _, told := by[k]; !told {
				by[k] = ""
			}
		}
	}
	for kind, ids := range numbers {
		found, err := d.readBack(ctx, kind, ids)
		if err != nil {
			return err
		}
		d.judge(kind, found, by)
	}
	return d.flush(ctx)
}

// judge decides about records of a kind that somebody has changed, as they are now.
func (d *delivery) judge(kind string, found map[int64]hnp.Record, by map[key]string) {
	there := map[key]hnp.Record{}
	for _, record := range found {
		if record.Fabric == int64(d.state.GetNetboxFabric()) {
			there[key{kind, record.Namespace, record.Name}] = record
		}
	}
	for k, user := range by {
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
		d.blame(d.receipts[k], user)
	}
}

// blame notes who has changed a record that is held.
func (d *delivery) blame(r *netboxv1.Receipt, user string) {
	if r.GetState() != netboxv1.State_STATE_HELD || user == "" || r.GetProblem().GetUser() == user {
		return
	}
	r.Problem.User = user
	d.touch(r)
}
