package view

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/schedule"
)

// Health sums up how a fabric's directory is, and why it is not healthy.
func (v *View) Health(ctx context.Context, fabricID int32) (*fabricv1.GetDirectoryHealthResponse, error) {
	h := &health{GetDirectoryHealthResponse: &fabricv1.GetDirectoryHealthResponse{
		Status: fabricv1.DirectoryStatus_DIRECTORY_STATUS_HEALTHY, QuarantinedByCode: map[string]int32{},
	}}
	last, completed, err := v.lastSyncs(ctx, fabricID)
	if err != nil {
		return nil, err
	}
	if last.GetState() == syncv1.State_STATE_FAILED { // what is wrong is among its details
		whole, err := v.deps.Store.Get(ctx, last.GetSyncId())
		if err != nil {
			return nil, err
		}
		last = whole.Sync
	}
	if err := v.schedule(ctx, h, fabricID); err != nil {
		return nil, err
	}
	err = v.atHead(ctx, fabricID, func(ctx context.Context, fabric *fabricv1.Fabric, snapshot *gitv1.Snapshot) error {
		return v.examine(ctx, h, fabric, snapshot, completed)
	})
	switch {
	// what no waiting mends, such as a branch that is gone, is how the directory is
	case errs.KindOf(err) == errs.Precondition:
		h.because(unhealthy, "The directory can't be read: %s", errs.From(err).Message)
	case err != nil:
		return nil, err
	}
	h.structure()
	h.contents()
	h.syncs(last, completed)
	return h.GetDirectoryHealthResponse, nil
}

// schedule says when the next sync starts by itself.
func (v *View) schedule(ctx context.Context, h *health, fabricID int32) error {
	seen, err := v.deps.Store.Sight(ctx, fabricID)
	if err != nil {
		return err
	}
	if at := schedule.Next(seen.Fabric, seen.Activity); !at.IsZero() {
		h.NextSyncAt = timestamppb.New(at)
	}
	return nil
}

// examine gathers what is in the directory.
func (v *View) examine(
	ctx context.Context, h *health, fabric *fabricv1.Fabric, snapshot *gitv1.Snapshot, completed *syncv1.Sync,
) error {
	h.Commit = snapshot.GetCommit()
	h.ChangedSinceLastSync = snapshot.GetTree() != completed.GetResult().GetTree()
	var err error
	if h.Report, err = v.report(ctx, fabric, snapshot); err != nil {
		return err
	}
	found, err := v.deps.Ingestion.Discover(ctx, &ingestionv1.DiscoverRequest{
		SnapshotId: snapshot.GetSnapshotId(), Tree: snapshot.GetTree(),
	})
	if err != nil {
		return err
	}
	h.WaitingFiles = int32(len(found.GetInputs()))
	quarantined, err := v.quarantined(ctx, snapshot, "")
	if err != nil {
		return err
	}
	h.QuarantinedFiles = int32(len(quarantined))
	for _, q := range quarantined {
		h.QuarantinedByCode[q.GetFile().GetReason().GetCode()]++
	}
	return nil
}

// health finds reasons for a status.
type health struct {
	*fabricv1.GetDirectoryHealthResponse
}

// because says why the directory is in a status, unless it is worse off already.
func (h *health) because(status fabricv1.DirectoryStatus, format string, args ...any) {
	h.Status = max(h.Status, status)
	h.Reasons = append(h.Reasons, fmt.Sprintf(format, args...))
}

// count says how many things are the reason, if any.
func (h *health) count(status fabricv1.DirectoryStatus, n int, one, many string) {
	switch {
	case n == 1:
		h.because(status, "%s", one)
	case n > 1:
		h.because(status, many, n)
	}
}

const (
	degraded  = fabricv1.DirectoryStatus_DIRECTORY_STATUS_DEGRADED
	unhealthy = fabricv1.DirectoryStatus_DIRECTORY_STATUS_UNHEALTHY
)

func (h *health) structure() {
	broken, repairable, odd := 0, 0, 0
	for _, issue := range h.GetReport().GetIssues() {
		switch {
		case issue.GetFinding().GetCode() == errs.StrayFile.ID && issue.GetCanAutoRepair(): // counts among those that wait
		case issue.GetCanAutoRepair():
			repairable++
		case issue.GetFinding().GetSeverity() == reportv1.Severity_SEVERITY_ERROR:
			broken++
		default:
			odd++
		}
	}
	h.count(unhealthy, broken, "One error of the structure has to be mended by somebody.",
		"%d errors of the structure have to be mended by somebody.")
	h.count(degraded, repairable, "One thing in the structure is repaired by the next sync.",
		"%d things in the structure are repaired by the next sync.")
	h.count(degraded, odd, "One thing in the structure wants a look.", "%d things in the structure want a look.")
}

func (h *health) contents() {
	if h.GetNextSyncAt() != nil {
		h.count(degraded, int(h.GetWaitingFiles()), "One file waits for the next sync.", "%d files wait for the next sync.")
	} else {
		h.count(degraded, int(h.GetWaitingFiles()), "One file waits for a sync, and none starts by itself.",
			"%d files wait for a sync, and none starts by itself.")
	}
	h.count(degraded, int(h.GetQuarantinedFiles()), "One file is in quarantine.", "%d files are in quarantine.")
}

func (h *health) syncs(last, completed *syncv1.Sync) {
	h.Resources = completed.GetResult().GetResourcesTotal()
	if last == nil {
		h.because(degraded, "No sync has ended yet.")
		return
	}
	if last.GetState() == syncv1.State_STATE_FAILED {
		cause := "its status has the reason."
		if len(last.GetErrors()) > 0 {
			cause = last.GetErrors()[0].GetMessage()
		}
		h.because(unhealthy, "The last sync failed: %s", cause)
	}
	if last.GetState() == syncv1.State_STATE_CANCELLED {
		h.because(degraded, "The last sync was cancelled.")
	}
	switch {
	case completed == nil:
		h.because(degraded, "No sync has completed yet.")
	case h.GetChangedSinceLastSync():
		h.because(degraded, "The directory has changed since a sync completed last.")
	}
	h.LastSync = proto.CloneOf(last)
	h.LastSync.Result = nil // it may be large, and the sync has it
}
