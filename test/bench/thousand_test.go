package bench

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// BenchmarkThousand registers 1,000 fabrics in 1,000 repositories and triggers a sync of each at once, with one file to
// ingest. All have to complete. Meanwhile a process asks for statuses.
func BenchmarkThousand(b *testing.B) {
	const fabrics, callers, triggering = 1000, 50, 4
	s := programs(b).Up(b, nil)
	host := server(b)
	names := make([]string, fabrics)
	inParallel(callers, fabrics, func(i int) {
		names[i] = fmt.Sprintf("r%d.git", i)
		host.Create(b, names[i], branch, map[string]string{"README.md": ""})
		var registered system.Accepted
		definition := registration(names[i], host.URL(names[i]))
		definition["fabric_id"] = i + 1
		s.Call(http.MethodPost, "/api/v1/fabrics", definition, &registered)
		s.Ended(registered.SyncID)
	})
	var wholes, accepts, statuses, floors []time.Duration
	for round := 0; b.Loop(); round++ {
		inParallel(callers, fabrics, func(i int) {
			host.Commit(b, names[i], branch, map[string]string{directory +
				"/raw/new.yaml": fabric.VPC(fmt.Sprintf("vpc-%d", round), round)})
		})
		asker := startAsking(b, s)
		began := time.Now()
		ids := make([]string, fabrics)
		accepted := make([]time.Duration, fabrics)
		inParallel(triggering, fabrics, func(i int) {
			asked := time.Now()
			var triggered system.Accepted
			s.Call(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", i+1), map[string]any{}, &triggered)
			ids[i], accepted[i] = triggered.SyncID, time.Since(asked)
		})
		accepts = append(accepts, accepted...)
		seen := asker.about(ids)
		statuses, floors = append(statuses, seen.Took...), append(floors, seen.Floor...)
		for _, status := range seen.Ended {
			if status.State != "completed" {
				b.Fatalf("status: %+v", status)
			}
		}
		wholes = append(wholes, time.Since(began))
	}
	report(b, "1000-syncs", wholes)
	for name, durations := range map[string][]time.Duration{"accepted": accepts, "status": statuses, "floor": floors} {
		slices.Sort(durations)
		b.ReportMetric(milliseconds(durations[len(durations)/2]), name+"-median-ms")
		b.ReportMetric(milliseconds(durations[len(durations)*99/100]), name+"-p99-ms")
	}
	b.ReportMetric(float64(s.Processes["fgd"].Memory())/(1<<20), "resident-MiB")
}

// inParallel runs n calls, so many at a time.
func inParallel(callers, n int, call func(i int)) {
	next := make(chan int)
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := range next {
				call(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}
