package githubsync_test

import (
	"fmt"
	"sync"
	"testing"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"

	"fgdsync.dev/libs/testkit/gitserver"
)

// BenchmarkPublish is how long it takes until everybody has published who began at the same time, each to a directory of his
// own.
func BenchmarkPublish(b *testing.B) {
	for _, publishers := range []int{1, 100} {
		b.Run(fmt.Sprint(publishers), func(b *testing.B) {
			bench := setup(b)
			bench.host.Create(b, repository, branch, map[string]string{"README.md": "# r\n"})
			round := 0
			for b.Loop() {
				b.StopTimer()
				publish := bench.prepared(publishers, fmt.Sprintf("v: %d\n", round))
				round++
				before := bench.host.Requests(gitserver.Receive)
				b.StartTimer()
				publish()
				b.ReportMetric(float64(bench.host.Requests(gitserver.Receive)-before), "pushes")
			}
		})
	}
}

// prepared lets so many open a snapshot and write into it. What it gives lets them all publish at once.
func (b *bench) prepared(publishers int, content string) (publish func()) {
	b.t.Helper()
	snapshots, trees := make([]*gitv1.Snapshot, publishers), make([]string, publishers)
	for i := range publishers {
		snapshots[i] = b.open(fmt.Sprintf("fabrics/f%d", i))
		trees[i] = b.mustWrite(snapshots[i], map[string]string{"a.yaml": fmt.Sprint(i, " ", content)})
	}
	return func() {
		var all sync.WaitGroup
		for i := range publishers {
			all.Go(func() {
				for { // one that was overtaken too often asks again
					response, err := b.publish(snapshots[i], trees[i])
					if err == nil && response.GetCommitted() {
						return
					}
				}
			})
		}
		all.Wait()
	}
}
