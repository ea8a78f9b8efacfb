// Package grpcapi is the orchestrator's face: it takes requests apart, calls the rooms behind it and puts answers
// together. It knows no rules.
package grpcapi

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/orchestrator/internal/fabricstatus"
	"fgdsync.dev/services/orchestrator/internal/register"
	"fgdsync.dev/services/orchestrator/internal/schedule"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// Fabrics serves FabricService.
type Fabrics struct {
	fabricv1.UnsafeFabricServiceServer
	register *register.Register
	store    *state.Store
	now      func() time.Time
}

var _ fabricv1.FabricServiceServer = (*Fabrics)(nil)

// NewFabrics returns the service over the register. The store is where the activity of fabrics is.
func NewFabrics(r *register.Register, store *state.Store, now func() time.Time) *Fabrics {
	return &Fabrics{register: r, store: store, now: now}
}

// show says of a fabric how it is, and when the next sync starts by itself.
func (f *Fabrics) show(ctx context.Context, fabric *fabricv1.Fabric) error {
	standings, err := f.store.FabricStandings(ctx, []*fabricv1.Fabric{fabric})
	if err != nil {
		return err
	}
	fabric.Status = fabricstatus.Of(fabric, standings[0], f.now())
	return f.announce(ctx, fabric)
}

// announce adds when the next syncs start by themselves. It is no part of the definitions, which a caller may send
// back.
func (f *Fabrics) announce(ctx context.Context, fabrics ...*fabricv1.Fabric) error {
	next, err := schedule.Next(ctx, f.store, fabrics)
	if err != nil {
		return err
	}
	for i, at := range next {
		if !at.IsZero() {
			fabrics[i].NextSyncAt = timestamppb.New(at) //nolint:gosec // one for each
		}
	}
	return nil
}

// definition is a fabric as a caller wants it.
func definition(wanted *fabricv1.Fabric) *fabricv1.Fabric {
	if wanted != nil {
		wanted.NextSyncAt, wanted.Status = nil, nil
	}
	return wanted
}

// CreateFabric registers a fabric and starts its first sync.
func (f *Fabrics) CreateFabric(
	ctx context.Context, req *fabricv1.CreateFabricRequest,
) (*fabricv1.CreateFabricResponse, error) {
	req.Fabric = definition(req.GetFabric())
	fabric, syncID, err := f.register.Create(ctx, req)
	if err != nil {
		return nil, err
	}
	return &fabricv1.CreateFabricResponse{Fabric: fabric, SyncId: syncID}, f.show(ctx, fabric)
}

// GetFabric looks a fabric up.
func (f *Fabrics) GetFabric(ctx context.Context, req *fabricv1.GetFabricRequest) (*fabricv1.GetFabricResponse, error) {
	fabric, err := f.register.Fabric(ctx, req.GetFabricId())
	if err != nil {
		return nil, err
	}
	return &fabricv1.GetFabricResponse{Fabric: fabric}, f.show(ctx, fabric)
}

// ListFabrics lists fabrics.
func (f *Fabrics) ListFabrics(
	ctx context.Context, req *fabricv1.ListFabricsRequest,
) (*fabricv1.ListFabricsResponse, error) {
	page, err := f.register.List(ctx, req)
	if err != nil {
		return nil, err
	}
	return page, f.announce(ctx, page.GetFabrics()...)
}

// UpdateFabric replaces a definition.
func (f *Fabrics) UpdateFabric(
	ctx context.Context, req *fabricv1.UpdateFabricRequest,
) (*fabricv1.UpdateFabricResponse, error) {
	fabric, err := f.register.Update(ctx, definition(req.GetFabric()))
	if err != nil {
		return nil, err
	}
	return &fabricv1.UpdateFabricResponse{Fabric: fabric}, f.show(ctx, fabric)
}

// SuspendFabric lets no sync of a fabric publish.
func (f *Fabrics) SuspendFabric(
	ctx context.Context, req *fabricv1.SuspendFabricRequest,
) (*fabricv1.SuspendFabricResponse, error) {
	fabric, err := f.register.Suspend(ctx, req.GetFabricId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &fabricv1.SuspendFabricResponse{Fabric: fabric}, f.show(ctx, fabric)
}

// ResumeFabric lets a fabric be synced again.
func (f *Fabrics) ResumeFabric(
	ctx context.Context, req *fabricv1.ResumeFabricRequest,
) (*fabricv1.ResumeFabricResponse, error) {
	fabric, syncID, err := f.register.Resume(ctx, req.GetFabricId())
	if err != nil {
		return nil, err
	}
	return &fabricv1.ResumeFabricResponse{Fabric: fabric, SyncId: syncID}, f.show(ctx, fabric)
}

// DeleteFabric forgets a fabric that is at rest.
func (f *Fabrics) DeleteFabric(
	ctx context.Context, req *fabricv1.DeleteFabricRequest,
) (*fabricv1.DeleteFabricResponse, error) {
	if err := f.register.Delete(ctx, req.GetFabricId()); err != nil {
		return nil, err
	}
	return &fabricv1.DeleteFabricResponse{}, nil
}
