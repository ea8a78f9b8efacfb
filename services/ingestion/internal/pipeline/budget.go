package pipeline

import (
	"context"
	"fmt"

	"golang.org/x/sync/semaphore"

	"fgdsync.dev/services/ingestion/internal/inventory"
)

// Budget is how many bytes of files all ingestions together may hold. Those that find no room wait in the order in
// which they came, so that a large one has its turn too.
type Budget struct {
	bytes int64
	room  *semaphore.Weighted
}

// NewBudget returns a budget of so many bytes.
func NewBudget(bytes int64) *Budget { return &Budget{bytes, semaphore.NewWeighted(bytes)} }

// take waits for room for the sources at some places. One that needs more than there is takes all and runs alone.
func (b *Budget) take(ctx context.Context, sources []inventory.Source, places []int) (release func(), err error) {
	if b == nil {
		return func() {}, nil
	}
	var bytes int64
	for _, i := range places {
		if sources[i].Problem == nil {
			bytes += sources[i].Size
		}
	}
	bytes = min(bytes, b.bytes)
	if err := b.room.Acquire(ctx, bytes); err != nil {
		return func() {}, fmt.Errorf("wait for room for %d bytes of files: %w", bytes, context.Cause(ctx))
	}
	return func() { b.room.Release(bytes) }, nil
}
