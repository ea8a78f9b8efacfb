package state_test

import (
	"slices"
	"testing"

	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/history"
	"fgdsync.dev/testkit/redistest"
)

// What the guards of the scripts are for: each of these does what a test does that holds, without the guard, and finds
// the harm.

// TestWithoutFencesALateHolderIsHeard is TestALateHolderIsRefused without the guard.
func TestWithoutFencesALateHolderIsHeard(t *testing.T) {
	t.Parallel()
	weak := state.WithoutGuardOfWrites(t,
		"if held and tonumber(ARGV[2]) < tonumber(r[2]) then return {'fenced', tonumber(r[1]), cancel} end")
	b := newBench(t, redistest.Start(t).Conn(t), weak)
	b.fabric(35)
	id := b.start(35, nil).SyncID
	must(t, b.move(b.get(id), 1, initializing))
	must(t, b.move(b.get(id), 2, validating))
	if err := b.move(b.get(id), 1, failed); err != nil {
		t.Errorf("another guard has held it: %v", err)
	}
	if got := b.get(id).GetState(); got != failed {
		t.Errorf("the sync of another holder is %s", got)
	}
}

// TestWithoutVersionsAChangeIsLost is TestTwoReadersOfOneVersionCannotBothWrite without the guard.
func TestWithoutVersionsAChangeIsLost(t *testing.T) {
	t.Parallel()
	weak := state.WithoutGuardOfWrites(t, "if r[1] ~= ARGV[3] then return {'stale', tonumber(r[1]), cancel} end")
	b := newBench(t, redistest.Start(t).Conn(t), weak)
	b.fabric(35)
	id := b.start(35, nil).SyncID
	first, second := b.get(id), b.get(id)
	first.RequestedBy, second.Attempt = "Ada", 7
	must(t, b.move(first, 1, initializing))
	must(t, b.move(second, 1, initializing))
	if got := b.get(id); got.GetRequestedBy() == "Ada" || got.GetAttempt() != 7 {
		t.Errorf("both changes are there: %v", got)
	}
}

// TestWithoutWriteIDsALostReplyIsALostLock is TestALostReplyWritesOnce without the guard.
func TestWithoutWriteIDsALostReplyIsALostLock(t *testing.T) {
	t.Parallel()
	weak := state.WithoutGuardOfWrites(t, "if r[3] == ARGV[4] then return {'ok', tonumber(r[1]), cancel} end")
	lossy := redistest.Start(t).Lossy(t)
	b := newBench(t, lossy.Conn(t), weak)
	b.fabric(35)
	b.fabric(36)
	must(t, b.move(b.get(b.start(36, nil).SyncID), 1, initializing)) // Redis has to know the script
	v := b.get(b.start(35, nil).SyncID)
	lossy.LoseReplyTo("the-lost-one")
	if err := b.move(v, 1, initializing, "the-lost-one"); !errs.HasCode(err, errs.LockLost) {
		t.Errorf("got %v", err)
	}
}

// TestWithoutRequestIDsAnEndedSyncStandsInTheWay is TestARepeatedRequestGetsItsFirstAnswer without the guard: the
// caller repeats a call whose reply was lost, and the sync has ended meanwhile.
func TestWithoutRequestIDsAnEndedSyncStandsInTheWay(t *testing.T) {
	t.Parallel()
	weak := state.WithoutGuardOfStarts(t, "if known[1] then return known end")
	b := newBench(t, redistest.Start(t).Conn(t), weak)
	b.fabric(35)
	record := b.record(35, nil, syncv1.Trigger_TRIGGER_MANUAL)
	ask := func() {
		_, err := b.Start(t.Context(), record, "request", "")
		must(t, err)
	}
	ask()
	b.end(record.GetSyncId(), failed)
	ask()
	if next := b.start(35, nil); !next.Queued || !slices.Equal(b.work(35),
		[]string{record.GetSyncId(), record.GetSyncId()}) {
		t.Errorf("the next one got %+v, workers %v", next, b.work(35))
	}
}

// TestWithoutVersionsHistoriesContradict is TestHistoriesOfARecord without the guard.
func TestWithoutVersionsHistoriesContradict(t *testing.T) {
	t.Parallel()
	weak := state.WithoutGuardOfWrites(t, "if r[1] ~= ARGV[3] then return {'stale', tonumber(r[1]), cancel} end")
	if record := rewriting(t, weak); !history.Contradicted(record, stored{}, recordStep) {
		t.Errorf("there is an order that explains\n%s", record)
	}
}

// TestWithoutAQueueHistoriesContradict is TestHistoriesOfARun without the guard.
func TestWithoutAQueueHistoriesContradict(t *testing.T) {
	t.Parallel()
	weak := state.WithoutGuardOfStarts(t,
		"if active then\n  redis.call('HSET', KEYS[2], slot, ARGV[1])\n  return answer('queued', ARGV[1])\nend")
	if _, record := triggering(t, weak); !history.Contradicted(record, queue{}, runStep) {
		t.Errorf("there is an order that explains\n%s", record)
	}
}
