// Package memory gives memory back to the system.
package memory

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Returner gives what answers took that nobody read back to the system. The process is often idle afterwards, and would
// otherwise keep it for minutes.
type Returner struct {
	wanted atomic.Bool
	mu     sync.Mutex
}

// GiveBack gives back what is free by now. Of many who ask while it is at work, one more run serves all.
func (r *Returner) GiveBack() {
	r.wanted.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wanted.Swap(false) {
		debug.FreeOSMemory()
	}
}
