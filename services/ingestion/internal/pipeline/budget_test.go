package pipeline_test

import (
	"context"
	"sync/atomic"
	"testing"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
)

// gatedTrees let no content through before the gate is open, and count who asks for some.
type gatedTrees struct {
	*memoryTrees
	gate  chan struct{}
	asked chan struct{}
	most  atomic.Int32
	now   atomic.Int32
}

func (g *gatedTrees) Read(ctx context.Context, snapshot string, blobs []string, visit func([]byte) error) error {
	now := g.now.Add(1)
	defer g.now.Add(-1)
	for most := g.most.Load(); now > most && !g.most.CompareAndSwap(most, now); most = g.most.Load() {
	}
	g.asked <- struct{}{}
	<-g.gate
	return g.memoryTrees.Read(ctx, snapshot, blobs, visit)
}

// together runs three ingestions of one tree at once, and returns how many held contents at the same time. Before the
// gate opens, so many have asked for contents as are expected to get in.
func together(t *testing.T, budget *pipeline.Budget, expected int) int {
	t.Helper()
	const ingestions = 3
	trees := &gatedTrees{
		memoryTrees: newMemoryTrees(inRaw(wiring(20), 5)), gate: make(chan struct{}), asked: make(chan struct{}, ingestions),
	}
	p := benchPipeline(t, trees)
	p.Budget = budget
	errs := make(chan error, ingestions)
	for range ingestions {
		go func() {
			_, err := p.Ingest(t.Context(), request(gittree.Ref{Snapshot: "s", ID: "before"}, plan.Options{}))
			errs <- err
		}()
	}
	for range expected {
		<-trees.asked
	}
	close(trees.gate)
	for range ingestions {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	return int(trees.most.Load())
}

// TestIngestionsShareABudget: with room for one, files are held by one ingestion after the other, also when one alone
// needs more than there is; without the budget all hold theirs at once.
func TestIngestionsShareABudget(t *testing.T) {
	t.Parallel()
	if most := together(t, pipeline.NewBudget(1), 1); most != 1 {
		t.Errorf("%d ingestions at once in a budget for one", most)
	}
	if most := together(t, nil, 3); most != 3 {
		t.Errorf("%d ingestions at once without a budget, not 3", most)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	trees := newMemoryTrees(inRaw(wiring(20), 5))
	p := benchPipeline(t, trees)
	p.Budget = pipeline.NewBudget(1)
	if _, err := p.Ingest(ctx, request(gittree.Ref{Snapshot: "s", ID: "before"}, plan.Options{})); err == nil {
		t.Error("an ingestion that nobody waits for ran")
	}
}
