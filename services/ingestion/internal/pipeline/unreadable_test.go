package pipeline_test

import (
	"context"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/plan"
)

// withUnreadable is a tree with a path in it that nothing can be done about.
type withUnreadable struct {
	*recording
	path string
}

func (w withUnreadable) Listing(ctx context.Context, tree gittree.Ref) (gittree.Listing, error) {
	listing, err := w.recording.Listing(ctx, tree)
	listing.Unreadable = []string{w.path}
	return listing, err
}

// TestAnUnreadableNameStopsNothing: it is told of, and what is beside it is ingested.
func TestAnUnreadableNameStopsNothing(t *testing.T) {
	t.Parallel()
	trees := withUnreadable{&recording{memoryTrees: newMemoryTrees(inRaw(wiring(1), 1))}, `docs/Icon\r`}
	result, err := benchPipeline(t, trees).Ingest(t.Context(), request(gittree.Ref{ID: "before"}, plan.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, f := range result.Findings {
		if f.Code == errs.UnreadableName && f.Warning && f.File == `docs/Icon\r` {
			told++
		}
	}
	if told != 1 || len(trees.changes) == 0 {
		t.Errorf("findings %v, %d changes", result.Findings, len(trees.changes))
	}
}
