package workflow

import (
	"context"
	"fmt"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// countQuarantined counts the files in unmanaged/ that the sync leaves on the branch. Those of a tree that the sync
// before has left were counted then.
func (a *attempt) countQuarantined(ctx context.Context) error {
	if !state.Whole(a.sync.record.Sync) {
		return nil
	}
	seen, err := a.deps.Store.Look(ctx, []*fabricv1.Fabric{a.fabric})
	if err != nil {
		return err
	}
	a.before = seen[0].Standing.Published
	tree := a.leftTree()
	if known := a.before; known.GetTree() == tree && known.QuarantinedFiles != nil {
		a.quarantined = int(known.GetQuarantinedFiles())
		return nil
	}
	found, err := a.deps.Ingestion.ListQuarantine(ctx, &ingestionv1.ListQuarantineRequest{
		SnapshotId: a.snapshot.GetSnapshotId(), Tree: tree,
	})
	if err != nil {
		return fmt.Errorf("count the files in quarantine: %w", err)
	}
	a.quarantined = len(found.GetFiles())
	return nil
}

// leftTree returns the tree of the directory on the branch when all is done: what is proposed is not.
func (a *attempt) leftTree() string {
	if a.proposes() {
		return a.snapshot.GetTree()
	}
	return a.tree
}
