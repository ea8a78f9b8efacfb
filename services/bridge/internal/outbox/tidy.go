package outbox

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

const (
	// tidyPeriod is how often it is looked what the ledger has of fabrics that are not linked.
	tidyPeriod = time.Minute
	// missingFor is for how long a fabric has to be missing from all lists before it is forgotten: a Redis that has lost
	// its data has it again within seconds.
	missingFor = time.Hour
)

// tidier has the ledger of this bridge forget fabrics that are not linked any more. Who unregisters a fabric tells the
// bridge that it speaks to, and no other.
type tidier struct {
	store *Store
	now   func() time.Time
	log   *slog.Logger

	looked  time.Time
	missing map[int32]time.Time // since when
	said    string              // what was said to go wrong; empty for nothing
}

// look looks at a list of the fabrics that are linked. One without any says nothing: it may be that of an orchestrator
// that has lost what it knew. Neither does one that could not be had, which is nil.
func (t *tidier) look(ctx context.Context, linked []*fabricv1.LinkedFabric) {
	now := t.now()
	switch {
	case len(linked) == 0:
		clear(t.missing)
		return
	case now.Sub(t.looked) < tidyPeriod:
		return
	}
	t.looked = now
	said := ""
	if err := t.tidy(linked, now); err != nil {
		if said = err.Error(); said != t.said {
			t.log.WarnContext(ctx, "the ledger of deliveries can't be tidied", "error", said)
		}
	}
	t.said = said
}

func (t *tidier) tidy(linked []*fabricv1.LinkedFabric, now time.Time) error {
	ledger, err := t.store.existing()
	if err != nil || ledger == nil {
		return err
	}
	kept, err := ledger.fabrics()
	if err != nil {
		return err
	}
	here := map[int32]*fabricv1.LinkedFabric{}
	for _, f := range linked {
		here[f.GetFabricId()] = f
	}
	for id := range t.missing {
		if kept[id] == nil || here[id] != nil {
			delete(t.missing, id)
		}
	}
	for id, d := range kept {
		if !t.isOver(here[id], d, now) {
			continue
		}
		err := ledger.forgetIf(id, func(d *netboxv1.Delivery) bool { return t.isOver(here[id], d, now) })
		if err != nil {
			return err
		}
	}
	return nil
}

// isOver reports whether what is kept is of a fabric that is not linked any more: another one has its number, or it is
// missing for long.
func (t *tidier) isOver(linked *fabricv1.LinkedFabric, kept *netboxv1.Delivery, now time.Time) bool {
	id := kept.GetFabricId()
	if linked != nil {
		return linked.GetRegisteredAt() != nil && !proto.Equal(linked.GetRegisteredAt(), kept.GetRegisteredAt())
	}
	if t.missing[id].IsZero() {
		t.missing[id] = now
	}
	return now.Sub(t.missing[id]) >= missingFor
}
