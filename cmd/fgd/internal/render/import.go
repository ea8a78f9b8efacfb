package render

import (
	"cmp"
	"strconv"

	"fgdsync.dev/cmd/fgd/internal/netboximport"
	"fgdsync.dev/libs/printable"
)

// Imported prints what became of the fabrics of a NetBox, and how those that wait are approved.
func Imported(s *Screen, outcomes []netboximport.Outcome) {
	if len(outcomes) == 0 {
		return
	}
	t := newTable(s, 0, 3)
	t.cells("NETBOX", "NAME", "STATE", "FABRIC", "FIRST SYNC WOULD", "WHY")
	var waiting []netboximport.Outcome
	var remedies []string
	for _, o := range outcomes {
		remedies = append(remedies, o.Remedy)
		id := "-"
		if o.FabricID != 0 {
			id = strconv.Itoa(int(o.FabricID))
		}
		if o.Waits {
			waiting = append(waiting, o)
		}
		t.cells(o.NetBox.GetFabric(), printable.Line(o.NetBox.GetName()), string(o.State), id, wouldDo(o.Counts),
			cmp.Or(printable.Line(o.Reason), "-"))
	}
	t.end()
	remediesOnce(s, remedies)
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
