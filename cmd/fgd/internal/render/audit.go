package render

import (
	"fmt"
	"io"
	"path"
	"strconv"

	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Audit prints lines of the audit. A table of all columns says also from where each call came.
func Audit(s *Screen, lines []*bridgev1.AuditLine) {
	t := newTable(s, 0, 1, 4, 5, 6)
	head := []any{"LINE", "TIME", "WHO", "WHAT", "FABRIC", "STAGE", "CODE"}
	if s.all {
		head = append(head, "FROM")
	}
	t.cells(head...)
	for _, l := range lines {
		who := printable.Line(l.GetPrincipal().GetName())
		if via := l.GetPrincipal().GetVia(); via != "" {
			who += " (via " + printable.Line(via) + ")"
		}
		fabric := ""
		if l.GetFabricId() != 0 {
			fabric = strconv.Itoa(int(l.GetFabricId()))
		}
		what := printable.Line(path.Base(l.GetAction()))
		if l.GetValidateOnly() {
			what += " (dry run)"
		}
		row := []any{strconv.Itoa(int(l.GetSeq())), when(l.GetTime()), who, what, fabric, l.GetStage(), l.GetCode()}
		if s.all {
			row = append(row, printable.Line(l.GetSource()))
		}
		t.cells(row...)
	}
	t.end()
}

// AuditVerified prints what was found when an audit was verified.
func AuditVerified(w io.Writer, v *bridgev1.VerifyAuditResponse) {
	for _, p := range v.GetProblems() {
		fmt.Fprintf(w, "line %d: %s\n", p.GetSeq(), printable.Line(p.GetMessage()))
	}
	for _, n := range v.GetNotes() {
		fmt.Fprintf(w, "note: %s\n", printable.Line(n))
	}
	verdict := "intact"
	if !v.GetIntact() {
		verdict = fmt.Sprintf("NOT INTACT (%d problems)", v.GetProblemsTotal())
	}
	fmt.Fprintf(w, "Lines %d to %d are %s: %d checkpoints, %d commits that confirm it.\n", v.GetFirstSeq(), v.GetLastSeq(),
		verdict, v.GetCheckpoints(), v.GetWitnesses())
}
