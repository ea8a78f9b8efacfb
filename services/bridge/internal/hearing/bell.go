package hearing

import (
	"maps"
	"slices"
	"sync"
)

// Bell wakes all who hear, of whichever NetBox: a webhook does not say which one it comes from. The zero one is ready.
type Bell struct {
	mu      sync.Mutex
	hearing map[*Hearing]bool
}

// Ring wakes them.
func (b *Bell) Ring() {
	b.mu.Lock()
	all := slices.Collect(maps.Keys(b.hearing))
	b.mu.Unlock()
	for _, one := range all {
		one.Wake()
	}
}

// join has somebody be woken until leave is called. A nil bell wakes nobody.
func (b *Bell) join(h *Hearing) (leave func()) {
	if b == nil {
		return func() {}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hearing == nil {
		b.hearing = map[*Hearing]bool{}
	}
	b.hearing[h] = true
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.hearing, h)
	}
}
