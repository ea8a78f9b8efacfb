package bench

import (
	"testing"
	"time"
)

// BenchmarkHelp is the process of fgd --help, with the memory that it had at most: that of files which are mapped into
// it, the program itself above all, is counted too. Its floor is the same program asked for its version.
func BenchmarkHelp(b *testing.B) {
	built := programs(b)
	figures := map[string][]time.Duration{}
	var memory int64
	for b.Loop() {
		for _, call := range []string{"--help", "--version"} {
			began := time.Now()
			result := built.Run(b, nil, call)
			if result.Code != 0 {
				b.Fatalf("exit %d:\n%s", result.Code, result.Output())
			}
			figures[call] = append(figures[call], time.Since(began))
			memory = max(memory, result.Memory)
		}
	}
	report(b, "help", figures["--help"])
	report(b, "version", figures["--version"])
	b.ReportMetric(float64(memory)/(1<<20), "resident-MiB")
}
