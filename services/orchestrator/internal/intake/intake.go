// Package intake accepts syncs, whoever asks for them. One is accepted when Redis and the ledger have it.
package intake

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/eventlog"
	"fgdsync.dev/services/orchestrator/internal/ledger"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// Intake accepts syncs.
type Intake struct {
	store  *recovery.Reader
	ledger *ledger.Ledger
	log    *slog.Logger
	now    func() time.Time
	open   pending
}

// AcceptFunc is Accept, for those who start syncs.
type AcceptFunc func(context.Context, *syncv1.StartSyncRequest) (state.Admission, error)

// New returns an intake.
func New(store *recovery.Reader, kept *ledger.Ledger, log *slog.Logger, now func() time.Time) *Intake {
	return &Intake{store: store, ledger: kept, log: log, now: now}
}

// Accept accepts a sync on behalf of who asks. FAILED_PRECONDITION (FGD_3001) when it is refused because of another
// one, (FGD_3011) when the fabric is suspended, and (FGD_3030) when its mode does not let the sync run, or publish.
func (i *Intake) Accept(ctx context.Context, req *syncv1.StartSyncRequest) (state.Admission, error) {
	options := req.GetOptions()
	if options == nil {
		options = &syncv1.SyncOptions{}
	}
	if err := CheckOptions("options", options); err != nil {
		return state.Admission{}, err
	}
	if err := checkEdits(req.GetEditSet(), options); err != nil {
		return state.Admission{}, err
	}
	fabric, err := i.store.Fabric(ctx, req.GetFabricId())
	if err != nil {
		return state.Admission{}, err
	}
	if req.GetTrigger() > syncv1.Trigger_TRIGGER_MANUAL {
		if options, err = state.ByItself(fabric, options); err != nil {
			return state.Admission{}, err
		}
	}
	if err := state.MayPublish(fabric, options); err != nil {
		return state.Admission{}, err
	}
	record, err := i.record(ctx, req, options)
	if err != nil {
		return state.Admission{}, err
	}
	requestID := req.GetRequestId()
	if requestID == "" {
		requestID = uuid.NewString()
	}
	defer i.open.begin(record.GetSyncId())()
	failpoint.Hit(failpoint.AcceptBefore)
	admission, err := i.store.Start(ctx, record, requestID, telemetry.Traceparent(ctx))
	if err != nil {
		return state.Admission{}, err
	}
	if admission.Refused {
		return state.Admission{}, refusal(req, admission)
	}
	failpoint.Hit(failpoint.AcceptStored)
	err = i.keep(ctx, record, admission)
	failpoint.Hit(failpoint.AcceptKept)
	return admission, err
}

// record returns a sync as it is accepted. It names the audit that its request is in, or, when nobody has asked for it,
// those of all bridges.
func (i *Intake) record(
	ctx context.Context, req *syncv1.StartSyncRequest, options *syncv1.SyncOptions,
) (*syncv1.Sync, error) {
	now, call := i.now(), rpc.CallOf(ctx)
	heads := []string{call.Audit}
	if _, own := chain.ParseHead(call.Audit); !own {
		var err error
		if heads, err = i.store.AuditHeads(ctx); err != nil {
			return nil, err
		}
	}
	accepted := timestamppb.New(now)
	return &syncv1.Sync{
		SyncId: state.NewSyncID(now, req.GetFabricId()), FabricId: req.GetFabricId(), State: syncv1.State_STATE_PENDING,
		Trigger: max(req.GetTrigger(), syncv1.Trigger_TRIGGER_MANUAL), Options: options,
		RequestedBy: eventlog.Requester(ctx), Progress: &syncv1.Progress{}, AcceptedAt: accepted, UpdatedAt: accepted,
		RequestedVia: call.Via, AuditHeads: heads, CorrelationId: call.CorrelationID, EditSet: req.GetEditSet(),
		Edits: req.GetEditSet() != nil, RequestedByEmail: call.Email,
	}, nil
}

func refusal(req *syncv1.StartSyncRequest, a state.Admission) error {
	if req.GetOptions().GetRefuseIfRunning() {
		return errs.New(errs.SyncAlreadyInProgress, "Fabric %d has an active sync.", req.GetFabricId()).
			WithMeta("sync_id", a.SyncID)
	}
	what := "restore"
	if req.GetEditSet() != nil {
		what = "edit"
	}
	return errs.New(errs.SyncAlreadyInProgress, "Another %s of fabric %d waits for its turn.", what, req.GetFabricId()).
		WithRemedy("Wait until it has begun, or cancel it.").WithMeta("sync_id", a.SyncID)
}

// keep writes into the ledger what serves the request: the sync itself, or the one that it shares, with what all who
// share it have asked for.
func (i *Intake) keep(ctx context.Context, own *syncv1.Sync, a state.Admission) error {
	if a.SyncID == own.GetSyncId() {
		if err := i.ledger.Accept(own); err != nil {
			return err
		}
		i.log.InfoContext(ctx, "sync accepted", "sync_id", own.GetSyncId(), "fabric_id", own.GetFabricId(),
			"trigger", state.TriggerWord(own.GetTrigger()), "queued", a.Queued, "requested_by", own.GetRequestedBy())
		return nil
	}
	shared, err := i.store.Get(ctx, a.SyncID)
	switch {
	case errs.HasCode(err, errs.SyncNotFound): // lost since
		lost := proto.CloneOf(own)
		lost.SyncId = a.SyncID
		return i.ledger.Accept(lost)
	case err != nil:
		return err
	case state.Terminal(shared.GetState()):
		return nil
	}
	return i.ledger.Accept(shared.Sync)
}
