package grpcapi

import (
	"context"

	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
	"fgdsync.dev/services/orchestrator/internal/maintenance"
)

// Maintenance serves MaintenanceService.
type Maintenance struct {
	adminv1.UnsafeMaintenanceServiceServer
	maintenance *maintenance.Maintenance
}

var _ adminv1.MaintenanceServiceServer = (*Maintenance)(nil)

// NewMaintenance returns the service.
func NewMaintenance(m *maintenance.Maintenance) *Maintenance { return &Maintenance{maintenance: m} }

// RebuildState brings back what was lost, and syncs every fabric.
func (m *Maintenance) RebuildState(
	ctx context.Context, _ *adminv1.RebuildStateRequest,
) (*adminv1.RebuildStateResponse, error) {
	report, syncs, err := m.maintenance.Rebuild(ctx)
	if err != nil {
		return nil, err
	}
	return &adminv1.RebuildStateResponse{
		FabricsRestored: int32(report.FabricsRecovered), SyncsRestored: int32(report.SyncsRecovered),
		SyncsRevived: int32(report.SyncsRevived), SyncsExpired: int32(report.SyncsExpired), SyncIds: syncs,
	}, nil
}

// ListDeadLetters lists what could not be handled.
func (m *Maintenance) ListDeadLetters(
	ctx context.Context, req *adminv1.ListDeadLettersRequest,
) (*adminv1.ListDeadLettersResponse, error) {
	return m.maintenance.DeadLetters(ctx, req)
}

// ReplayDeadLetters has dead letters handled again.
func (m *Maintenance) ReplayDeadLetters(
	ctx context.Context, req *adminv1.ReplayDeadLettersRequest,
) (*adminv1.ReplayDeadLettersResponse, error) {
	replayed, err := m.maintenance.Replay(ctx, req.GetIds())
	if err != nil {
		return nil, err
	}
	return &adminv1.ReplayDeadLettersResponse{Replayed: replayed}, nil
}
