package render

import (
	"fmt"
	"io"
	"path"
	"strconv"

	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Audit prints lines of the audit.
func Audit(w io.Writer, lines []*bridgev1.AuditLine) {
	t := newTable(w)
	t.cells("LINE", "TIME", "WHO", "FROM", "WHAT", "FABRIC", "STAGE", "CODE")
	for _, l := range lines {
		who := printable.Line(l.GetPrincipal().GetName())
		if via := l.GetPrincipal().GetVia(); via != "" {
			who += " (via " + printable.Line(via) + ")"
		}
		fabric := ""
		if l.GetFabricId() != 0 {
			fabric = strconv.Itoa(int(l.GetFabricId()))
		}
		t.cells(strconv.Itoa(int(l.GetSeq())), when(l.GetTime()), who, printable.Line(l.GetSource()),
			printable.Line(path.Base(l.GetAction())), fabric, l.GetStage(), l.GetCode())
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
