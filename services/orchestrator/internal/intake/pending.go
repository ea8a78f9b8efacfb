package intake

import (
	"context"
	"sync"
)

// pending has the syncs of this process that are in the work streams, while who asked for them has no answer yet. A
// worker may see such a sync before the ledger and the log have it.
type pending struct {
	mu    sync.Mutex
	syncs map[string]chan struct{}
}

// begin has workers wait for a sync until end is called.
func (p *pending) begin(syncID string) (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.syncs == nil {
		p.syncs = map[string]chan struct{}{}
	}
	answered := make(chan struct{})
	p.syncs[syncID] = answered
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.syncs, syncID)
		close(answered)
	}
}

// of returns what is closed when a sync is pending no more; nil when it is not.
func (p *pending) of(syncID string) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.syncs[syncID]
}

// Answered waits until the ledger and the log have a sync that is being accepted by this process, so that its end comes
// after its beginning there. It does not wait for one that another process accepts.
func (i *Intake) Answered(ctx context.Context, syncID string) error {
	answered := i.open.of(syncID)
	if answered == nil {
		return nil
	}
	select {
	case <-answered:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
