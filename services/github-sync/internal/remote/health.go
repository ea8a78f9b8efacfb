package remote

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sony/gobreaker/v2"

	"fgdsync.dev/libs/health"
)

// Check reports the Git hosts that are left alone because they failed several times in a row. The others are spoken to.
func (t *Transport) Check(context.Context) error {
	hosts := t.ssh.breakers.leftAlone()
	if len(hosts) == 0 {
		return nil
	}
	return &health.Trouble{
		Status: health.Degraded,
		Reason: fmt.Sprintf("Left alone for a while, because they failed several times in a row: %s.",
			strings.Join(hosts, ", ")),
		Remedy:  "See what ails the hosts; requests begin again by themselves.",
		Details: map[string]string{"hosts": strings.Join(hosts, ", ")},
	}
}

// leftAlone returns the hosts whose breakers are not closed.
func (b *breakers) leftAlone() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, host := range b.hosts.Keys() {
		if known, there := b.hosts.Peek(host); there && known.State() != gobreaker.StateClosed {
			out = append(out, host)
		}
	}
	slices.Sort(out)
	return out
}
