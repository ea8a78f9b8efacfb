package workflow

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/lock"
	"fgdsync.dev/libs/state"
	"fgdsync.dev/libs/telemetry"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// maxFindings bounds what a record keeps of each kind; the logs in Git have them all.
const maxFindings = 1000

// tracker is a sync under work: it changes the record and collects what there is to tell until the next write.
type tracker struct {
	r     *Runner
	v     *state.Versioned
	lease *lock.Lease
	told  []*syncv1.SyncEvent
	bus   []*eventv1.Event

	reported bool // the report is whole: it is that of the attempt which published
	omitted  map[reportv1.Severity]int
}

func newTracker(r *Runner, v *state.Versioned, lease *lock.Lease) *tracker {
	return &tracker{r: r, v: v, lease: lease}
}

func (t *tracker) syncID() string { return t.v.GetSyncId() }

// begin starts an attempt.
func (t *tracker) begin(ctx context.Context) error {
	t.v.Attempt++
	if t.v.GetResult() == nil || !t.mayHavePublished() {
		t.forget()
	}
	t.v.Progress = &syncv1.Progress{}
	if t.v.GetStartedAt() == nil {
		t.v.StartedAt = timestamppb.New(t.r.deps.Now())
	}
	cause := ""
	if t.v.GetAttempt() > 1 {
		cause = fmt.Sprintf("attempt %d", t.v.GetAttempt())
	}
	t.move(syncv1.State_STATE_INITIALIZING, cause)
	t.tell(&syncv1.SyncEvent{Type: "sync.started"})
	t.publish(ctx, "sync.started", t.summary())
	return t.write(ctx)
}

// mayHavePublished reports whether an attempt came as far as the push, or may have before the record was lost. What
// became of it shows on the branch.
func (t *tracker) mayHavePublished() bool {
	return !t.v.GetOptions().GetValidateOnly() && (t.v.GetRestored() || t.reachedPush())
}

func (t *tracker) reachedPush() bool {
	return slices.ContainsFunc(t.v.GetTransitions(),
		func(step *syncv1.Transition) bool { return step.GetTo() == syncv1.State_STATE_SYNCING })
}

// forget drops what an attempt has found that published nothing.
func (t *tracker) forget() {
	t.v.Errors, t.v.Warnings, t.v.Result = nil, nil, &syncv1.Result{}
	t.omitted = map[reportv1.Severity]int{}
}

// enter goes to the state of the next stage, and says that the one before is done.
func (t *tracker) enter(ctx context.Context, to syncv1.State, percent int32) error {
	t.leaveStage(ctx)
	t.move(to, "")
	t.v.Progress.CurrentStage = state.StageOf(to)
	t.v.Progress.PercentComplete = max(percent, t.v.GetProgress().GetPercentComplete())
	t.tell(&syncv1.SyncEvent{Type: "sync.progress"})
	return t.write(ctx)
}

func (t *tracker) leaveStage(ctx context.Context) {
	stage := t.v.GetProgress().GetCurrentStage()
	if stage == syncv1.Stage_STAGE_UNSPECIFIED {
		return
	}
	t.v.Progress.StagesCompleted = append(t.v.GetProgress().GetStagesCompleted(), stage)
	t.tell(&syncv1.SyncEvent{Type: "sync.stage_completed", Stage: stage})
	t.publish(ctx, "sync.stage_completed", t.summary())
}

// move records the step; write makes it durable.
func (t *tracker) move(to syncv1.State, cause string) {
	from := t.v.GetState()
	if from == to {
		return // taken up again by another worker in the same state
	}
	t.v.State = to
	t.v.Transitions = append(t.v.GetTransitions(), &syncv1.Transition{
		From: from, To: to,
		Time: timestamppb.New(t.r.deps.Now()), Cause: cause,
	})
}

// tell adds an event to the sync's live progress. Where the sync is, is filled in.
func (t *tracker) tell(e *syncv1.SyncEvent) {
	e.SyncId, e.FabricId, e.Time, e.State = t.syncID(), t.v.GetFabricId(), timestamppb.New(t.r.deps.Now()), t.v.GetState()
	if e.GetStage() == syncv1.Stage_STAGE_UNSPECIFIED {
		e.Stage = t.v.GetProgress().GetCurrentStage()
	}
	e.Progress = proto.CloneOf(t.v.GetProgress())
	t.told = append(t.told, e)
}

// publish adds an event to the bus.
func (t *tracker) publish(ctx context.Context, eventType string, payload proto.Message) {
	packed, err := anypb.New(payload)
	if err != nil { // only a message that is not valid UTF-8 can do this
		t.r.deps.Log.ErrorContext(ctx, "event not published", "event_type", eventType, "error", err.Error())
		return
	}
	t.bus = append(t.bus, &eventv1.Event{
		EventId: uuid.NewString(), EventType: eventType, Timestamp: timestamppb.New(t.r.deps.Now()),
		FabricId: t.v.GetFabricId(), CorrelationId: t.syncID(), Payload: packed,
		Metadata: &eventv1.Metadata{
			User: t.v.GetRequestedBy(), Source: "orchestrator", Version: 1,
			Traceparent: telemetry.Traceparent(ctx),
		},
	})
}

// summary is the record without its long lists, for the bus.
func (t *tracker) summary() *syncv1.Sync {
	return &syncv1.Sync{
		SyncId: t.syncID(), FabricId: t.v.GetFabricId(), State: t.v.GetState(), Trigger: t.v.GetTrigger(),
		RequestedBy: t.v.GetRequestedBy(), Progress: proto.CloneOf(t.v.GetProgress()), Attempt: t.v.GetAttempt(),
		Result: brief(t.v.GetResult()),
	}
}

// brief is a result without what can be long: the diff, and the lists of the plan.
func brief(r *syncv1.Result) *syncv1.Result {
	if r == nil {
		return nil
	}
	out := proto.CloneOf(r)
	out.Diff = ""
	if out.GetPlan() != nil {
		out.Plan = &syncv1.Plan{Counts: out.GetPlan().GetCounts()}
	}
	return out
}

// find adds a finding to the record and to the live progress.
func (t *tracker) find(f *reportv1.Finding) {
	list, eventType := &t.v.Warnings, "sync.warning"
	if f.GetSeverity() == reportv1.Severity_SEVERITY_ERROR {
		list, eventType = &t.v.Errors, "sync.error"
	}
	if t.reported {
		return
	}
	if len(*list) >= maxFindings {
		t.omitted[f.GetSeverity()]++
		return
	}
	*list = append(*list, f)
	t.tell(&syncv1.SyncEvent{Type: eventType, Finding: f, CurrentFile: f.GetFile()})
}

// write makes everything since the last write durable, in one step.
func (t *tracker) write(ctx context.Context) error {
	t.v.UpdatedAt = timestamppb.New(t.r.deps.Now())
	failpoint.Hit(failpoint.Before(t.v.GetState()))
	if err := t.r.deps.Store.Write(ctx, t.v, t.lease.Fence(), t.told, t.bus); err != nil {
		return err
	}
	failpoint.Hit(failpoint.After(t.v.GetState()))
	t.told, t.bus = nil, nil
	if t.v.GetCancelRequested() && !state.Terminal(t.v.GetState()) && t.v.GetState() < syncv1.State_STATE_RECONCILING {
		return errCancelRequested
	}
	return nil
}

// retry records that another attempt follows.
func (t *tracker) retry(ctx context.Context, cause error) error {
	e := errs.From(cause)
	t.move(syncv1.State_STATE_RETRYING, e.Code.ID+" "+e.Code.Name+": "+e.Message)
	t.tell(&syncv1.SyncEvent{Type: "sync.warning", Finding: errs.ToFinding(e, reportv1.Severity_SEVERITY_WARNING)})
	return t.write(ctx)
}

// end records how the sync ended.
func (t *tracker) end(ctx context.Context, outcome error) error {
	t.v.CompletedAt = timestamppb.New(t.r.deps.Now())
	for severity, n := range t.omitted {
		t.sayOmitted(severity, n)
	}
	switch {
	case outcome == nil:
		t.leaveStage(ctx)
		t.v.Progress.CurrentStage = syncv1.Stage_STAGE_UNSPECIFIED
		t.v.Progress.PercentComplete = 100
		t.move(syncv1.State_STATE_COMPLETED, "")
		t.finish(ctx, &syncv1.SyncEvent{Type: "sync.completed", Result: brief(t.v.GetResult())})
	case errs.HasCode(outcome, errs.SyncCancelled):
		t.move(syncv1.State_STATE_CANCELLED, "cancelled on request")
		t.finish(ctx, &syncv1.SyncEvent{Type: "sync.cancelled"})
	default:
		e := errs.From(outcome)
		failure := errs.ToFinding(e, reportv1.Severity_SEVERITY_ERROR)
		t.v.Errors = append([]*reportv1.Finding{failure}, t.v.GetErrors()...)
		t.move(syncv1.State_STATE_FAILED, e.Code.ID+" "+e.Code.Name)
		t.finish(ctx, &syncv1.SyncEvent{Type: "sync.failed", Finding: failure})
		t.r.deps.Log.WarnContext(ctx, "sync failed", "sync_id", t.syncID(), "code", e.Code.ID, "error", outcome.Error())
	}
	return t.write(ctx)
}

func (t *tracker) finish(ctx context.Context, e *syncv1.SyncEvent) {
	t.tell(e)
	t.publish(ctx, e.GetType(), t.summary())
}

func (t *tracker) sayOmitted(severity reportv1.Severity, n int) {
	f := errs.NewFinding(errs.SyncFailed, severity, "%d more findings are not listed here.", n)
	f.Remedy = "The quarantined documents are all in .hnp/unmanaged-log.yaml; the rest shows once these are mended."
	if severity == reportv1.Severity_SEVERITY_ERROR {
		t.v.Errors = append(t.v.Errors, f)
		return
	}
	t.v.Warnings = append(t.v.Warnings, f)
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
