package render

import (
	"fmt"
	"io"
	"time"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Rebuilt prints what a rebuild of the state has brought back and started.
func Rebuilt(w io.Writer, r *bridgev1.RebuildStateResponse) {
	fmt.Fprintf(w, "Recovered: fabrics %d, syncs %d. Syncs given to the workers again: %d. Syncs ended past their "+
		"deadline: %d.\n", r.GetFabricsRestored(), r.GetSyncsRestored(), r.GetSyncsRevived(), r.GetSyncsExpired())
	fmt.Fprintf(w, "Syncs started: %d.\n", len(r.GetSyncIds()))
	for _, id := range r.GetSyncIds() {
		fmt.Fprintf(w, "  %s\n", id)
	}
}

// DeadLetters prints work that could not be handled.
func DeadLetters(w io.Writer, letters []*bridgev1.DeadLetter) {
	t := newTable(w)
	t.cells("ID", "TIME", "FABRIC", "SYNC", "DELIVERIES", "ERROR")
	for _, l := range letters {
		t.cells(l.GetId(), l.GetTime().AsTime().Format(time.RFC3339), l.GetFabricId(), l.GetSyncId(), l.GetDeliveries(),
			l.GetError())
	}
	t.end()
}

// Replayed prints what was started for work that could not be handled.
func Replayed(w io.Writer, r *bridgev1.ReplayDeadLettersResponse) {
	for _, replayed := range r.GetReplayed() {
		if replayed.GetSyncId() == "" {
			fmt.Fprintf(w, "%s went back to the workers\n", replayed.GetId())
			continue
		}
		fmt.Fprintf(w, "%s: sync %s\n", replayed.GetId(), replayed.GetSyncId())
	}
}
