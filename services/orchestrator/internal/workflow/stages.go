package workflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"go.opentelemetry.io/otel/codes"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/state"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const (
	percentValidation     = 5
	percentDiscovery      = 10
	percentIngestion      = 15
	percentGithubSync     = 80
	percentReconciliation = 95
	closeTimeout          = 5 * time.Second
	// timeoutSlack is how much earlier than here a service that is called notices the end of its time.
	timeoutSlack = 50 * time.Millisecond
)

// attempt is one walk through the stages. Its tree is what the fabric directory shall become.
type attempt struct {
	*Runner
	t         *tracker
	fabric    *fabricv1.Fabric
	snapshot  *gitv1.Snapshot
	tree      string
	resources []*ingestionv1.Resource
	digest    string             // of the resources
	known     bool               // they are those of the last sync
	diff      state.ResourceDiff // against the index of the last sync
	ingested  ingested           // until the plan is made of it
	created   int
	updated   int
	pending   bool // what the sync would change is proposed, and not on the branch
}

// attempt turns a panic into the end of the sync: the same input would bring it about again, in every orchestrator that
// takes the sync over.
func (r *Runner) attempt(ctx, uncancellable context.Context, t *tracker) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.deps.Log.ErrorContext(ctx, "panic in a sync", "sync_id", t.syncID(), "panic", fmt.Sprint(p), "stack",
				string(debug.Stack()))
			err = errs.New(errs.InternalError, "A fault of this program ended the sync.")
		}
	}()
	fabric, err := r.deps.Store.Fabric(ctx, t.v.GetFabricId())
	if err != nil {
		return err
	}
	if err := t.begin(ctx); err != nil {
		return err
	}
	if err := state.Suspended(fabric, t.v.GetOptions()); err != nil && !t.mayHavePublished() {
		return err
	}
	key := fabric.GetRepositoryKey()
	ctx, uncancellable = rpc.AboutRepository(ctx, key), rpc.AboutRepository(uncancellable, key)
	a := &attempt{Runner: r, t: t, fabric: fabric}
	if err := a.traced(ctx, "open_snapshot", a.open); err != nil {
		return err
	}
	defer a.close(ctx)
	if a.restores() {
		if err := a.traced(ctx, "restore", a.restore); err != nil {
			return err
		}
	}
	if err := a.traced(ctx, "validation", a.validate); err != nil {
		return err
	}
	if t.v.GetOptions().GetScope() != syncv1.Scope_SCOPE_DIRECTORY {
		if err := a.traced(ctx, "discovery", a.discover); err != nil {
			return err
		}
		if err := a.traced(ctx, "file_ingestion", a.ingest); err != nil {
			return err
		}
		if err := a.guardDeletions(ctx); err != nil {
			return err
		}
	}
	if err := t.enter(ctx, syncv1.State_STATE_SYNCING, percentGithubSync); err != nil {
		return err
	}
	if err := a.traced(uncancellable, "github_sync", a.publish); err != nil {
		return err
	}
	return a.traced(uncancellable, "reconciliation", a.reconcile)
}

func (a *attempt) traced(ctx context.Context, name string, stage func(context.Context) error) error {
	ctx, span := a.deps.Tracer.Start(ctx, name)
	defer span.End()
	began := time.Now()
	bounded, stop := context.WithTimeout(ctx, a.cfg.StageTimeout)
	defer stop()
	err := stage(bounded)
	if err != nil && time.Since(began) > a.cfg.StageTimeout-timeoutSlack {
		err = errs.New(errs.SyncTimeout, "The stage %s took longer than %s.", name, a.cfg.StageTimeout).WithCause(err)
	}
	if err != nil {
		span.SetStatus(codes.Error, errs.From(err).Code.Name)
	}
	return err
}

func (a *attempt) open(ctx context.Context) error {
	request := &gitv1.OpenSnapshotRequest{Location: a.fabric.GetLocation()}
	if a.t.mayHavePublished() {
		request.SyncId = a.t.syncID()
	}
	if a.proposes() {
		request.Proposals = proposals(a.fabric)
	}
	response, err := a.deps.Repositories.OpenSnapshot(ctx, request)
	if err != nil {
		return fmt.Errorf("open snapshot: %w", err)
	}
	a.snapshot = response.GetSnapshot()
	a.tree = a.snapshot.GetTree()
	if a.t.reported = a.snapshot.GetPublished() != nil && a.t.reachedPush(); !a.t.reported {
		a.t.forget()
		a.t.v.Result.BaseCommit = a.snapshot.GetCommit()
	}
	return a.t.lease.RaiseAbove(ctx, a.snapshot.GetFence())
}

// close lets go of the snapshot; one that is not closed here is swept by github-sync.
func (a *attempt) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if _, err := a.deps.Repositories.CloseSnapshot(ctx,
		&gitv1.CloseSnapshotRequest{SnapshotId: a.snapshot.GetSnapshotId()}); err != nil {
		a.deps.Log.DebugContext(ctx, "snapshot not closed", "error", err.Error())
	}
}

func (a *attempt) identity() *directoryv1.FabricIdentity {
	return &directoryv1.FabricIdentity{FabricId: a.fabric.GetFabricId(), Name: a.fabric.GetName()}
}

func (a *attempt) validate(ctx context.Context) error {
	if err := a.t.enter(ctx, syncv1.State_STATE_VALIDATING, percentValidation); err != nil {
		return err
	}
	if options := a.fabric.GetOptions(); !a.snapshot.GetDirectoryExists() && options != nil &&
		options.AutoInitialize != nil && !options.GetAutoInitialize() {
		return errs.New(errs.DirectoryNotFound, "The branch %s has no directory %q.",
			a.fabric.GetLocation().GetBranch(), a.fabric.GetLocation().GetDirectory())
	}
	response, err := a.deps.Directory.RepairDirectory(ctx, &directoryv1.RepairDirectoryRequest{
		SnapshotId: a.snapshot.GetSnapshotId(), Tree: a.tree, Fabric: a.identity(), Time: a.snapshot.GetOrigin().
				GetCommitTime(),
		CreateSamples: a.t.v.GetOptions().GetCreateSamples(),
	})
	if err != nil {
		return fmt.Errorf("repair directory: %w", err)
	}
	a.tree = response.GetTree()
	if !a.t.reported {
		a.t.v.Result.RepairsMade = response.GetRepairsMade()
	}
	blocked := false
	for _, issue := range response.GetRemainingIssues() {
		a.t.find(issue.GetFinding())
		blocked = blocked || issue.GetFinding().GetSeverity() == reportv1.Severity_SEVERITY_ERROR
	}
	a.t.publish(ctx, directoryEvent(a.snapshot, response), &eventv1.DirectoryChecked{
		RepairsMade: response.GetRepairsMade(), RemainingIssues: int32(len(response.GetRemainingIssues())),
	})
	if blocked {
		return errs.New(errs.DirectoryRepairFailed, "The directory can't be brought into order by itself.").
			WithRemedy("See the errors of the sync, mend what they name, and start it again.")
	}
	return nil
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
	if err := a.t.enter(ctx, syncv1.State_STATE_DISCOVERING, percentDiscovery); err != nil {
		return err
	}
	response, err := a.deps.Ingestion.Discover(ctx, &ingestionv1.DiscoverRequest{
		SnapshotId: a.snapshot.GetSnapshotId(),
		Tree:       a.tree,
	})
	if err != nil {
		return fmt.Errorf("discover files: %w", err)
	}
	a.t.v.Progress.TotalFiles = int32(len(response.GetInputs())) + response.GetManagedFiles()
	a.t.publish(ctx, "files.discovered", &eventv1.FilesDiscovered{
		Inputs: int32(len(response.GetInputs())), ManagedFiles: response.GetManagedFiles(),
	})
	return nil
}

func (a *attempt) ingest(ctx context.Context) error {
	if err := a.t.enter(ctx, syncv1.State_STATE_PROCESSING, percentIngestion); err != nil {
		return err
	}
	refresh, digest := a.t.v.GetOptions().GetForceRefresh(), ""
	if !refresh {
		var err error
		if digest, err = a.deps.Store.ResourcesDigest(ctx, a.fabric.GetFabricId()); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := a.deps.Ingestion.Ingest(ctx, &ingestionv1.IngestRequest{
		SnapshotId: a.snapshot.GetSnapshotId(), Tree: a.tree, Fabric: a.identity(), Options: a.fabric.GetOptions(),
		Commit: a.snapshot.GetOrigin().GetCommit(), CommitTime: a.snapshot.GetOrigin().GetCommitTime(),
		RetryQuarantined: a.t.v.GetOptions().GetRetryQuarantined(),
		RetryPaths:       a.t.v.GetOptions().GetRetryPaths(),
		ReleasePaths:     a.t.v.GetOptions().GetReleasePaths(),
		Refresh:          refresh, KnownDigest: digest,
	})
	if err != nil {
		return fmt.Errorf("ingest files: %w", err)
	}
	limit := &throttle{now: a.deps.Now, last: a.deps.Now()}
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("ingest files: %w", err)
		}
		if err := a.take(ctx, part, limit); err != nil {
			return err
		}
	}
}

func (a *attempt) take(ctx context.Context, part *ingestionv1.IngestResponse, limit *throttle) error {
	switch p := part.GetPart().(type) {
	case *ingestionv1.IngestResponse_Progress:
		a.progressed(p.Progress)
		if limit.pass() {
			return a.t.write(ctx)
		}
	case *ingestionv1.IngestResponse_Results:
		a.results(ctx, p.Results)
	case *ingestionv1.IngestResponse_Summary:
		a.summarise(p.Summary)
	}
	return nil
}

func (a *attempt) progressed(p *ingestionv1.Progress) {
	progress := a.t.v.GetProgress()
	progress.FilesProcessed, progress.TotalFiles, progress.DocumentsProcessed = p.GetFilesProcessed(), p.GetTotalFiles(), p.GetDocumentsProcessed()
	if total := int64(p.GetTotalFiles()); total > 0 {
		part := int64(percentGithubSync-percentIngestion) * int64(p.GetFilesProcessed()) / total
		progress.PercentComplete = max(progress.GetPercentComplete(), percentIngestion+int32(part))
	}
	a.t.tell(&syncv1.SyncEvent{Type: "sync.progress", CurrentFile: p.GetCurrentFile()})
}

func (a *attempt) results(ctx context.Context, r *ingestionv1.IngestResults) {
	a.resources = append(a.resources, r.GetResources()...)
	a.ingested.documents = append(a.ingested.documents, r.GetDocuments()...)
	a.ingested.dangling = append(a.ingested.dangling, r.GetDanglingReferences()...)
	for _, f := range r.GetFindings() {
		a.t.find(f)
	}
	if len(r.GetDocuments()) == 0 {
		return
	}
	var quarantined, processed []*ingestionv1.DocumentResult
	last := ""
	for _, d := range r.GetDocuments() {
		if d.GetFile() != last {
			last = d.GetFile()
			a.t.tell(&syncv1.SyncEvent{Type: "sync.file_processed", CurrentFile: last})
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
	if len(processed) > 0 {
		a.t.publish(ctx, "file.processed", &eventv1.DocumentsProcessed{Documents: processed})
	}
	if len(quarantined) > 0 {
		a.t.publish(ctx, "file.quarantined", &eventv1.DocumentsProcessed{Documents: quarantined})
	}
}

func (a *attempt) summarise(s *ingestionv1.IngestSummary) {
	a.tree, a.digest, a.known = s.GetTree(), s.GetDigest(), s.GetResourcesKnown()
	progress, result := a.t.v.GetProgress(), a.t.v.GetResult()
	progress.FilesProcessed, progress.TotalFiles = s.GetFilesProcessed(), s.GetFilesProcessed()
	progress.DocumentsProcessed = s.GetDocumentsProcessed()
	result.ResourcesTotal = s.GetResourcesTotal()
	if !a.t.reported {
		result.FilesQuarantined = s.GetQuarantined()
	}
}

func (a *attempt) publish(ctx context.Context) error {
	a.t.v.Result.Tree = a.tree
	if a.t.v.GetOptions().GetValidateOnly() {
		return a.preview(ctx)
	}
	if a.proposes() {
		return a.propose(ctx)
	}
	if a.tree == a.snapshot.GetTree() {
		a.unchanged(ctx)
		return nil
	}
	response, err := a.deps.Repositories.Publish(ctx, a.publication())
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	a.published(ctx, response)
	return nil
}

func (a *attempt) publication() *gitv1.PublishRequest {
	return &gitv1.PublishRequest{
		SnapshotId: a.snapshot.GetSnapshotId(), Tree: a.tree, Message: commitMessage(a),
		Author: author(a.t.v.GetRequestedBy()), Time: a.t.v.GetAcceptedAt(),
	}
}

func (a *attempt) published(ctx context.Context, response *gitv1.PublishResponse) {
	result := a.t.v.GetResult()
	result.Files = response.GetCounts()
	if response.GetCommitted() {
		result.CommitSha, result.CommitUrl = response.GetCommit(), response.GetCommitUrl()
		a.committed(ctx)
	}
}

// unchanged is what there is to report without a commit: nothing, or the commit of an attempt before this one, at which
// this one has found nothing left to do. What the branch got after it is for the next sync.
func (a *attempt) unchanged(ctx context.Context) {
	result, published := a.t.v.GetResult(), a.snapshot.GetPublished()
	if published == nil {
		result.Files = &gitv1.ChangeCounts{}
		return
	}
	result.CommitSha, result.CommitUrl, result.Files = a.snapshot.GetCommit(), published.GetCommitUrl(), published.GetCounts()
	a.committed(ctx)
}

func (a *attempt) committed(ctx context.Context) {
	branch := a.fabric.GetLocation().GetBranch()
	if a.pending {
		branch = a.t.v.GetResult().GetPullRequest().GetBranch()
	}
	a.t.publish(ctx, "github.committed", &eventv1.Committed{Commit: a.t.v.GetResult().GetCommitSha(), Branch: branch})
}

// preview is what a dry run does instead of publishing.
func (a *attempt) preview(ctx context.Context) error {
	stream, err := a.deps.Trees.DiffTrees(ctx, &gitv1.DiffTreesRequest{
		SnapshotId: a.snapshot.GetSnapshotId(), FromTree: a.snapshot.GetTree(), ToTree: a.tree,
	})
	if err != nil {
		return fmt.Errorf("compare trees: %w", err)
	}
	var diff strings.Builder
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			a.t.v.Result.Diff = diff.String()
			return nil
		}
		if err != nil {
			return fmt.Errorf("compare trees: %w", err)
		}
		if part.GetCounts() != nil {
			a.t.v.Result.Files = part.GetCounts()
		}
		diff.WriteString(part.GetDiff())
	}
}

const resourceBatch = 200

// reconcile tells of what became of resources, unless that is only proposed, then brings the index up to date: if it
// dies between the two, the events come again, and none is missing.
func (a *attempt) reconcile(ctx context.Context) error {
	options := a.t.v.GetOptions()
	if a.pending || options.GetValidateOnly() || options.GetScope() == syncv1.Scope_SCOPE_DIRECTORY {
		return a.t.enter(ctx, syncv1.State_STATE_RECONCILING, percentReconciliation)
	}
	a.publishResources(ctx, "resource.created", a.diff.Created)
	a.publishResources(ctx, "resource.updated", a.diff.Updated)
	a.publishResources(ctx, "resource.deleted", a.diff.Deleted)
	if err := a.t.enter(ctx, syncv1.State_STATE_RECONCILING, percentReconciliation); err != nil {
		return err
	}
	if a.known {
		return nil
	}
	failpoint.Hit(failpoint.ResourcesBefore)
	err := a.deps.Store.ApplyResources(ctx, a.fabric.GetFabricId(), a.diff, a.digest)
	failpoint.Hit(failpoint.ResourcesStored)
	return err
}

func (a *attempt) publishResources(ctx context.Context, eventType string, resources []*ingestionv1.Resource) {
	for len(resources) > 0 {
		n := min(len(resources), resourceBatch)
		a.t.publish(ctx, eventType, &eventv1.ResourcesChanged{Resources: resources[:n], Commit: a.t.v.GetResult().
			GetCommitSha()})
		resources = resources[n:]
	}
}
