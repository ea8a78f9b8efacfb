package render

import (
	"cmp"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Syncs prints syncs, a line each. A table of all columns has when they were accepted in place of how long ago, and
// says also who asked and how long each took.
func Syncs(s *Screen, syncs []*bridgev1.SyncStatus) {
	t := newTable(s, 0, 1, 4)
	head := []any{"ID", "FABRIC", "STATE", "TRIGGER"}
	if s.all {
		head = append(head, "ACCEPTED", "TOOK", "COMMIT", "ERRORS", "WHO")
	} else {
		head = append(head, "AGE")
	}
	t.cells(head...)
	for _, one := range syncs {
		state := one.GetState()
		if one.GetValidateOnly() {
			state += " (dry run)"
		}
		row := []any{one.GetSyncId(), one.GetFabricId(), state, one.GetTrigger()}
		if s.all {
			row = append(row, when(one.GetAcceptedAt()), took(one.GetAcceptedAt(), one.GetCompletedAt()),
				cmp.Or(short(one.GetResult().GetCommitSha()), "-"), one.GetErrorsTotal(), printable.Line(one.GetRequestedBy()))
		} else {
			row = append(row, age(one.GetAcceptedAt()))
		}
		t.cells(row...)
	}
	t.end()
}

// took says how long something went on that has ended.
func took(from, to *timestamppb.Timestamp) string {
	if from == nil || to == nil {
		return "-"
	}
	return to.AsTime().Sub(from.AsTime()).Round(time.Millisecond).String()
}

// age says how long ago something was, in its largest unit, which has room in a table; a dash where it never was.
func age(at *timestamppb.Timestamp) string {
	if at == nil {
		return "-"
	}
	ago := max(time.Since(at.AsTime()), 0)
	const day = 24 * time.Hour
	switch {
	case ago < time.Minute:
		return fmt.Sprintf("%ds", ago/time.Second)
	case ago < time.Hour:
		return fmt.Sprintf("%dm", ago/time.Minute)
	case ago < 2*day:
		return fmt.Sprintf("%dh", ago/time.Hour)
	}
	return fmt.Sprintf("%dd", ago/day)
}
