package orchestrator_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"fgdsync.dev/libs/redisconn"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/redistest"
)

// BenchmarkOrchestration is what orchestration costs: syncs whose stages do nothing, over a real Redis, one after
// another and many at once. The floor is a round trip to the same Redis.
func BenchmarkOrchestration(b *testing.B) {
	for _, fabrics := range []int{1, 100} {
		b.Run(fmt.Sprintf("fabrics=%d", fabrics), func(b *testing.B) { orchestrate(b, fabrics) })
	}
}

func orchestrate(b *testing.B, fabrics int) {
	n := newBench(b, redistest.Start(b).URL(), testConfig())
	for i := range fabrics {
		n.fabric(n.stages, int32(i+1), fmt.Sprint("f", i))
	}
	var mu sync.Mutex
	var accepted, whole, floor []time.Duration
	for b.Loop() {
		var all sync.WaitGroup
		for i := range fabrics {
			all.Go(func() {
				began := time.Now()
				id := n.start(int32(i+1), nil)
				answered := time.Since(began)
				got := n.await(id)
				mu.Lock()
				defer mu.Unlock()
				accepted = append(accepted, answered)
				whole = append(whole, got.GetCompletedAt().AsTime().Sub(got.GetAcceptedAt().AsTime()))
				if got.GetState() != syncv1.State_STATE_COMPLETED {
					b.Errorf("the sync is %v", got)
				}
			})
		}
		all.Wait()
		floor = append(floor, roundTrip(b, n.conn))
	}
	for name, durations := range map[string][]time.Duration{
		"accepted": accepted, "sync": whole,
		"redis-round-trip": floor,
	} {
		slices.Sort(durations)
		b.ReportMetric(float64(durations[len(durations)/2].Microseconds())/1000, name+"-median-ms")
		b.ReportMetric(float64(durations[len(durations)*99/100].Microseconds())/1000, name+"-p99-ms")
	}
}

func roundTrip(b *testing.B, conn *redisconn.Conn) time.Duration {
	b.Helper()
	began := time.Now()
	if err := conn.Ping(b.Context()); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}
