// Package grpcapi is the orchestrator's face: it takes requests apart, calls the rooms behind it and puts answers
// together. It knows no rules.
package grpcapi

import (
	"context"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/orchestrator/internal/register"
)

// Fabrics serves FabricService.
type Fabrics struct {
	fabricv1.UnsafeFabricServiceServer
	register *register.Register
}

var _ fabricv1.FabricServiceServer = (*Fabrics)(nil)

// NewFabrics returns the service over the register.
func NewFabrics(r *register.Register) *Fabrics { return &Fabrics{register: r} }

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
	return &fabricv1.CreateFabricResponse{Fabric: fabric, SyncId: syncID}, f.register.Show(ctx, fabric)
}

// GetFabric looks a fabric up.
func (f *Fabrics) GetFabric(ctx context.Context, req *fabricv1.GetFabricRequest) (*fabricv1.GetFabricResponse, error) {
	fabric, err := f.register.Fabric(ctx, req.GetFabricId())
	if err != nil {
		return nil, err
	}
	return &fabricv1.GetFabricResponse{Fabric: fabric}, nil
}

// ListFabrics lists fabrics.
func (f *Fabrics) ListFabrics(
	ctx context.Context, req *fabricv1.ListFabricsRequest,
) (*fabricv1.ListFabricsResponse, error) {
	return f.register.List(ctx, req)
}

// UpdateFabric replaces a definition.
func (f *Fabrics) UpdateFabric(
	ctx context.Context, req *fabricv1.UpdateFabricRequest,
) (*fabricv1.UpdateFabricResponse, error) {
	fabric, err := f.register.Update(ctx, definition(req.GetFabric()))
	if err != nil {
		return nil, err
	}
	return &fabricv1.UpdateFabricResponse{Fabric: fabric}, f.register.Show(ctx, fabric)
}

// SuspendFabric lets no sync of a fabric publish.
func (f *Fabrics) SuspendFabric(
	ctx context.Context, req *fabricv1.SuspendFabricRequest,
) (*fabricv1.SuspendFabricResponse, error) {
	fabric, err := f.register.Suspend(ctx, req.GetFabricId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &fabricv1.SuspendFabricResponse{Fabric: fabric}, f.register.Show(ctx, fabric)
}

// ResumeFabric lets a fabric be synced again.
func (f *Fabrics) ResumeFabric(
	ctx context.Context, req *fabricv1.ResumeFabricRequest,
) (*fabricv1.ResumeFabricResponse, error) {
	fabric, syncID, err := f.register.Resume(ctx, req.GetFabricId())
	if err != nil {
		return nil, err
	}
	return &fabricv1.ResumeFabricResponse{Fabric: fabric, SyncId: syncID}, f.register.Show(ctx, fabric)
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
