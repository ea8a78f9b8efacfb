package render

import (
	"cmp"
	"strings"

	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Health prints how a system and each component of it is. Why a component is not healthy, and what to do, is below its
// row on a terminal, and in the last column elsewhere.
func Health(s *Screen, h *bridgev1.GetHealthResponse) {
	rows := explained{screen: s, whole: []int{1, 2, 3}}
	rows.add("WHY", "COMPONENT", "STATUS", "FOR", "CODE")
	for _, c := range h.GetComponents() {
		why := printable.Line(strings.TrimSpace(c.GetReason() + " " + c.GetRemedy()))
		rows.add(why, printable.Line(c.GetName()), c.GetStatus(), age(c.GetSince()), cmp.Or(c.GetCode(), "-"))
	}
	rows.end()
	style := s.good
	if h.GetStatus() != "healthy" {
		style = s.bad
	}
	s.line(style, h.GetStatus(), ", version "+printable.Line(h.GetVersion()))
}
