package lock_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/lock"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/testkit/redistest"
)

// exact is where numbers of a script are no longer exact.
const exact = 1 << 53

// found is what may be found beside an effect: what a sync wrote, and whatever somebody else did.
func found(rt *rapid.T, now time.Time) int64 {
	return rapid.OneOf(
		rapid.Int64(),
		rapid.Int64Range(now.Add(-time.Hour).UnixMicro(), now.Add(25*time.Hour).UnixMicro()),
		rapid.SampledFrom([]int64{0, -1, math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, exact - 1, exact, exact + 1}),
	).Draw(rt, "found")
}

// TestNumbersGrowWhateverIsFound is the law of the numbers: each is above the one before, whatever the leases were to
// be raised above and whatever the counter was changed to that was never given, and none is far ahead of the clock.
func TestNumbersGrowWhateverIsFound(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		last := int64(0)
		grown := func(rt *rapid.T, fence int64, after string) {
			if fence <= last || fence >= time.Now().Add(lock.Furthest).UnixMicro() {
				rt.Fatalf("%d came after %d, %s", fence, last, after)
			}
			last = fence
		}
		rapid.Check(t, func(rt *rapid.T) {
			if poison := rapid.SampledFrom([]string{"", "9223372036854775808", "9007199254740993", "inf", "-3", "x"}).
				Draw(rt, "counter"); poison != "" {
				last = 0 // what follows is what a counter that was lost would give
				must(t, conn.Main.Set(t.Context(), key+":fence", poison, 0).Err())
			}
			lease := acquire(t, lock.New(conn, long, never))
			grown(rt, lease.Fence(), "taking the lock")
			for range rapid.IntRange(0, 3).Draw(rt, "raises") {
				floor := found(rt, time.Now())
				above, err := lease.RaiseAbove(t.Context(), floor)
				must(t, err)
				if above != (lease.Fence() > floor) || (!above && floor < time.Now().UnixMicro()) {
					rt.Fatalf("raised above %d: %v, and has %d", floor, above, lease.Fence())
				}
				if lease.Fence() != last {
					grown(rt, lease.Fence(), fmt.Sprintf("raising it above %d", floor))
				}
			}
			release(t, lease)
		})
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
