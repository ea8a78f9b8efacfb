package orchestrator_test

import (
	"testing"
	"time"

	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

func deletion() *editv1.EditSet {
	return &editv1.EditSet{Edits: []*editv1.Edit{{
		Resource: &reportv1.ResourceKey{Kind: "VPC", Namespace: "default", Name: "a"},
		Change:   &editv1.Edit_Delete{Delete: true},
	}}}
}

// TestWhatWasEditedIsNotKept: what a sync was to edit may be megabytes, and nobody needs it after its end.
func TestWhatWasEditedIsNotKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.drop("f1", "a")
		b.fabric(b.stages, 35, "f1")
		store := state.New(b.conn, state.Limits{Retention: time.Hour, Active: 1}, time.Now)
		held := newGate(t)
		b.on("open", held.wait)
		started, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35, EditSet: deletion()})
		id := must(t, started, err).GetSyncId()
		<-held.came
		record, err := store.Get(t.Context(), id)
		if must(t, record, err).GetEditSet() == nil {
			t.Error("the sync that runs does not know what to edit")
		}
		held.open()
		b.await(id)
		record, err = store.Get(t.Context(), id)
		if set := must(t, record, err).GetEditSet(); set != nil {
			t.Errorf("the sync that has ended keeps %v", set)
		}
	})
}
