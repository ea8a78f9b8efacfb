package state_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/history"
	"fgdsync.dev/testkit/redistest"
)

// question is what a client asks of the store.
type question struct {
	kind  string // write, read, start or end
	fence int64
	base  string // what a writer had read
	value string // what it writes, or the sync that it starts or ends
}

// reply is what it hears.
type reply struct {
	verdict string
	value   string
	fence   int64
}

// lossyBench is a store whose replies get lost now and then.
func lossyBench(
	t *testing.T, server *redistest.Server, dice *rand.Rand, word string, weaken ...func(*state.Store),
) *bench {
	lossy := server.Lossy(t)
	if dice.IntN(3) > 0 {
		lossy.LoseReplyTo(word)
	}
	return newBench(t, lossy.Conn(t), weaken...)
}

// stored is a record as one client after the other would see it.
type stored struct {
	value string
	fence int64
}

// recordStep is a record that takes a write only from the last holder or a later one, who has read what is there.
func recordStep(now stored, q question, a reply) (bool, stored) {
	if q.kind == "read" {
		return a.value == now.value && a.fence == now.fence, now
	}
	allowed := q.fence >= now.fence && q.base == now.value
	switch a.verdict {
	case "written":
		return allowed, stored{q.value, q.fence}
	case "refused":
		return !allowed, now
	default: // nobody knows
		if allowed {
			return true, stored{q.value, q.fence}
		}
		return true, now
	}
}

const (
	clients = 5
	rounds  = 12
)

// rewriting lets clients read and write one record, with numbers of their own.
func rewriting(t *testing.T, weaken ...func(*state.Store)) *history.Recorder[question, reply] {
	t.Helper()
	server := redistest.Start(t)
	b := newBench(t, server.Conn(t), weaken...)
	b.fabric(35)
	id := b.start(35, nil).SyncID
	record := &history.Recorder[question, reply]{}
	var all sync.WaitGroup
	for client := range clients {
		dice := rand.New(rand.NewPCG(uint64(client), 35))
		own := lossyBench(t, server, dice, id, weaken...)
		all.Go(func() {
			for round := range rounds {
				rewrite(t, record, own, id, client, fmt.Sprint(client, "/", round), dice)
			}
		})
	}
	all.Wait()
	return record
}

func rewrite(t *testing.T, record *history.Recorder[question, reply], b *bench, id string, client int, value string,
	dice *rand.Rand,
) {
	var v *state.Record
	seen := record.Call(client, question{kind: "read"}, func() (reply, bool) {
		var err error
		if v, err = b.Get(t.Context(), id); err != nil {
			t.Error(err)
			return reply{}, false
		}
		return reply{value: v.GetRequestedBy(), fence: v.Fence()}, true
	})
	if v == nil {
		return
	}
	fence := max(1, seen.fence+int64(dice.IntN(3))-1) // late, the same, or the next holder
	record.Call(client, question{kind: "write", fence: fence, base: seen.value, value: value}, func() (reply, bool) {
		v.RequestedBy = value
		err := b.Write(t.Context(), v, fence, nil, nil)
		switch {
		case err == nil:
			return reply{verdict: "written"}, true
		case errs.HasCode(err, errs.LockLost):
			return reply{verdict: "refused"}, true
		default:
			return reply{}, false
		}
	})
}

// TestHistoriesOfARecord: whatever replies are lost, what clients see of a record is what one after the other would
// have seen of one that is fenced and versioned.
func TestHistoriesOfARecord(t *testing.T) {
	t.Parallel()
	history.Explain(t, rewriting(t), stored{}, recordStep)
}

// queue is the run of a fabric: what is active and what waits, for each lane.
type queue struct{ active, waiting string }

// runStep is a run with one active sync, and at most one that waits.
func runStep(now queue, q question, a reply) (bool, queue) {
	switch {
	case q.kind == "end" && now.active == q.value:
		return a.verdict == "ended", queue{active: now.waiting}
	case q.kind == "end": // somebody else has ended it
		return a.verdict == "refused", now
	case now.active == "":
		return a.verdict == "started" && a.value == q.value, queue{active: q.value}
	case now.waiting == "":
		return a.verdict == "queued" && a.value == q.value, queue{now.active, q.value}
	default:
		return a.verdict == "queued" && a.value == now.waiting, now
	}
}

// triggering lets clients start syncs of one fabric, and end those that became active.
func triggering(t *testing.T, weaken ...func(*state.Store)) (*bench, *history.Recorder[question, reply]) {
	t.Helper()
	server := redistest.Start(t)
	first := newBench(t, server.Conn(t), weaken...)
	first.fabric(35)
	record := &history.Recorder[question, reply]{}
	var all sync.WaitGroup
	for client := range clients {
		dice := rand.New(rand.NewPCG(uint64(client), 35))
		own := lossyBench(t, server, dice, "evalsha", weaken...)
		all.Go(func() {
			for range rounds {
				trigger(t, record, own, client)
			}
		})
	}
	all.Wait()
	return first, record
}

func trigger(t *testing.T, record *history.Recorder[question, reply], b *bench, client int) {
	first, second := ask(t, record, b, client), ask(t, record, b, client)
	if first.verdict != "started" && second.verdict != "started" {
		return
	}
	// A worker takes what is active to its end, and what waited for it.
	for next := active(t, b); next != ""; next = active(t, b) {
		ended := false
		record.Call(client, question{kind: "end", value: next}, func() (reply, bool) {
			v, err := b.Get(t.Context(), next)
			if err != nil {
				t.Error(err)
				return reply{}, false
			}
			err = b.move(v, 1, failed)
			if ended = err == nil; ended {
				return reply{verdict: "ended"}, true
			}
			return reply{verdict: "refused"}, errs.HasCode(err, errs.LockLost) || errs.HasCode(err, errs.IllegalTransition)
		})
		if !ended {
			return // another one is faster
		}
	}
}

// ask asks for a sync.
func ask(t *testing.T, record *history.Recorder[question, reply], b *bench, client int) reply {
	wanted := b.record(35, nil, syncv1.Trigger_TRIGGER_MANUAL)
	return record.Call(client, question{kind: "start", value: wanted.GetSyncId()}, func() (reply, bool) {
		verdict, err := b.Start(t.Context(), wanted, uuid.NewString(), "")
		if err != nil {
			t.Error(err)
			return reply{}, false
		}
		word := map[bool]string{true: "queued", false: "started"}[verdict.Queued]
		return reply{verdict: word, value: verdict.SyncID}, true
	})
}

// active returns the sync that is active, if there is one.
func active(t *testing.T, b *bench) string {
	records, err := b.Active(t.Context(), []int32{35})
	if err != nil {
		t.Error(err)
		return ""
	}
	for _, record := range records {
		return record.GetSyncId()
	}
	return ""
}

// TestHistoriesOfARun: whatever replies are lost, requests for syncs are answered as if they had come one after the
// other. Each sync that was accepted came to the workers, once.
func TestHistoriesOfARun(t *testing.T) {
	t.Parallel()
	b, record := triggering(t)
	history.Explain(t, record, queue{}, runStep)
	work := b.work(35)
	if slices.Sort(work); len(slices.Compact(slices.Clone(work))) != len(work) {
		t.Errorf("workers got a sync twice: %s", strings.Join(work, "\n"))
	}
}
