package workflow

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/services/orchestrator/internal/tracing"
)

const (
	closeTimeout = 5 * time.Second
	// timeoutSlack is how much earlier than here a service that is called notices the end of its time.
	timeoutSlack = 50 * time.Millisecond
)

// attempt is one walk through the stages. Its tree is what the fabric directory shall become.
type attempt struct {
	*Runner
	sync         *tracker
	fabric       *fabricv1.Fabric
	snapshot     *gitv1.Snapshot
	tree         string
	stored       state.Index // of resources, as it is kept
	last         state.Index // of resources, as the last sync left them: stored, or found on the branch
	head         state.Index // of resources, as the head has them; of a restore alone
	resources    []*ingestionv1.Resource
	digest       string             // of the resources
	unchanged    bool               // the resources are those of the last sync
	diff         state.ResourceDiff // against the index that is kept: what subscribers have to be told
	change       state.ResourceDiff // against what the last sync left: what people are told
	ingested     ingested           // until the plan is made of it
	created      int
	updated      int
	before       *fabricv1.PublishedState // what the last sync that completed left
	quarantined  int                      // files in unmanaged/, when all is done
	first        bool                     // the directory had no manifest
	proposedOnly bool                     // what the sync would change is proposed, and not on the branch
}

// attempt turns a panic into the end of the sync: the same input would bring it about again, in every orchestrator that
// takes the sync over.
func (r *Runner) attempt(ctx, uncancellable context.Context, t *tracker) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.deps.Log.ErrorContext(ctx, "panic in a sync", "sync_id", t.syncID(), "fabric_id", t.record.GetFabricId(),
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = errs.New(errs.InternalError, "A fault of this program ended the sync.")
		}
	}()
	fabric, err := r.deps.Store.Fabric(ctx, t.record.GetFabricId())
	if err != nil {
		return err
	}
	ctx, span := tracing.Attempt(ctx, r.deps.Tracer, fabric.GetLocation(), t.record.Sync)
	defer func() { tracing.End(span, t.record.GetResult(), err) }()
	uncancellable = trace.ContextWithSpan(uncancellable, span)
	a, err := r.newAttempt(ctx, t, fabric)
	if err != nil {
		return err
	}
	key := a.fabric.GetRepositoryKey()
	ctx, uncancellable = rpc.WithRoutingKey(ctx, key), rpc.WithRoutingKey(uncancellable, key)
	if err := a.traced(ctx, stageSnapshot, a.open); err != nil {
		return err
	}
	defer a.close(ctx)
	if err := a.prepare(ctx); err != nil {
		return err
	}
	if err := t.enter(ctx, syncv1.State_STATE_SYNCING, percentGithubSync); err != nil {
		return err
	}
	if err := a.traced(uncancellable, stagePublish, a.publish); err != nil {
		return err
	}
	t.record.Left = a.left()
	return a.traced(uncancellable, stageReconcile, a.reconcile)
}

// newAttempt begins an attempt, unless no sync of the fabric may publish and nothing can have been published before.
func (r *Runner) newAttempt(ctx context.Context, t *tracker, fabric *fabricv1.Fabric) (*attempt, error) {
	if err := t.begin(ctx); err != nil {
		return nil, err
	}
	if err := state.MayPublish(fabric, t.record.GetOptions()); err != nil && !t.mayHavePublished() {
		return nil, err
	}
	return &attempt{Runner: r, sync: t, fabric: fabric}, nil
}

// prepare makes the tree that is to be published. Nobody sees anything of it yet.
func (a *attempt) prepare(ctx context.Context) error {
	if a.restores() {
		if err := a.traced(ctx, stageRestore, a.restore); err != nil {
			return err
		}
	}
	if err := a.traced(ctx, stageValidate, a.validate); err != nil {
		return err
	}
	if a.sync.record.GetOptions().GetScope() == syncv1.Scope_SCOPE_DIRECTORY {
		return nil
	}
	if a.edits() {
		if err := a.traced(ctx, stageEdit, a.edit); err != nil {
			return err
		}
	}
	if err := a.traced(ctx, stageDiscover, a.discover); err != nil {
		return err
	}
	if err := a.traced(ctx, stageIngest, a.ingest); err != nil {
		return err
	}
	if err := a.guardEdits(); err != nil {
		return err
	}
	if err := a.guardDeletions(); err != nil {
		return err
	}
	return a.guardRoot()
}

func (a *attempt) traced(ctx context.Context, name string, stage func(context.Context) error) error {
	ctx, span := a.deps.Tracer.Start(ctx, name)
	defer span.End()
	began := time.Now()
	defer func() { a.metrics.left(ctx, name, time.Since(began)) }()
	bounded, stop := context.WithTimeout(ctx, a.cfg.Load().StageTimeout)
	defer stop()
	err := stage(bounded)
	if err != nil && time.Since(began) > a.cfg.Load().StageTimeout-timeoutSlack {
		err = errs.New(errs.SyncTimeout, "The stage %s took longer than %s.", name, a.cfg.Load().StageTimeout).WithCause(err)
	}
	if err != nil {
		span.SetStatus(codes.Error, errs.From(err).Code.Name)
	}
	return err
}

func (a *attempt) open(ctx context.Context) error {
	request := &gitv1.OpenSnapshotRequest{Location: state.LocationOf(a.fabric)}
	if a.sync.mayHavePublished() {
		request.SyncId = a.sync.syncID()
	}
	if a.proposes() {
		request.Proposals = a.proposals()
	}
	response, err := a.deps.Repositories.OpenSnapshot(ctx, request)
	if err != nil {
		return fmt.Errorf("open snapshot: %w", err)
	}
	a.snapshot = response.GetSnapshot()
	a.tree = a.snapshot.GetTree()
	if a.sync.reported = a.snapshot.GetPublished() != nil && a.sync.reachedPush(); !a.sync.reported {
		a.sync.forget()
		a.sync.record.Result.BaseCommit = a.snapshot.GetCommit()
		if err := a.mayGoOn(); err != nil {
			return err
		}
	}
	if fence := a.snapshot.GetIgnoredFence(); fence != 0 {
		a.tellIgnoredFence(fence)
	}
	return a.raiseFence(ctx)
}

// mayGoOn refuses what is not to be published, now that it is known that nothing was.
func (a *attempt) mayGoOn() error {
	if a.snapshot.GetPublished() == nil {
		if err := state.MayPublish(a.fabric, a.sync.record.GetOptions()); err != nil {
			return err
		}
	}
	return a.checkExpected()
}

// checkExpected refuses a branch that is at another commit than the one whose plan somebody has seen.
func (a *attempt) checkExpected() error {
	expected, found := a.sync.record.GetOptions().GetExpectedCommit(), a.snapshot.GetCommit()
	if expected == "" || expected == found {
		return nil
	}
	return errs.New(errs.PlanOutdated, "The branch is at %s, and the sync was to do what was seen at %s.", found, expected)
}

// raiseFence makes the fencing number larger than that of the branch. What a commit says there may be anybody's text.
func (a *attempt) raiseFence(ctx context.Context) error {
	above, err := a.sync.lease.RaiseAbove(ctx, a.snapshot.GetFence())
	if err == nil && !above {
		a.tellIgnoredFence(a.snapshot.GetFence())
	}
	return err
}

func (a *attempt) tellIgnoredFence(fence int64) {
	a.sync.addFinding(errs.NewFinding(errs.FenceIgnored, reportv1.Severity_SEVERITY_WARNING,
		"The commit %s has the trailer %s: %d, which no sync has written.", a.snapshot.GetCommit(), layout.TrailerFence,
		fence))
}

// close lets go of the snapshot; one that is not closed here is swept by github-sync.
func (a *attempt) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if _, err := a.deps.Repositories.CloseSnapshot(ctx,
		&gitv1.CloseSnapshotRequest{SnapshotId: a.snapshot.GetSnapshotId()}); err != nil {
		a.deps.Log.DebugContext(ctx, "snapshot not closed", "sync_id", a.sync.syncID(), "error", err.Error())
	}
}
