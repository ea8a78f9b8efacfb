package register

import (
	"context"
	"strings"
	"unicode"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/eventlog"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// Suspend lets no sync of a fabric publish.
func (r *Register) Suspend(ctx context.Context, id int32, reason string) (*fabricv1.Fabric, error) {
	var before, fabric *fabricv1.Fabric
	err := r.locked(ctx, func(ctx context.Context) (err error) {
		if before, err = r.deps.Store.Fabric(ctx, id); err != nil {
			return err
		}
		fabric = proto.CloneOf(before)
		fabric.Suspension = r.suspension(ctx, reason)
		return r.replace(ctx, before, fabric)
	})
	if err != nil {
		return nil, err
	}
	if err := r.keep(ctx, before, fabric); err != nil {
		return nil, err
	}
	r.deps.Log.InfoContext(ctx, "fabric suspended",
		append(attrs(ctx, fabric), "reason", fabric.GetSuspension().GetReason())...)
	return fabric, nil
}

// suspendedAtOnce is the suspension of a fabric that is registered with one; nil without a reason.
func (r *Register) suspendedAtOnce(ctx context.Context, reason string) (*fabricv1.Suspension, error) {
	if reason == "" {
		return nil, nil //nolint:nilnil // it is not suspended
	}
	if strings.ContainsFunc(reason, unicode.IsControl) || strings.TrimSpace(reason) == "" {
		return nil, errs.Field("suspend_reason", "suspend_reason has to be text on one line.")
	}
	return r.suspension(ctx, reason), nil
}

func (r *Register) suspension(ctx context.Context, reason string) *fabricv1.Suspension {
	return &fabricv1.Suspension{
		Reason: strings.TrimSpace(reason), SuspendedBy: eventlog.Requester(ctx),
		SuspendedAt: timestamppb.New(r.deps.Now()),
	}
}

// Resume lets a fabric be synced again, and starts a sync: of what happened meanwhile nobody was told. It returns the
// fabric and the sync, which is empty when the fabric was not suspended, and in the mode off.
func (r *Register) Resume(ctx context.Context, id int32) (*fabricv1.Fabric, string, error) {
	var before, fabric *fabricv1.Fabric
	suspended := false
	err := r.locked(ctx, func(ctx context.Context) (err error) {
		if before, err = r.deps.Store.Fabric(ctx, id); err != nil {
			return err
		}
		fabric = proto.CloneOf(before)
		if suspended = fabric.GetSuspension() != nil; !suspended {
			return nil
		}
		fabric.Suspension = nil
		return r.replace(ctx, before, fabric)
	})
	if err != nil || !suspended {
		return fabric, "", err
	}
	if err := r.keep(ctx, before, fabric); err != nil {
		return nil, "", err
	}
	r.deps.Log.InfoContext(ctx, "fabric resumed", attrs(ctx, fabric)...)
	syncID, err := r.startByItself(ctx, fabric)
	return fabric, syncID, err
}

// startByItself starts a sync as the mode of the fabric has it, and returns nothing where that is none.
func (r *Register) startByItself(ctx context.Context, fabric *fabricv1.Fabric) (string, error) {
	options, held := state.ByItself(fabric, nil)
	if held != nil {
		return "", nil //nolint:nilerr // it is why none starts, and no failure
	}
	admission, err := r.deps.Accept(ctx, &syncv1.StartSyncRequest{FabricId: fabric.GetFabricId(), Options: options})
	return admission.SyncID, err
}
