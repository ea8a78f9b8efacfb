package notify

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "fgdsync.dev/proto/fgd/event/v1"
)

// What can be the matter with a fabric.
const (
	syncFailed    = "sync_failed"
	quarantined   = "quarantined"
	conflict      = "conflict"
	undeliverable = "undeliverable"
	// recovered is no cause: it chooses what tells that one is over.
	recovered = "recovered"
)

// causes are all of them.
func causes() []string { return []string{syncFailed, quarantined, conflict, undeliverable} }

// mostCodes bounds how many codes of one cause are told before it is over.
const mostCodes = 50

// signal says of a cause that it is there, or that it is over.
type signal struct {
	cause string
	over  bool
	at    time.Time
	// What is told of it. Its code tells apart what is the matter.
	code, message, remedy  string
	syncID, commitSHA, url string
}

// judge changes what is the matter with a fabric, as a signal says. It reports whether that is to be told: once when it
// begins, once for each other code, and once when it is over. Each signal leaves its time, so that whoever has looked
// how it is before, and not written yet, looks again.
func judge(state *eventv1.FabricCauses, s signal) bool {
	if state.Causes == nil {
		state.Causes = map[string]*eventv1.Cause{}
	}
	now := state.GetCauses()[s.cause]
	at := timestamppb.New(s.at)
	switch {
	case s.over:
		state.Causes[s.cause] = &eventv1.Cause{ChangedAt: at}
		return now.GetOpen()
	case !now.GetOpen():
		state.Causes[s.cause] = &eventv1.Cause{Open: true, Codes: []string{s.code}, ChangedAt: at}
		return true
	}
	now.ChangedAt = at
	if isTold(now, s.code) {
		return false
	}
	now.Codes = append(now.Codes, s.code)
	return true
}

// isTold reports whether nothing more is told of a cause that is open, for a code.
func isTold(now *eventv1.Cause, code string) bool {
	return slices.Contains(now.GetCodes(), code) || len(now.GetCodes()) >= mostCodes
}
