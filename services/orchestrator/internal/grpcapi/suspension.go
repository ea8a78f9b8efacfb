package grpcapi

import (
	"context"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const longestReason = 500

// SuspendFabric lets no sync of a fabric publish.
func (f *Fabrics) SuspendFabric(ctx context.Context,
	req *fabricv1.SuspendFabricRequest,
) (*fabricv1.SuspendFabricResponse, error) {
	reason := strings.TrimSpace(req.GetReason())
	if reason == "" || len(reason) > longestReason || strings.ContainsFunc(reason, isControl) {
		return nil, errs.New(errs.InvalidRequest, "reason is needed: 1 to %d bytes on one line.", longestReason)
	}
	fabric, _, err := f.suspend(ctx, req.GetFabricId(), req.GetRequestedBy(), &fabricv1.Suspension{
		Reason: reason, SuspendedBy: orSystem(req.GetRequestedBy()), SuspendedAt: timestamppb.New(f.Now()),
	})
	if err != nil {
		return nil, err
	}
	return &fabricv1.SuspendFabricResponse{Fabric: fabric}, nil
}

// ResumeFabric lets a fabric be synced again, and starts a sync: of what happened meanwhile nobody was told.
func (f *Fabrics) ResumeFabric(ctx context.Context, req *fabricv1.ResumeFabricRequest) (*fabricv1.ResumeFabricResponse,
	error,
) {
	fabric, was, err := f.suspend(ctx, req.GetFabricId(), req.GetRequestedBy(), nil)
	if err != nil || !was {
		return &fabricv1.ResumeFabricResponse{Fabric: fabric}, err
	}
	verdict, err := f.Intake.start(ctx, &syncv1.StartSyncRequest{
		FabricId:    req.GetFabricId(),
		RequestedBy: req.GetRequestedBy(),
	})
	if err != nil {
		return nil, err
	}
	return &fabricv1.ResumeFabricResponse{Fabric: fabric, SyncId: verdict.SyncID}, nil
}

// suspend sets or ends the suspension, and reports whether there was one.
func (f *Fabrics) suspend(ctx context.Context, id int32, user string,
	suspension *fabricv1.Suspension,
) (fabric *fabricv1.Fabric, was bool, err error) {
	err = f.alone(ctx, func(ctx context.Context) error {
		if fabric, err = f.Store.Fabric(ctx, id); err != nil {
			return err
		}
		if was = fabric.GetSuspension() != nil; !was && suspension == nil {
			return nil
		}
		fabric.Suspension = suspension
		return f.replace(ctx, fabric, fabric, user)
	})
	if err != nil {
		return nil, was, err
	}
	return fabric, was, f.keep(fabric)
}
