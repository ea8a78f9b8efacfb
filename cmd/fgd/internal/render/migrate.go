package render

import (
	"cmp"
	"fmt"
	"strconv"

	"fgdsync.dev/cmd/fgd/internal/migrate"
	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// MigrationPlan prints a plan, where it was written, and what comes next.
func MigrationPlan(s *Screen, plan *migrate.Plan, path string) {
	t := newTable(s)
	t.cells("FABRIC", "NAME", "STATE", "FIRST SYNC WOULD", "WHY")
	ready, remedies := 0, []string{}
	for _, f := range plan.Fabrics {
		if f.State == migrate.Ready {
			ready++
		}
		t.cells(numberOrNone(f.FabricID), nameOrNone(f.Name), string(f.State), wouldDo(f.Counts),
			cmp.Or(printable.Line(f.Reason), "-"))
		remedies = append(remedies, f.Remedy)
	}
	t.end()
	remediesOnce(s, remedies)
	s.printf("The plan is in %s; nothing is registered, and no repository was changed.\n", path)
	if ready > 0 {
		s.printf("Next: fgd migrate apply %s\n", path)
	}
}

// Migrated prints what became of the fabrics of a plan, and what comes next.
func Migrated(s *Screen, outcomes []migrate.Outcome, path string) {
	t := newTable(s)
	t.cells("FABRIC", "NAME", "STATE", "SYNC", "COMMIT BEFORE", "WHY")
	waiting, remedies := false, []string{}
	for _, o := range outcomes {
		waiting = waiting || o.State == migrate.DryRun
		t.cells(numberOrNone(o.FabricID), nameOrNone(o.Name), string(o.State), wouldDo(o.Counts),
			cmp.Or(o.Commit, "-"), cmp.Or(printable.Line(o.Reason), "-"))
		remedies = append(remedies, o.Remedy)
	}
	t.end()
	remediesOnce(s, remedies)
	for _, o := range outcomes {
		if o.Back != "" {
			s.line(s.faint, "to go back: ", o.Back)
		}
	}
	if waiting {
		s.printf("Nothing is written into a repository before somebody approves it: fgd migrate apply %s --mode on\n", path)
	}
}

func wouldDo(p *bridgev1.PlanCounts) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprintf("%d created, %d updated, %d moved, %d deleted, %d quarantined", p.GetCreates(), p.GetUpdates(),
		p.GetMoves(), p.GetDeletes(), p.GetQuarantines())
}

func numberOrNone(id int32) string {
	if id == 0 {
		return "-"
	}
	return strconv.Itoa(int(id))
}

func nameOrNone(name string) string { return cmp.Or(printable.Line(name), "-") }

// remediesOnce prints what to do, each once.
func remediesOnce(s *Screen, remedies []string) {
	told := map[string]bool{"": true}
	for _, remedy := range remedies {
		if !told[remedy] {
			told[remedy] = true
			s.line(s.faint, "remedy: ", printable.Line(remedy))
		}
	}
}
