package render

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/fatih/color"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// shortSync is how much of the ID of a sync is printed where there is little room: enough to tell those apart that
// begin at about the same time, which is how IDs begin.
const shortSync = 13

// Event prints what happened in a sync, in one line: when, of which fabric, and what. A wide line has the date and the
// whole ID of the sync.
func Event(s *Screen, sync *bridgev1.SyncStatus, event *bridgev1.StreamSyncEventsResponse, wide bool) {
	at := event.GetTimestamp().AsTime()
	when, id := at.Format(time.TimeOnly), event.GetSyncId()[:min(len(event.GetSyncId()), shortSync)]
	if wide {
		when, id = at.Format(time.RFC3339), event.GetSyncId()
	}
	kind := strings.TrimPrefix(event.GetType(), "sync.")
	fabric := printable.Line(cmp.Or(sync.GetFabricName(), fmt.Sprint(sync.GetFabricId())))
	line := fmt.Sprintf("%s  %s  %s  ", when, fabric, id)
	s.printf("%s%s\n", s.faint.Sprint(line), strings.TrimRight(s.styleOf(kind).Sprintf("%-15s", kind)+" "+
		printable.Line(s.harmless(told(sync, event))), " "))
}

func (s *Screen) styleOf(kind string) *color.Color {
	switch kind {
	case "completed":
		return s.good
	case "failed", "error":
		return s.bad
	case "warning", "cancelled":
		return s.warn
	}
	return s.strong
}

// told returns what there is to tell of an event.
func told(sync *bridgev1.SyncStatus, event *bridgev1.StreamSyncEventsResponse) string {
	data := event.GetData()
	if finding := data.GetFinding(); finding != nil {
		return Position(finding.GetFile(), finding.GetLine(), finding.GetColumn()) + finding.GetCode() + " " +
			finding.GetName() + ": " + finding.GetMessage()
	}
	switch event.GetType() {
	case "sync.started":
		return event.GetSyncId() + ", " + sync.GetTrigger() + dryRun(sync)
	case "sync.completed":
		return resultText(data.GetResult())
	case "sync.stage_completed":
		return data.GetStage()
	}
	text := data.GetState()
	if data.GetTotalFiles() > 0 {
		text = fmt.Sprintf("%s, %d of %d files", cmp.Or(data.GetStage(), text), data.GetFilesProcessed(),
			data.GetTotalFiles())
	}
	return strings.TrimRight(text+"  "+data.GetCurrentFile(), " ")
}

func dryRun(sync *bridgev1.SyncStatus) string {
	if sync.GetValidateOnly() {
		return ", a dry run"
	}
	return ""
}

func resultText(r *bridgev1.Result) string {
	text := fmt.Sprintf("%d created, %d updated, %d removed, %d quarantined", r.GetFilesCreated(), r.GetFilesUpdated(),
		r.GetFilesRemoved(), r.GetFilesQuarantined())
	if r.GetCommitSha() != "" {
		return short(r.GetCommitSha()) + ": " + text
	}
	return text
}

// Away prints that a system does not answer for now, and that it is asked again.
func Away(s *Screen, server string, err error) {
	s.line(s.warn, "fgd: ", fmt.Sprintf("%s does not answer, and is asked again: %s", server, errs.From(err).Message))
}
