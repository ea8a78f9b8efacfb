package workflow

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/lock"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// tracker is a sync under work: it changes the record and collects what there is to tell until the next write.
type tracker struct {
	r      *Runner
	record *state.Record
	lease  *lock.Lease // nil of a sync that nobody has taken up
	user   string      // on whose behalf events are
	told   []*syncv1.SyncEvent
	bus    []*eventv1.Event

	reported bool // the report is whole: it is that of the attempt which published
	findings findings
}

func newTracker(r *Runner, record *state.Record, lease *lock.Lease) *tracker {
	return &tracker{r: r, record: record, lease: lease, user: record.GetRequestedBy(), findings: findings{}}
}

func (t *tracker) syncID() string { return t.record.GetSyncId() }

// fence is the number that a write carries; the lowest there is when nobody has taken the sync up.
func (t *tracker) fence() int64 {
	if t.lease == nil {
		return 0
	}
	return t.lease.Fence()
}

// begin starts an attempt.
func (t *tracker) begin(ctx context.Context) error {
	t.record.Attempt++
	if t.record.GetResult() == nil || !t.mayHavePublished() {
		t.forget()
	}
	t.record.Progress = &syncv1.Progress{}
	if t.record.GetStartedAt() == nil {
		t.record.StartedAt = timestamppb.New(t.r.deps.Now())
	}
	t.step(syncv1.State_STATE_INITIALIZING, t.cause())
	t.emitProgress(&syncv1.SyncEvent{Type: "sync.started"})
	t.emitEvent(ctx, "sync.started", t.summary())
	return t.write(ctx)
}

// cause says why an attempt is none of the first.
func (t *tracker) cause() string {
	switch t.record.GetState() {
	case syncv1.State_STATE_PENDING:
		return ""
	case syncv1.State_STATE_RETRYING:
		return fmt.Sprintf("attempt %d", t.record.GetAttempt())
	default:
		return fmt.Sprintf("attempt %d: taken over from a worker that is gone", t.record.GetAttempt())
	}
}

// mayHavePublished reports whether an attempt came as far as the push, or may have before the record was lost. What
// became of it shows on the branch.
func (t *tracker) mayHavePublished() bool {
	return !t.record.GetOptions().GetValidateOnly() && (t.record.GetRestored() || t.reachedPush())
}

func (t *tracker) reachedPush() bool {
	return slices.ContainsFunc(t.record.GetTransitions(),
		func(step *syncv1.Transition) bool { return step.GetTo() == syncv1.State_STATE_SYNCING })
}

// forget drops what an attempt has found that published nothing.
func (t *tracker) forget() {
	t.record.Errors, t.record.Warnings, t.record.Edited, t.record.Result = nil, nil, nil, &syncv1.Result{}
	t.findings = findings{}
}

// enter goes to the state of the next stage, and says that the one before is done.
func (t *tracker) enter(ctx context.Context, to syncv1.State, percent int32) error {
	t.leaveStage(ctx)
	t.move(to, "")
	t.record.Progress.CurrentStage = state.StageOf(to)
	t.record.Progress.PercentComplete = max(percent, t.record.GetProgress().GetPercentComplete())
	t.emitProgress(&syncv1.SyncEvent{Type: "sync.progress"})
	return t.write(ctx)
}

func (t *tracker) leaveStage(ctx context.Context) {
	stage := t.record.GetProgress().GetCurrentStage()
	if stage == syncv1.Stage_STAGE_UNSPECIFIED {
		return
	}
	t.record.Progress.StagesCompleted = append(t.record.GetProgress().GetStagesCompleted(), stage)
	t.emitProgress(&syncv1.SyncEvent{Type: "sync.stage_completed", Stage: stage})
	t.emitEvent(ctx, "sync.stage_completed", t.summary())
}

// move records the step; write makes it durable.
func (t *tracker) move(to syncv1.State, cause string) {
	if t.record.GetState() != to {
		t.step(to, cause)
	}
}

func (t *tracker) step(to syncv1.State, cause string) {
	t.record.Transitions = append(t.record.GetTransitions(), &syncv1.Transition{
		From: t.record.GetState(), To: to, Time: timestamppb.New(t.r.deps.Now()), Cause: cause,
	})
	t.record.State = to
}

// emitProgress adds an event to the sync's live progress. Where the sync is, is filled in.
func (t *tracker) emitProgress(e *syncv1.SyncEvent) {
	e.SyncId, e.FabricId, e.State = t.syncID(), t.record.GetFabricId(), t.record.GetState()
	e.Time = timestamppb.New(t.r.deps.Now())
	if e.GetStage() == syncv1.Stage_STAGE_UNSPECIFIED {
		e.Stage = t.record.GetProgress().GetCurrentStage()
	}
	e.Progress = proto.CloneOf(t.record.GetProgress())
	t.told = append(t.told, e)
}

// emitEvent adds an event to the bus.
func (t *tracker) emitEvent(ctx context.Context, eventType string, payload proto.Message) {
	event, err := t.r.deps.Events.Sync(ctx, eventType, t.user, t.record.Sync, payload)
	if err != nil { // only a message that is not valid UTF-8 can do this
		t.r.deps.Log.ErrorContext(ctx, "event not emitted", "sync_id", t.syncID(), "event_type", eventType,
			"error", err.Error())
		return
	}
	t.bus = append(t.bus, event)
}

// summary is the record without its long lists, for the bus.
func (t *tracker) summary() *syncv1.Sync {
	return &syncv1.Sync{
		SyncId: t.syncID(), FabricId: t.record.GetFabricId(), State: t.record.GetState(), Trigger: t.record.GetTrigger(),
		RequestedBy: t.record.GetRequestedBy(), Progress: proto.CloneOf(t.record.GetProgress()),
		Attempt: t.record.GetAttempt(), Result: brief(t.record.GetResult()),
	}
}

// brief is a result as it is now, without what can be long.
func brief(r *syncv1.Result) *syncv1.Result { return proto.CloneOf(state.BriefResult(r)) }

// addFinding adds a finding to the record and to the live progress.
func (t *tracker) addFinding(f *reportv1.Finding) {
	list, eventType := &t.record.Warnings, "sync.warning"
	if f.GetSeverity() == reportv1.Severity_SEVERITY_ERROR {
		list, eventType = &t.record.Errors, "sync.error"
	}
	if t.reported {
		return
	}
	if !t.findings.admit(f, len(*list)) {
		return
	}
	*list = append(*list, f)
	t.emitProgress(&syncv1.SyncEvent{Type: eventType, Finding: f, CurrentFile: f.GetFile()})
}

// write makes everything since the last write durable, in one step.
func (t *tracker) write(ctx context.Context) error {
	t.record.UpdatedAt = timestamppb.New(t.r.deps.Now())
	failpoint.Hit(failpoint.Before(t.record.GetState()))
	if err := t.r.deps.Store.Write(ctx, t.record, t.fence(), t.told, t.bus); err != nil {
		return err
	}
	failpoint.Hit(failpoint.After(t.record.GetState()))
	t.told, t.bus = nil, nil
	now := t.record.GetState()
	if t.record.GetCancelRequested() && !state.Terminal(now) && now < syncv1.State_STATE_RECONCILING {
		return errCancelRequested
	}
	return nil
}

// retry records that another attempt follows.
func (t *tracker) retry(ctx context.Context, cause error) error {
	e := errs.From(cause)
	t.move(syncv1.State_STATE_RETRYING, e.Code.ID+" "+e.Code.Name+": "+e.Message)
	t.emitProgress(&syncv1.SyncEvent{Type: "sync.warning", Finding: errs.ToFinding(e, reportv1.Severity_SEVERITY_WARNING)})
	return t.write(ctx)
}

// end records how the sync ended.
func (t *tracker) end(ctx context.Context, outcome error) error {
	t.record.CompletedAt = timestamppb.New(t.r.deps.Now())
	sortWarnings(t.record.GetWarnings())
	t.record.Warnings = append(t.record.GetWarnings(), t.findings.cut()...)
	switch {
	case outcome == nil:
		t.leaveStage(ctx)
		t.record.Progress.CurrentStage = syncv1.Stage_STAGE_UNSPECIFIED
		t.record.Progress.PercentComplete = 100
		t.move(syncv1.State_STATE_COMPLETED, "")
		t.finish(ctx, &syncv1.SyncEvent{Type: "sync.completed", Result: brief(t.record.GetResult())})
	case errs.HasCode(outcome, errs.SyncCancelled):
		t.withdraw()
		t.move(syncv1.State_STATE_CANCELLED, "cancelled on request")
		t.finish(ctx, &syncv1.SyncEvent{Type: "sync.cancelled"})
	default:
		t.withdraw()
		e := errs.From(outcome)
		failure := errs.ToFinding(e, reportv1.Severity_SEVERITY_ERROR)
		t.record.Errors = append([]*reportv1.Finding{failure}, t.record.GetErrors()...)
		t.move(syncv1.State_STATE_FAILED, e.Code.ID+" "+e.Code.Name)
		t.finish(ctx, &syncv1.SyncEvent{Type: "sync.failed", Finding: failure})
	}
	t.record.EditSet = nil // it is large, and done with
	err := t.write(ctx)
	if err != nil && errs.KindOf(err) == errs.Internal {
		t.r.deps.Log.ErrorContext(ctx, "what a sync has to tell can't be written, and is dropped", "sync_id", t.syncID(),
			"error", err.Error())
		t.drop()
		return t.write(ctx)
	}
	return err
}

// drop leaves nothing but the bare end of a sync: one whose end can't be written would keep its fabric.
func (t *tracker) drop() {
	t.told, t.bus = nil, nil
	result := t.record.GetResult()
	t.record.Result = &syncv1.Result{
		CommitSha: result.GetCommitSha(), Files: result.GetFiles(), ResourcesTotal: result.GetResourcesTotal(),
	}
	t.record.Warnings = nil
	t.record.Errors = []*reportv1.Finding{errs.NewFinding(errs.InternalError, reportv1.Severity_SEVERITY_ERROR,
		"What the sync had to tell could not be kept.")}
	for _, step := range t.record.GetTransitions() {
		step.Cause = ""
	}
	t.emitProgress(&syncv1.SyncEvent{Type: "sync." + state.StateWord(t.record.GetState())})
}

// withdraw takes out of the result of a sync that published nothing what is so only once it is published. The plan
// stays: it is what the sync would have done.
func (t *tracker) withdraw() {
	if r := t.record.GetResult(); r.GetCommitSha() == "" && r != nil {
		r.Files, r.FilesQuarantined, r.ResourcesTotal, r.RepairsMade, r.Tree = nil, 0, 0, nil, ""
	}
}

func (t *tracker) finish(ctx context.Context, e *syncv1.SyncEvent) {
	t.emitProgress(e)
	t.emitEvent(ctx, e.GetType(), t.summary())
}

const progressPeriod = 100 * time.Millisecond

// throttle lets one progress through in a while.
type throttle struct {
	now  func() time.Time
	last time.Time
}

func (h *throttle) pass() bool {
	if now := h.now(); now.Sub(h.last) >= progressPeriod {
		h.last = now
		return true
	}
	return false
}
