// Package register keeps the register of fabrics: no two have one name, one number, or directories inside each other.
// What is registered is in Redis and in the ledger. Its changes come one after the other, under a lock.
package register

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/lock"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/eventlog"
	"fgdsync.dev/services/orchestrator/internal/intake"
	"fgdsync.dev/services/orchestrator/internal/ledger"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// Deps is what the register works with.
type Deps struct {
	Store        *recovery.Reader
	Ledger       *ledger.Ledger
	Accept       intake.AcceptFunc
	Locker       *lock.Locker
	Repositories gitv1.RepositoryServiceClient
	Directory    directoryv1.DirectoryServiceClient
	Events       *eventlog.Log
	Log          *slog.Logger
	Now          func() time.Time
	Patience     time.Duration // how long a registration waits for what the directory says
}

// Register is the register of fabrics.
type Register struct{ deps Deps }

// New returns the register.
func New(deps Deps) *Register { return &Register{deps} }

// Create registers a fabric and starts its first sync. It returns the fabric as registered, and the sync; none in the
// mode off.
func (r *Register) Create(ctx context.Context, req *fabricv1.CreateFabricRequest) (*fabricv1.Fabric, string, error) {
	if err := intake.CheckOptions("first_sync", req.GetFirstSync()); err != nil {
		return nil, "", err
	}
	suspension, err := r.suspendedAtOnce(ctx, req.GetSuspendReason())
	if err != nil {
		return nil, "", err
	}
	fabric, err := r.locate(ctx, req.GetFabric())
	if err != nil {
		return nil, "", err
	}
	chosen := fabric.GetFabricId() != 0
	if err := r.checkUnique(ctx, fabric); err != nil { // before anything is fetched
		return nil, "", err
	}
	if err := r.settle(ctx, fabric, req.GetFirstSync().GetTakeOver()); err != nil {
		return nil, "", err
	}
	fabric.CreatedAt, fabric.Suspension, fabric.FormerNames = timestamppb.New(r.deps.Now()), suspension, nil
	fabric.UpdatedAt, fabric.Generation = fabric.GetCreatedAt(), r.generation(0)
	err = r.locked(ctx, func(ctx context.Context) error { return r.create(ctx, fabric, chosen) })
	if err != nil {
		return nil, "", err
	}
	failpoint.Hit(failpoint.RegisterStored)
	if err := r.keepNew(ctx, fabric); err != nil {
		return nil, "", err
	}
	failpoint.Hit(failpoint.RegisterKept)
	r.deps.Log.InfoContext(ctx, "fabric registered", attrs(ctx, fabric)...)
	syncID, err := r.startFirst(ctx, fabric, req)
	return fabric, syncID, err
}

// create chooses a number where there is none, and stores the fabric. Where the caller chose none, the credentials are
// not bound to one yet. The caller holds the lock.
func (r *Register) create(ctx context.Context, fabric *fabricv1.Fabric, chosen bool) error {
	if err := r.checkUnique(ctx, fabric); err != nil {
		return err
	}
	if err := r.chooseID(ctx, fabric); err != nil {
		return err
	}
	if !chosen {
		if err := r.bindCredentials(ctx, fabric); err != nil {
			return err
		}
	}
	if err := r.settleLink(ctx, fabric); err != nil {
		return err
	}
	fabric.Location.FabricId = fabric.GetFabricId()
	event, err := r.deps.Events.Fabric(ctx, "fabric.created", fabric)
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.RegisterBefore)
	return r.deps.Store.CreateFabric(ctx, fabric, event)
}

// chooseID gives a fabric without a number the next one that is free.
func (r *Register) chooseID(ctx context.Context, fabric *fabricv1.Fabric) error {
	for fabric.GetFabricId() == 0 {
		id, err := r.deps.Store.NextFabricID(ctx)
		if err != nil {
			return err
		}
		_, err = r.deps.Store.Fabric(ctx, id)
		switch {
		case errs.HasCode(err, errs.FabricNotFound):
			fabric.FabricId = id
		case err != nil:
			return err
		}
	}
	return nil
}

// bindCredentials binds credentials to a fabric that were sealed before it had a number.
func (r *Register) bindCredentials(ctx context.Context, fabric *fabricv1.Fabric) error {
	location := fabric.GetLocation()
	if len(location.GetCredentials().GetSealed()) == 0 {
		return nil
	}
	bound, err := r.deps.Repositories.ResealCredentials(ctx, &gitv1.ResealCredentialsRequest{
		Credentials: location.GetCredentials(), RepositoryUrl: location.GetRepositoryUrl(), FabricId: fabric.GetFabricId(),
	})
	if err != nil {
		return fmt.Errorf("bind the credentials: %w", err)
	}
	location.Credentials = bound.GetCredentials()
	return nil
}

// startFirst starts the first sync of a fabric, unless its mode is off. There is none that could be in its way.
func (r *Register) startFirst(
	ctx context.Context, fabric *fabricv1.Fabric, req *fabricv1.CreateFabricRequest,
) (string, error) {
	options, trigger := proto.CloneOf(req.GetFirstSync()), req.GetFirstTrigger()
	if trigger == syncv1.Trigger_TRIGGER_UNSPECIFIED {
		trigger = syncv1.Trigger_TRIGGER_FABRIC_CREATED
	}
	if options != nil {
		options.RefuseIfRunning = false
	}
	if req.GetSuspendReason() != "" {
		if options == nil {
			options = &syncv1.SyncOptions{}
		}
		options.ValidateOnly = true
	}
	options, held := state.ByItself(fabric, options)
	if held != nil {
		return "", nil //nolint:nilerr // it is why none starts, and no failure
	}
	admission, err := r.deps.Accept(ctx, &syncv1.StartSyncRequest{
		FabricId: fabric.GetFabricId(), Trigger: trigger, Options: options,
	})
	if err != nil {
		return "", fmt.Errorf("start the first sync: %w", err)
	}
	return admission.SyncID, nil
}

// Update replaces a definition. ABORTED (FGD_3012) when it changed since the generation that the new one has.
func (r *Register) Update(ctx context.Context, wanted *fabricv1.Fabric) (*fabricv1.Fabric, error) {
	if err := checkName(wanted); err != nil {
		return nil, err
	}
	fabric, err := r.locate(ctx, wanted)
	if err != nil {
		return nil, err
	}
	var stored *fabricv1.Fabric
	err = r.locked(ctx, func(ctx context.Context) (err error) {
		if err := r.checkUnique(ctx, fabric); err != nil {
			return err
		}
		if stored, err = r.deps.Store.Fabric(ctx, fabric.GetFabricId()); err != nil {
			return err
		}
		if known := fabric.GetGeneration(); known != 0 && known != stored.GetGeneration() {
			return errs.New(errs.FabricChanged, "Somebody else has changed fabric %d meanwhile.", fabric.GetFabricId())
		}
		fabric.CreatedAt, fabric.Suspension = stored.GetCreatedAt(), stored.GetSuspension()
		fabric.FormerNames = formerNames(stored, fabric.GetName())
		if err := r.settleLink(ctx, fabric); err != nil {
			return err
		}
		return r.replace(ctx, stored, fabric)
	})
	if err != nil {
		return nil, err
	}
	if err := r.keep(ctx, stored, fabric); err != nil {
		return nil, err
	}
	r.deps.Log.InfoContext(ctx, "fabric updated", attrs(ctx, fabric)...)
	if err := r.startUpdated(ctx, stored, fabric); err != nil { // the update is done; a sync comes by the clock too
		r.deps.Log.WarnContext(ctx, "no sync started for a fabric that was changed", "fabric_id", fabric.GetFabricId(),
			"error", err.Error())
	}
	return fabric, nil
}

// startUpdated starts the sync that a change is made for: that the fabric has another mode, or is linked to a NetBox.
func (r *Register) startUpdated(ctx context.Context, before, fabric *fabricv1.Fabric) error {
	if state.ModeWord(before) == state.ModeWord(fabric) || fabric.GetSuspension() != nil {
		return r.startLinked(ctx, before, fabric)
	}
	_, err := r.startByItself(ctx, fabric)
	return err
}

const mostFormerNames = 10

// formerNames returns the names that a fabric had before it gets another: until the next sync its manifest states one
// of them.
func formerNames(stored *fabricv1.Fabric, name string) []string {
	former := slices.Clone(stored.GetFormerNames())
	if stored.GetName() != name {
		former = append(former, stored.GetName())
	}
	return former[max(0, len(former)-mostFormerNames):]
}

// Delete forgets a fabric that is at rest. Where the ledger could not be written the fabric is gone all the same: who
// asks again has the ledger forget it too.
func (r *Register) Delete(ctx context.Context, id int32) error {
	fabric, err := r.deps.Store.Fabric(ctx, id)
	if errs.HasCode(err, errs.FabricNotFound) {
		return r.finishDelete(ctx, id, err)
	}
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.DeleteBefore)
	generation := r.generation(fabric.GetGeneration())
	active, err := r.remove(ctx, fabric, generation)
	if err != nil {
		return err
	}
	if active != "" {
		return deleteLater(id, active)
	}
	failpoint.Hit(failpoint.DeleteStored)
	if err := r.deps.Ledger.DeleteFabric(id, generation); err != nil {
		return err
	}
	failpoint.Hit(failpoint.DeleteKept)
	r.deps.Log.InfoContext(ctx, "fabric deleted", attrs(ctx, fabric)...)
	return nil
}

// finishDelete has the ledger forget a fabric that Redis has not any more. It returns that the fabric is missing where
// there is nothing to forget.
func (r *Register) finishDelete(ctx context.Context, id int32, missing error) error {
	kept, err := r.deps.Ledger.HasFabric(id)
	if err != nil {
		return err
	}
	deleted, err := r.deps.Store.Deleted(ctx)
	if err != nil {
		return err
	}
	if !kept || deleted[id] == 0 {
		return missing
	}
	return r.deps.Ledger.DeleteFabric(id, deleted[id])
}

// remove takes a fabric out of Redis, unless a sync of it is active, which it returns then.
func (r *Register) remove(ctx context.Context, fabric *fabricv1.Fabric, generation int64) (active string, err error) {
	event, err := r.deps.Events.Fabric(ctx, "fabric.deleted", fabric)
	if err != nil {
		return "", err
	}
	return r.deps.Store.DeleteFabric(ctx, fabric.GetFabricId(), generation, event)
}

func deleteLater(id int32, active string) error {
	return errs.New(errs.SyncAlreadyInProgress, "Fabric %d has an active sync.", id).
		WithMeta("sync_id", active).WithRemedy("Wait for the sync to end, or cancel it, and delete the fabric then.")
}

// generation returns a number above one that a definition has had. It follows the clock, so that a fabric which takes
// the number of one that was deleted is above that too, also when Redis has forgotten it.
func (r *Register) generation(last int64) int64 { return max(last+1, r.deps.Now().UnixMicro()) }

// locked runs a change of the register under its lock.
func (r *Register) locked(ctx context.Context, change func(context.Context) error) error {
	lease, err := r.deps.Locker.Acquire(ctx, state.RegisterLock)
	if err != nil {
		return err
	}
	return errors.Join(change(lease.Context()), lease.Release(context.WithoutCancel(ctx)))
}

// replace stores a definition in place of another. The caller holds the lock.
func (r *Register) replace(ctx context.Context, old, fabric *fabricv1.Fabric) error {
	fabric.UpdatedAt, fabric.Generation = timestamppb.New(r.deps.Now()), r.generation(old.GetGeneration())
	event, err := r.deps.Events.Fabric(ctx, "fabric.updated", fabric)
	if err != nil {
		return err
	}
	return r.deps.Store.UpdateFabric(ctx, fabric, event)
}

// keep writes a changed definition into the ledger. Where that fails the one before takes its place again.
func (r *Register) keep(ctx context.Context, before, fabric *fabricv1.Fabric) error {
	failpoint.Hit(failpoint.UpdateStored)
	err := r.deps.Ledger.PutFabric(fabric)
	failpoint.Hit(failpoint.UpdateKept)
	if err == nil {
		return nil
	}
	return r.undo(ctx, fabric, err, func(ctx context.Context) error {
		return r.replace(ctx, fabric, proto.CloneOf(before))
	})
}

// attrs are what the log says of a change.
func attrs(ctx context.Context, fabric *fabricv1.Fabric) []any {
	return []any{
		"fabric_id", fabric.GetFabricId(), "name", fabric.GetName(), "generation", fabric.GetGeneration(),
		"requested_by", eventlog.Requester(ctx),
	}
}
