package workflow

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// knowLast finds out what the last sync left. Where no index is kept, for a command keeps none and Redis may have lost
// its own, the branch knows it.
func (a *attempt) knowLast(ctx context.Context) (err error) {
	if a.stored, err = a.deps.Store.Resources(ctx, a.fabric.GetFabricId()); err != nil {
		return err
	}
	a.last = a.stored
	if a.restores() {
		if a.head, err = a.read(ctx, a.snapshot.GetTree(), a.snapshot.GetOrigin()); err != nil {
			return err
		}
	}
	if len(a.stored.Resources) > 0 || a.stored.Complete() || !a.hasPast() {
		return nil
	}
	found, err := a.deps.History.FindLastSync(ctx, &gitv1.FindLastSyncRequest{SnapshotId: a.snapshot.GetSnapshotId()})
	if err != nil && errs.From(err).Code.Kind != errs.Precondition { // else the host hands out no history
		return fmt.Errorf("find the last sync: %w", err)
	}
	switch {
	case found.GetCommit() != "":
		a.last, err = a.read(ctx, found.GetTree(), &gitv1.Origin{
			Commit: found.GetCommit(), CommitTime: found.GetCommitTime(),
		})
		return err
	case err != nil || found.GetTruncated():
		a.tellLastUnknown()
	}
	return nil
}

// hasPast reports whether a sync may have left something: the directory has a manifest, or it is gone as a whole, or
// comes back. History is not fetched for nothing before the first sync of files that are there already.
func (a *attempt) hasPast() bool {
	return !a.first || !a.snapshot.GetDirectoryExists() || a.restores()
}

// read makes the index of the directory as a tree has it, without what would be ingested from it. When an ingestion of
// today would change what is there, it is not known of each file whether somebody has edited it: the index is not
// complete.
func (a *attempt) read(ctx context.Context, tree string, from *gitv1.Origin) (state.Index, error) {
	var resources []*ingestionv1.Resource
	waiting, digest := map[string]bool{}, "" // paths that documents would have
	err := rpc.Collect(ctx, a.deps.Ingestion.Ingest, &ingestionv1.IngestRequest{
		SnapshotId: a.snapshot.GetSnapshotId(), Tree: tree, Fabric: a.identity(), Options: a.fabric.GetOptions(),
		Commit: from.GetCommit(), CommitTime: from.GetCommitTime(),
	}, func(part *ingestionv1.IngestResponse) error {
		for _, d := range part.GetResults().GetDocuments() {
			waiting[d.GetDestination()] = d.GetOutcome() == ingestionv1.Outcome_OUTCOME_CREATED
		}
		resources = append(resources, part.GetResults().GetResources()...)
		if summary := part.GetSummary(); summary.GetTree() == tree {
			digest = summary.GetDigest()
		}
		return nil
	})
	if err != nil {
		return state.Index{}, fmt.Errorf("read what was there: %w", err)
	}
	resources = slices.DeleteFunc(resources, func(r *ingestionv1.Resource) bool { return waiting[r.GetPath()] })
	return state.NewIndex(resources, digest), nil
}

// base is what the plan is compared with: what the last sync left. What a restore does is compared with the head, since
// it brings back what somebody has taken away after the last sync; and what it leaves away is gone all the same.
func (a *attempt) base() state.Index {
	if !a.restores() {
		return a.last
	}
	base := state.Index{Resources: maps.Clone(a.last.Resources)}
	for _, r := range a.resources {
		delete(base.Resources, state.IDOf(r.GetKey()).String())
	}
	maps.Copy(base.Resources, a.head.Resources)
	return base
}

// tellLastUnknown warns that what is gone is not counted.
func (a *attempt) tellLastUnknown() {
	if a.first && !a.restores() {
		return // nobody expects that there was one
	}
	a.sync.addFinding(errs.NewFinding(errs.LastSyncUnknown, reportv1.Severity_SEVERITY_WARNING,
		"No sync of this directory was found in the last commits of the branch %s: what is gone since is not counted, and "+
			"stops no sync", a.fabric.GetLocation().GetBranch()))
}
