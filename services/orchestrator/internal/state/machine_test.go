package state_test

import (
	"slices"
	"testing"

	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

const (
	pending      = syncv1.State_STATE_PENDING
	initializing = syncv1.State_STATE_INITIALIZING
	validating   = syncv1.State_STATE_VALIDATING
	discovering  = syncv1.State_STATE_DISCOVERING
	processing   = syncv1.State_STATE_PROCESSING
	syncing      = syncv1.State_STATE_SYNCING
	reconciling  = syncv1.State_STATE_RECONCILING
	completed    = syncv1.State_STATE_COMPLETED
	failed       = syncv1.State_STATE_FAILED
	retrying     = syncv1.State_STATE_RETRYING
	cancelled    = syncv1.State_STATE_CANCELLED
)

// moves is where a sync may go from each state; all else is illegal.
var moves = map[syncv1.State][]syncv1.State{
	pending:      {initializing, failed, cancelled},
	initializing: {validating, discovering, processing, syncing, reconciling, retrying, failed, cancelled},
	validating:   {discovering, processing, syncing, reconciling, retrying, failed, cancelled, initializing},
	discovering:  {processing, syncing, reconciling, retrying, failed, cancelled, initializing},
	processing:   {syncing, reconciling, retrying, failed, cancelled, initializing},
	syncing:      {reconciling, retrying, failed, cancelled, initializing},
	reconciling:  {completed, retrying, failed, cancelled, initializing},
	retrying:     {initializing, failed, cancelled},
	completed:    {}, failed: {}, cancelled: {},
}

func TestEveryMoveIsLegalOrNot(t *testing.T) {
	t.Parallel()
	for from, allowed := range moves {
		for number := range syncv1.State_name {
			to := syncv1.State(number)
			if got := state.CanTransition(from, to); got != slices.Contains(allowed, to) {
				t.Errorf("from %s to %s: %v", from, to, got)
			}
		}
	}
}

func TestEveryStageHasItsStateInOrder(t *testing.T) {
	t.Parallel()
	last := initializing
	for i, s := range []syncv1.State{validating, discovering, processing, syncing, reconciling} {
		if stage := syncv1.Stage(i + 1); state.StageOf(s) != stage {
			t.Errorf("%s is of %s, want %s", s, state.StageOf(s), stage)
		}
		if !state.CanTransition(last, s) || state.CanTransition(s, last) && last != initializing {
			t.Errorf("the way from %s to %s is no way forward", last, s)
		}
		last = s
	}
	for _, s := range []syncv1.State{pending, initializing, completed, failed, retrying, cancelled} {
		if state.StageOf(s) != syncv1.Stage_STAGE_UNSPECIFIED {
			t.Errorf("%s has stage %s", s, state.StageOf(s))
		}
	}
}

// TestTheStoreTakesNoIllegalMove tries each one on a stored sync.
func TestTheStoreTakesNoIllegalMove(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		for from := range moves {
			verdict := b.start(35, nil)
			b.bring(verdict.SyncID, from)
			for number := range syncv1.State_name {
				to := syncv1.State(number)
				if to == from || state.CanTransition(from, to) {
					continue
				}
				v := b.get(verdict.SyncID)
				if err := b.move(v, 1, to); !errs.HasCode(err, errs.IllegalTransition) || errs.KindOf(err) != errs.Precondition {
					t.Errorf("from %s to %s: %v", from, to, err)
				}
			}
			if got := b.get(verdict.SyncID).GetState(); got != from {
				t.Errorf("%s became %s", from, got)
			}
			if !state.Terminal(from) {
				b.end(verdict.SyncID, failed)
			}
		}
	})
}

// bring takes a new sync to a state.
func (b *bench) bring(syncID string, to syncv1.State) {
	b.t.Helper()
	v := b.get(syncID)
	way := []syncv1.State{initializing, to}
	switch to {
	case pending:
		return
	case initializing:
		way = way[:1]
	case completed:
		way = []syncv1.State{initializing, reconciling, completed}
	}
	for _, s := range way {
		must(b.t, b.move(v, 1, s))
	}
}
