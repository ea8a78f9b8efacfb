// Package state keeps fabrics, syncs and resource indexes in Redis. Every change of a sync is one script that checks
// the fencing number, the version and the legality of the move before it writes anything, and appends the events
// last: state and events can't disagree. Scripts are safe to repeat. What is lost with Redis can be registered and
// synced again; Git holds all content.
package state

import (
	"slices"
	"strings"

	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Terminal reports whether a state is an end.
func Terminal(s syncv1.State) bool {
	return s == syncv1.State_STATE_COMPLETED || s == syncv1.State_STATE_FAILED || s == syncv1.State_STATE_CANCELLED
}

// CanTransition reports whether a sync may go from one state to another. A sync goes forward through the states of its
// stages; it may skip stages that its scope leaves out, and from anywhere before an end it may fail, be cancelled, wait
// for another attempt, or be taken up anew by another worker.
func CanTransition(from, to syncv1.State) bool {
	if Terminal(from) || from == to {
		return false
	}
	switch to {
	case syncv1.State_STATE_FAILED, syncv1.State_STATE_CANCELLED:
		return true
	case syncv1.State_STATE_INITIALIZING:
		return true
	case syncv1.State_STATE_RETRYING:
		return from != syncv1.State_STATE_PENDING
	case syncv1.State_STATE_COMPLETED:
		return from == syncv1.State_STATE_RECONCILING
	}
	order := []syncv1.State{
		syncv1.State_STATE_INITIALIZING, syncv1.State_STATE_VALIDATING, syncv1.State_STATE_DISCOVERING,
		syncv1.State_STATE_PROCESSING, syncv1.State_STATE_SYNCING, syncv1.State_STATE_RECONCILING,
	}
	at, next := slices.Index(order, from), slices.Index(order, to)
	return at >= 0 && next > at
}

// StageOf returns the stage that a state belongs to, or none.
func StageOf(s syncv1.State) syncv1.Stage {
	switch s {
	case syncv1.State_STATE_VALIDATING:
		return syncv1.Stage_STAGE_VALIDATION
	case syncv1.State_STATE_DISCOVERING:
		return syncv1.Stage_STAGE_DISCOVERY
	case syncv1.State_STATE_PROCESSING:
		return syncv1.Stage_STAGE_FILE_INGESTION
	case syncv1.State_STATE_SYNCING:
		return syncv1.Stage_STAGE_GITHUB_SYNC
	case syncv1.State_STATE_RECONCILING:
		return syncv1.Stage_STAGE_RECONCILIATION
	default:
		return syncv1.Stage_STAGE_UNSPECIFIED
	}
}

// StateWord returns what logs, metrics and people call a state.
func StateWord(s syncv1.State) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "STATE_"))
}

// TriggerWord returns what logs, metrics and people call a trigger.
func TriggerWord(t syncv1.Trigger) string {
	return strings.ToLower(strings.TrimPrefix(t.String(), "TRIGGER_"))
}
