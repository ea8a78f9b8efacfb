package audit

import (
	"net/netip"
	"sync"
	"time"

	"fgdsync.dev/services/bridge/internal/access"
)

const (
	denialSpan = time.Minute
	// Refused calls of one address, and of all, that have a line of their own within a minute. The rest is counted.
	mostOfOne = 60
	mostOfAll = 1200
	// mostSources bounds the memory; addresses beyond it are counted together.
	mostSources  = 1000
	otherSources = "others"
)

// denials keeps a flood of refused calls from filling the disk.
type denials struct {
	now func() time.Time

	mu     sync.Mutex
	began  time.Time
	all    int
	of     map[netip.Prefix]int
	counts map[string]int64 // of calls that have no line of their own
}

func newDenials(now func() time.Time) *denials {
	return &denials{now: now, of: map[netip.Prefix]int{}, counts: map[string]int64{}}
}

// take reports whether a refused call has a line of its own. One that the limit of guesses refuses has none.
func (d *denials) take(from netip.Addr, limited bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := d.now(); now.Sub(d.began) >= denialSpan {
		d.began, d.all = now, 0
		clear(d.of)
	}
	key := access.Network(from)
	if !limited && d.all < mostOfAll && d.of[key] < mostOfOne {
		d.all++
		d.of[key]++
		return true
	}
	source := key.String()
	if _, known := d.counts[source]; !known && len(d.counts) >= mostSources {
		source = otherSources
	}
	d.counts[source]++
	return false
}

// takeCounts returns how many calls were counted since it was last asked, by their networks.
func (d *denials) takeCounts() map[string]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	counts := d.counts
	d.counts = map[string]int64{}
	return counts
}
