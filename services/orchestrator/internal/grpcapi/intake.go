package grpcapi

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/state"
	"fgdsync.dev/libs/telemetry"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/ledger"
)

// Intake accepts syncs: one is accepted when Redis and the ledger have it.
type Intake struct {
	store  *state.Store
	ledger *ledger.Ledger
	now    func() time.Time
}

// NewIntake returns an intake.
func NewIntake(store *state.Store, ledger *ledger.Ledger, now func() time.Time) *Intake {
	return &Intake{store: store, ledger: ledger, now: now}
}

func (i *Intake) start(ctx context.Context, req *syncv1.StartSyncRequest) (state.Verdict, error) {
	requestID := req.GetRequestId()
	if requestID == "" {
		requestID = uuid.NewString()
	}
	options := req.GetOptions()
	if options == nil {
		options = &syncv1.SyncOptions{}
	}
	if err := checkPaths("options.retry_paths", options.GetRetryPaths()); err != nil {
		return state.Verdict{}, err
	}
	if err := checkPaths("options.release_paths", options.GetReleasePaths()); err != nil {
		return state.Verdict{}, err
	}
	if err := checkRestore(options); err != nil {
		return state.Verdict{}, err
	}
	fabric, err := i.store.Fabric(ctx, req.GetFabricId())
	if err != nil {
		return state.Verdict{}, err
	}
	if err := state.Suspended(fabric, options); err != nil {
		return state.Verdict{}, err
	}
	accepted := timestamppb.New(i.now())
	record := &syncv1.Sync{
		SyncId: state.NewSyncID(i.now(), req.GetFabricId()), FabricId: req.GetFabricId(), State: syncv1.State_STATE_PENDING,
		Trigger: max(req.GetTrigger(), syncv1.Trigger_TRIGGER_MANUAL), Options: options,
		RequestedBy: orSystem(req.GetRequestedBy()),
		Progress:    &syncv1.Progress{}, AcceptedAt: accepted, UpdatedAt: accepted,
	}
	failpoint.Hit(failpoint.AcceptBefore)
	verdict, err := i.store.Start(ctx, record, requestID, telemetry.Traceparent(ctx))
	if err != nil || verdict.Refused {
		return verdict, err
	}
	failpoint.Hit(failpoint.AcceptStored)
	err = i.keep(ctx, record, verdict.SyncID)
	failpoint.Hit(failpoint.AcceptKept)
	return verdict, err
}

// keep writes into the ledger what serves the request: the sync itself, or the one that it shares, with the wishes of
// all.
func (i *Intake) keep(ctx context.Context, own *syncv1.Sync, syncID string) error {
	if syncID == own.GetSyncId() {
		return i.ledger.Accept(own)
	}
	shared, err := i.store.Get(ctx, syncID)
	switch {
	case errs.HasCode(err, errs.SyncNotFound): // lost since
		lost := proto.CloneOf(own)
		lost.SyncId = syncID
		return i.ledger.Accept(lost)
	case err != nil:
		return err
	case state.Terminal(shared.GetState()):
		return nil
	}
	return i.ledger.Accept(shared.Sync)
}

func orSystem(user string) string {
	if user == "" {
		return system
	}
	return user
}
