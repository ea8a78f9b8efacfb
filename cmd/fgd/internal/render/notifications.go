package render

import (
	"fmt"
	"strings"

	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Notifications prints targets of notifications, a line each; a table of all columns says also what they are told,
// and why one was given up last.
func Notifications(s *Screen, targets []*bridgev1.NotificationTarget) {
	t := newTable(s)
	head := []any{"NAME", "FORM", "WAITING", "DEAD", "LAST SENT"}
	if s.all {
		head = append(head, "LAST FAILED", "CAUSES", "FABRICS", "ERROR")
	}
	t.cells(head...)
	for _, target := range targets {
		row := []any{
			printable.Line(target.GetName()), target.GetForm(), target.GetWaiting(), target.GetDeadLetters(),
			when(target.GetLastSentAt()),
		}
		if s.all {
			row = append(row, when(target.GetLastFailedAt()), orAll(target.GetCauses()), orAll(target.GetFabricIds()),
				printable.Line(target.GetLastError()))
		}
		t.cells(row...)
	}
	t.end()
}

// orAll returns a list with commas between, and "all" for none.
func orAll[T any](list []T) string {
	if len(list) == 0 {
		return "all"
	}
	texts := make([]string, 0, len(list))
	for _, of := range list {
		texts = append(texts, fmt.Sprint(of))
	}
	return printable.Line(strings.Join(texts, ","))
}

// NotificationTested prints what came of a message to a target.
func NotificationTested(s *Screen, target string, answer *bridgev1.TestNotificationResponse) {
	f := s.facts()
	style, word := s.good, "taken"
	if !answer.GetTaken() {
		style, word = s.bad, "not taken"
	}
	f.styled(style, printable.Line(target), "%s, after %d ms", word, answer.GetTookMs())
	if answer.GetStatus() != 0 {
		f.add("status", "%d", answer.GetStatus())
	}
	if answer.GetError() != "" {
		f.add("error", "%s", printable.Line(answer.GetError()))
	}
	if answer.GetRemedy() != "" {
		f.add("remedy", "%s", printable.Line(answer.GetRemedy()))
	}
	f.end()
}
