package lock_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"fgdsync.dev/libs/lock"
	"fgdsync.dev/testkit/history"
	"fgdsync.dev/testkit/redistest"
)

// deed is what a client does with the lock: take it, give it back, or fall silent with it in hand.
type deed struct {
	kind   string
	holder int // of a take, counted over all clients
}

// told is what it hears.
type told struct {
	fence int64
	fails bool
}

// held is the lock as one client after the other would see it.
type held struct {
	holder int // 0 for none
	last   int64
}

// lockStep is the lock that everybody believes to talk to.
func lockStep(now held, d deed, answer told) (bool, held) {
	switch {
	case d.kind == "take" && answer.fails:
		return true, now
	case d.kind == "take":
		return now.holder == 0 && answer.fence > now.last, held{d.holder, answer.fence}
	case now.holder == d.holder: // given back, or fallen silent until the lease was over
		return true, held{0, now.last}
	default:
		return true, now
	}
}

const (
	briefLease = 400 * time.Millisecond
	clients    = 5
	takes      = 12
	deeds      = 10 // of a holder
)

// contention lets clients take a lock, lose replies and fall silent. Each has a locker made of a new one.
func contention(t *testing.T, locker func(*lock.Locker) *lock.Locker) *history.Recorder[deed, told] {
	t.Helper()
	server := redistest.Start(t)
	server.Conn(t) // it answers
	record := &history.Recorder[deed, told]{}
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(client), 35))
			for take := range takes {
				lossy := server.Lossy(t)
				if dice.IntN(3) == 0 {
					lossy.LoseReplyTo(key)
				}
				turn(t, record, lossy, locker, client, 1+client*takes+take, dice.IntN(4) == 0)
			}
		})
	}
	all.Wait()
	return record
}

func turn(
	t *testing.T, record *history.Recorder[deed, told], lossy *redistest.Lossy, locker func(*lock.Locker) *lock.Locker,
	client, holder int, silent bool,
) {
	conn := lossy.Conn(t)
	var lease *lock.Lease
	record.Call(client, deed{"take", holder}, func() (told, bool) {
		var err error
		if lease, err = locker(lock.New(conn, briefLease, never)).Acquire(t.Context(), key); err != nil {
			return told{fails: true}, true
		}
		return told{fence: lease.Fence()}, true
	})
	if lease == nil {
		return
	}
	for range deeds { // time in which another could come in
		if err := conn.Main.Ping(lease.Context()).Err(); err != nil && lease.Context().Err() == nil {
			t.Error(err)
		}
	}
	over := time.Now()
	if sure := lease.Sure(); sure.Before(over) { // on a busy machine the lease may be over before anybody gives it back
		over = sure
	}
	record.CallFrom(over, client, deed{"leave", holder}, func() (told, bool) {
		if silent {
			_ = conn.Close()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return told{}, lease.Release(ctx) == nil
	})
}

// TestHistoriesOfTheLock (L1): whatever replies are lost and whoever falls silent, what all clients see is what one
// after the other would have seen.
func TestHistoriesOfTheLock(t *testing.T) {
	t.Parallel()
	history.Explain(t, contention(t, func(l *lock.Locker) *lock.Locker { return l }), held{}, lockStep)
}
