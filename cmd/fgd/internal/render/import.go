package render

import (
	"cmp"
	"fmt"
	"strconv"

	"fgdsync.dev/cmd/fgd/internal/netboximport"
	"fgdsync.dev/libs/printable"
)

// Imported prints what became of the fabrics of a NetBox, and how those that wait are approved.
func Imported(s *Screen, outcomes []netboximport.Outcome) {
	if len(outcomes) == 0 {
		return
	}
	t := newTable(s)
	t.cells("NETBOX", "NAME", "STATE", "FABRIC", "FIRST SYNC WOULD", "WHY")
	var waiting []netboximport.Outcome
	for _, o := range outcomes {
		id := "-"
		if o.FabricID != 0 {
			id = strconv.Itoa(int(o.FabricID))
		}
		if o.Waits {
			waiting = append(waiting, o)
		}
		would := "-"
		if p := o.Counts; p != nil {
			would = fmt.Sprintf("%d created, %d updated, %d moved, %d deleted, %d quarantined", p.GetCreates(), p.GetUpdates(),
				p.GetMoves(), p.GetDeletes(), p.GetQuarantines())
		}
		t.cells(o.NetBox.GetFabric(), printable.Line(o.NetBox.GetName()), string(o.State), id, would,
			cmp.Or(printable.Line(o.Reason), "-"))
	}
	t.end()
	told := map[string]bool{}
	for _, o := range outcomes {
		if o.Remedy != "" && !told[o.Remedy] {
			told[o.Remedy] = true
			s.line(s.faint, "remedy: ", printable.Line(o.Remedy))
		}
	}
	if len(waiting) > 0 {
		s.printf("Nothing is written into a repository before somebody approves it:\n")
	}
	for _, o := range waiting {
		s.printf("  fgd fabric resume %d\n", o.FabricID)
		if o.SyncID != "" {
			s.line(s.faint, "    what that would do: ", "GET /api/v1/syncs/"+o.SyncID+"/plan")
		}
	}
}
