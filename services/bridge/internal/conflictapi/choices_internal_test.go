package conflictapi

import (
	"fmt"
	"runtime"
	"testing"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

// TestTenfoldChoicesAreTenfoldWork: a request may have a thousand, for a conflict of as many paths. It counts what the
// whole process allocates, and so runs alone.
func TestTenfoldChoicesAreTenfoldWork(t *testing.T) { //nolint:paralleltest // see above
	allocated := func(paths int) uint64 {
		c, req := &netboxv1.Conflict{}, &bridgev1.ResolveConflictRequest{}
		for i := range paths {
			path := fmt.Sprint("spec.x", i)
			c.Paths = append(c.Paths, &netboxv1.ConflictPath{Path: path})
			req.Choices = append(req.Choices, &bridgev1.ConflictChoice{Path: path, Take: "git"})
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		choices, err := choicesOf(c, req)
		runtime.ReadMemStats(&after)
		if err != nil || len(choices) != paths {
			t.Fatalf("%d choices: %v", len(choices), err)
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	allocated(1) // what is made once
	if few, many := allocated(100), allocated(1000); many > 20*few {
		t.Errorf("%d bytes for 100 choices, and %d for 1000", few, many)
	}
}
