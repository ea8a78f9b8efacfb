package orchestrator_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

func deletionOf(name string) *editv1.Edit {
	return &editv1.Edit{
		Resource: &reportv1.ResourceKey{Kind: "VPC", Namespace: "default", Name: name},
		Change:   &editv1.Edit_Delete{Delete: true},
	}
}

func deletion() *editv1.EditSet { return &editv1.EditSet{Edits: []*editv1.Edit{deletionOf("a")}} }

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

// TestAnEditAfterManyDeletions: what went before it stops it as it stops any sync. What the remedy says can be done,
// and then the edit is made.
func TestAnEditAfterManyDeletions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		for i := range 12 {
			b.drop("f1", fmt.Sprint("v", i))
		}
		b.drop("f1", "a")
		b.drop("f1", "b")
		b.fabric(b.stages, 35, "f1")
		b.mu.Lock()
		b.push("f1", "manifest\nmanaged/a\nmanaged/b", "by hand")
		b.mu.Unlock()
		started, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35, EditSet: deletion()})
		refused := b.await(must(t, started, err).GetSyncId())
		b.expect(refused, failed)
		remedy := refused.GetErrors()[0].GetRemedy()
		if refused.GetErrors()[0].GetCode() != errs.MassDeleteRefused.ID ||
			!strings.Contains(remedy, `POST /api/v1/fabrics/35/syncs with {"options": {"force": true}}`) {
			t.Errorf("it was refused with %v", refused.GetErrors()[0])
		}
		if !refused.GetEdits() {
			t.Error("nothing says that it was to make edits")
		}
		b.expect(b.sync(35, &syncv1.SyncOptions{Force: true}), completed)
		b.edit("a")
	})
}
