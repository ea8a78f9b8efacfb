package githubsync_test

import (
	"fmt"
	"testing"

	"fgdsync.dev/testkit/gitserver"
)

// BenchmarkPublish is how long it takes until everybody has published who began at the same time, each to a directory
// of his own.
func BenchmarkPublish(b *testing.B) {
	for _, publishers := range []int{1, 100} {
		b.Run(fmt.Sprint(publishers), func(b *testing.B) {
			bench := setup(b)
			bench.host.Create(b, repository, branch, map[string]string{"README.md": "# r\n"})
			round := 0
			for b.Loop() {
				b.StopTimer()
				group := bench.publishers(publishers, fmt.Sprintf("v: %d\n", round))
				round++
				before := bench.host.Requests(gitserver.Receive)
				b.StartTimer()
				for _, p := range group {
					p.begin(b.Context())
				}
				for _, p := range group {
					if err := <-p.done; err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(bench.host.Requests(gitserver.Receive)-before), "pushes")
			}
		})
	}
}
