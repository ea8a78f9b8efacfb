package state_test

import (
	"testing"
	"time"

	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// TestAnEditAndAFullSyncTakeTurns: of the two that wait the one runs first that was accepted first.
func TestAnEditAndAFullSyncTakeTurns(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		for fabric, editFirst := range map[int32]bool{35: true, 36: false} {
			b.fabric(fabric)
			active := b.start(fabric, nil)
			var order [2]string
			for i := range order {
				b.advance(time.Millisecond)
				if (i == 0) == editFirst {
					order[i] = b.startEdit(fabric, &syncv1.SyncOptions{}).SyncID
				} else {
					order[i] = b.start(fabric, nil).SyncID
				}
			}
			b.end(active.SyncID, completed)
			for _, next := range order {
				if work := b.work(fabric); work[len(work)-1] != next {
					t.Errorf("edit first %t: workers got %v, want %s next", editFirst, work, next)
				}
				b.end(next, completed)
			}
		}
	})
}
