package e2e

import (
	"strconv"
	"strings"
	"testing"

	"fgdsync.dev/test/system"
)

// TestWhatAProgramAtRestTakes: nothing is registered, and so nothing is held. The bounds are about twice what was
// measured (docs/benchmarks.md); of the resident memory, most is pages of the program.
func TestWhatAProgramAtRestTakes(t *testing.T) {
	t.Parallel()
	if system.Race {
		t.Skip("the race detector takes several times as much")
	}
	five := programs.Five(t, system.Redis(t).URL(), nil)
	five.AwaitReady()
	for name, address := range five.Operations {
		requireAtRest(t, name, get(t, five.Client(), address+"/metrics", "text/plain"), 80<<20)
	}
	one := programs.Up(t, nil)
	one.AwaitReady()
	requireAtRest(t, "fgd up", get(t, one.Client(), one.Base+"/metrics", "text/plain"), 128<<20)
}

func requireAtRest(t *testing.T, name, metrics string, resident float64) {
	t.Helper()
	const heap = 32 << 20
	for series, most := range map[string]float64{
		"process_resident_memory_bytes": resident, "go_memstats_heap_alloc_bytes": heap,
	} {
		switch got := sample(t, metrics, series); {
		case got == 0:
			t.Errorf("%s has no %s", name, series)
		case got > most:
			t.Errorf("%s: %s is %.0f, and at most %.0f at rest", name, series, got, most)
		default:
			t.Logf("%s: %s is %.1f MiB", name, series, got/(1<<20))
		}
	}
}

// sample is the value of a series without labels; 0 when it is not there.
func sample(t *testing.T, metrics, series string) float64 {
	t.Helper()
	for line := range strings.Lines(metrics) {
		if text, is := strings.CutPrefix(line, series+" "); is {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	return 0
}
