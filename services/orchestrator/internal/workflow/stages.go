package workflow

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/rpc"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

const (
	percentValidation     = 5
	percentDiscovery      = 10
	percentIngestion      = 15
	percentGithubSync     = 80
	percentReconciliation = 95
)

func (a *attempt) identity() *directoryv1.FabricIdentity {
	return &directoryv1.FabricIdentity{
		FabricId: a.fabric.GetFabricId(), Name: a.fabric.GetName(), FormerNames: a.fabric.GetFormerNames(),
	}
}

func directoryEvent(snapshot *gitv1.Snapshot, response *directoryv1.RepairDirectoryResponse) string {
	switch {
	case !snapshot.GetDirectoryExists():
		return "directory.initialized"
	case len(response.GetRepairsMade()) > 0:
		return "directory.repaired"
	default:
		return "directory.validated"
	}
}

func (a *attempt) discover(ctx context.Context) error {
	if err := a.sync.enter(ctx, syncv1.State_STATE_DISCOVERING, percentDiscovery); err != nil {
		return err
	}
	response, err := a.deps.Ingestion.Discover(ctx, &ingestionv1.DiscoverRequest{
		SnapshotId: a.snapshot.GetSnapshotId(),
		Tree:       a.tree,
	})
	if err != nil {
		return fmt.Errorf("discover files: %w", err)
	}
	a.sync.record.Progress.TotalFiles = int32(len(response.GetInputs())) + response.GetManagedFiles()
	a.sync.emitEvent(ctx, "files.discovered", &eventv1.FilesDiscovered{
		Inputs: int32(len(response.GetInputs())), ManagedFiles: response.GetManagedFiles(),
	})
	return nil
}

func (a *attempt) ingest(ctx context.Context) error {
	if err := a.sync.enter(ctx, syncv1.State_STATE_PROCESSING, percentIngestion); err != nil {
		return err
	}
	if err := a.knowLast(ctx); err != nil {
		return err
	}
	refresh, digest := a.sync.record.GetOptions().GetForceRefresh(), a.stored.Digest
	// What comes back is compared with more than what is kept, and who edits is told which files there are now.
	if refresh || a.restores() || a.isEdit() {
		digest = ""
	}
	last := lastResources(a.last)
	options, limit := a.sync.record.GetOptions(), &throttle{now: a.deps.Now, last: a.deps.Now()}
	err := rpc.Collect(ctx, a.deps.Ingestion.Ingest, &ingestionv1.IngestRequest{
		SnapshotId: a.snapshot.GetSnapshotId(), Tree: a.tree, Fabric: a.identity(), Options: a.fabric.GetOptions(),
		Commit: a.snapshot.GetOrigin().GetCommit(), CommitTime: a.snapshot.GetOrigin().GetCommitTime(),
		RetryQuarantined: options.GetRetryQuarantined(), RetryPaths: options.GetRetryPaths(),
		ReleasePaths: options.GetReleasePaths(), Refresh: refresh, KnownDigest: digest,
		Only: a.only(), LastResources: last, LastResourcesComplete: a.last.Complete() && len(last) == len(a.last.Resources),
	}, func(part *ingestionv1.IngestResponse) error { return a.take(ctx, part, limit) })
	if err != nil {
		return fmt.Errorf("ingest files: %w", err)
	}
	return a.countQuarantined(ctx)
}

// mostLast bounds the resources of the last sync that an ingestion is told of, in bytes: they go in one message.
const mostLast = rpc.MaxMessageBytes - rpc.MaxMessageBytes/8

// lastResources returns what the last sync left, as far as it fits a message.
func lastResources(last state.Index) []*ingestionv1.Resource {
	out, size := make([]*ingestionv1.Resource, 0, len(last.Resources)), 0
	for _, resource := range last.Resources {
		const frame = 8 // tag and length
		if size += proto.Size(resource) + frame; size > mostLast {
			break
		}
		out = append(out, resource)
	}
	return out
}

func (a *attempt) take(ctx context.Context, part *ingestionv1.IngestResponse, limit *throttle) error {
	switch p := part.GetPart().(type) {
	case *ingestionv1.IngestResponse_Progress:
		a.progressed(p.Progress)
		if limit.pass() {
			return a.sync.write(ctx)
		}
	case *ingestionv1.IngestResponse_Results:
		a.results(ctx, p.Results)
	case *ingestionv1.IngestResponse_Summary:
		a.summarise(p.Summary)
	}
	return nil
}

func (a *attempt) progressed(p *ingestionv1.Progress) {
	progress := a.sync.record.GetProgress()
	progress.FilesProcessed, progress.TotalFiles = p.GetFilesProcessed(), p.GetTotalFiles()
	progress.DocumentsProcessed = p.GetDocumentsProcessed()
	if total := int64(p.GetTotalFiles()); total > 0 {
		part := int64(percentGithubSync-percentIngestion) * int64(p.GetFilesProcessed()) / total
		progress.PercentComplete = max(progress.GetPercentComplete(), percentIngestion+int32(part))
	}
	a.sync.emitProgress(&syncv1.SyncEvent{Type: "sync.progress", CurrentFile: p.GetCurrentFile()})
}

func (a *attempt) results(ctx context.Context, r *ingestionv1.IngestResults) {
	a.resources = append(a.resources, r.GetResources()...)
	a.ingested.documents = append(a.ingested.documents, r.GetDocuments()...)
	a.ingested.dangling = append(a.ingested.dangling, r.GetDanglingReferences()...)
	for _, f := range r.GetFindings() {
		a.sync.addFinding(f)
	}
	if len(r.GetDocuments()) == 0 {
		return
	}
	var quarantined, processed []*ingestionv1.DocumentResult
	last := ""
	for _, d := range r.GetDocuments() {
		if d.GetFile() != last {
			last = d.GetFile()
			a.sync.emitProgress(&syncv1.SyncEvent{Type: "sync.file_processed", CurrentFile: last})
		}
		switch d.GetOutcome() {
		case ingestionv1.Outcome_OUTCOME_QUARANTINED:
			quarantined = append(quarantined, d)
			continue
		case ingestionv1.Outcome_OUTCOME_CREATED:
			a.created++
		case ingestionv1.Outcome_OUTCOME_UPDATED:
			a.updated++
		}
		processed = append(processed, d)
	}
	for part := range state.Parts(processed, len(processed)) {
		a.sync.emitEvent(ctx, "file.processed", &eventv1.DocumentsProcessed{Documents: part})
	}
	for part := range state.Parts(quarantined, len(quarantined)) {
		a.sync.emitEvent(ctx, "file.quarantined", &eventv1.DocumentsProcessed{Documents: part})
	}
}

func (a *attempt) summarise(s *ingestionv1.IngestSummary) {
	a.tree, a.digest, a.unchanged = s.GetTree(), s.GetDigest(), s.GetResourcesKnown()
	progress, result := a.sync.record.GetProgress(), a.sync.record.GetResult()
	progress.FilesProcessed, progress.TotalFiles = s.GetFilesProcessed(), s.GetFilesProcessed()
	progress.DocumentsProcessed = s.GetDocumentsProcessed()
	result.ResourcesTotal = s.GetResourcesTotal()
	if !a.sync.reported {
		result.FilesQuarantined = s.GetQuarantined()
		a.sync.findings.complete(s.GetFindingCounts())
	}
}

const resourceBatch = 200

// reconcile emits what became of resources, unless that is only proposed, then brings the index up to date: if it
// dies between the two, the events come again, and none is missing.
func (a *attempt) reconcile(ctx context.Context) error {
	options := a.sync.record.GetOptions()
	if a.proposedOnly || options.GetValidateOnly() || options.GetScope() == syncv1.Scope_SCOPE_DIRECTORY {
		return a.sync.enter(ctx, syncv1.State_STATE_RECONCILING, percentReconciliation)
	}
	a.publishResources(ctx, "resource.created", a.diff.Created)
	a.publishResources(ctx, "resource.updated", a.diff.Updated)
	a.publishResources(ctx, "resource.deleted", a.diff.Deleted)
	if err := a.sync.enter(ctx, syncv1.State_STATE_RECONCILING, percentReconciliation); err != nil {
		return err
	}
	if a.unchanged {
		return nil
	}
	failpoint.Hit(failpoint.ResourcesBefore)
	err := a.deps.Store.ApplyResources(ctx, a.fabric.GetFabricId(), a.diff, a.digest)
	failpoint.Hit(failpoint.ResourcesStored)
	return err
}

func (a *attempt) publishResources(ctx context.Context, eventType string, resources []*ingestionv1.Resource) {
	for part := range state.Parts(resources, resourceBatch) {
		a.sync.emitEvent(ctx, eventType, &eventv1.ResourcesChanged{
			Resources: part, Commit: a.sync.record.GetResult().GetCommitSha(),
		})
	}
}
