package outbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// Trouble is what stands in the way of a delivery.
type Trouble struct {
	FabricID      int32
	Undeliverable int    // records that can't be delivered
	Problem       string // why nothing is delivered at all; empty when it is
	Remedy        string
	// Reasons says of what kinds it is, each in one word or by the code of an error.
	Reasons []string
}

// Is reports whether there is any.
func (t Trouble) Is() bool { return t.Undeliverable > 0 || t.Problem != "" }

// Deliveries returns how deliveries are: those of this process, and those of which nothing is delivered by any. How
// records are that another process delivers is not known here.
func (o *Outbox) Deliveries(ctx context.Context) ([]Trouble, error) {
	o.mu.Lock()
	netboxes := slices.Collect(maps.Values(o.netboxes))
	o.mu.Unlock()
	var all []Trouble
	for _, n := range netboxes {
		here, elsewhere, refused := n.known()
		for _, d := range here {
			all = append(all, troubleOf(*d.summed.Load()))
		}
		stopped, err := n.stopped(ctx, elsewhere, refused)
		if err != nil {
			return nil, err
		}
		all = append(all, stopped...)
	}
	return all, nil
}

func troubleOf(s summary) Trouble {
	t := Trouble{
		FabricID: s.fabricID, Undeliverable: s.count[netboxv1.State_STATE_UNDELIVERABLE], Problem: s.problem,
		Remedy: s.remedy, Reasons: s.reasons,
	}
	if s.problem != "" {
		t.Reasons = []string{s.code}
	}
	return t
}

// known returns what is delivered here, the fabrics of which that can't be said, and why nothing can be delivered here.
func (n *netbox) known() (here []*delivery, elsewhere []int32, refused error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id := range n.linked {
		if w := n.workers[id]; w != nil && w.delivery.Load() != nil {
			here = append(here, w.delivery.Load())
		} else {
			elsewhere = append(elsewhere, id)
		}
	}
	return here, elsewhere, n.refused
}

// stopped returns of which fabrics nothing is delivered, and why: what whoever tried last has written down, or why this
// process can't, when no other has the lock either.
func (n *netbox) stopped(ctx context.Context, fabricIDs []int32, refused error) ([]Trouble, error) {
	if len(fabricIDs) == 0 {
		return nil, nil
	}
	deliveries, err := n.deps.Store.deliveries(ctx, fabricIDs)
	if err != nil {
		return nil, err
	}
	troubles := map[int32]Trouble{}
	for _, d := range deliveries {
		if t := troubleOf(summarize(d, func(func(*netboxv1.Receipt) bool) {})); t.Is() {
			troubles[d.GetFabricId()] = t
		}
	}
	nobody, err := n.nobody(ctx, refused)
	if err != nil {
		return nil, err
	}
	for _, id := range fabricIDs {
		if _, known := troubles[id]; !known && nobody {
			problem, remedy := explain(refused)
			troubles[id] = Trouble{FabricID: id, Problem: problem, Remedy: remedy, Reasons: []string{codeOf(refused)}}
		}
	}
	return slices.Collect(maps.Values(troubles)), nil
}

// nobody reports whether this process can't deliver, and no other one does.
func (n *netbox) nobody(ctx context.Context, refused error) (bool, error) {
	if refused == nil {
		return false, nil
	}
	held, err := redisconn.Repeat(ctx, func() (int64, error) {
		return n.deps.Store.redis.Main.Exists(ctx, n.key()).Result()
	})
	if err != nil {
		return false, fmt.Errorf("look who delivers to a NetBox: %w", err)
	}
	return held == 0, nil
}

// codeOf returns of what kind a problem is that explain says; empty for no error.
func codeOf(err error) string {
	var said *hnp.Error
	var missing noFabricError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &missing):
		return "no_fabric"
	case errors.Is(err, errResting):
		return hnp.Away.String()
	case errors.As(err, &said) && !errs.HasCode(err, errs.RemoteRefused):
		return said.Reason.String()
	}
	return errs.From(err).Code.ID
}

// reasonName returns what a reason is called in one word.
func reasonName(r netboxv1.Reason) string {
	return strings.ToLower(strings.TrimPrefix(r.String(), "REASON_"))
}

// OpenConflicts returns how many conflicts of fabrics are open, as the last delivery of each has left it; nothing of
// one that was never delivered.
func (o *Outbox) OpenConflicts(ctx context.Context, fabricIDs []int32) (map[int32]int32, error) {
	deliveries, err := o.deps.Store.deliveries(ctx, fabricIDs)
	open := map[int32]int32{}
	for _, d := range deliveries {
		open[d.GetFabricId()] = d.GetOpenConflicts()
	}
	return open, err
}

// Conflicts returns how many conflicts of a fabric are open.
func (o *Outbox) Conflicts(ctx context.Context, fabricID int32) (int, error) {
	_, receipts, err := o.deps.Store.read(ctx, fabricID)
	open := 0
	for _, r := range receipts {
		if isOpen(r.GetConflict()) {
			open++
		}
	}
	return open, err
}
