package render

import (
	"fmt"
	"io"

	"fgdsync.dev/libs/printable"
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

// DeadLetters prints work that could not be handled. A table of all columns has when in place of how long ago, and says
// also how often it was tried.
func DeadLetters(s *Screen, letters []*bridgev1.DeadLetter) {
	t := newTable(s, 0, 1, 2)
	head := []any{"ID", "AGE", "FABRIC", "SYNC", "ERROR"}
	if s.all {
		head = []any{"ID", "TIME", "FABRIC", "SYNC", "ERROR", "DELIVERIES"}
	}
	t.cells(head...)
	for _, l := range letters {
		row := []any{l.GetId(), age(l.GetTime()), l.GetFabricId(), l.GetSyncId(), printable.Line(l.GetError())}
		if s.all {
			row[1] = when(l.GetTime())
			row = append(row, l.GetDeliveries())
		}
		t.cells(row...)
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
