package grpcapi

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"

	"fgdsync.dev/libs/errs"
)

// GetDirectoryHealth sums up how a fabric's directory is.
func (f *Fabrics) GetDirectoryHealth(ctx context.Context, req *fabricv1.GetDirectoryHealthRequest) (*fabricv1.GetDirectoryHealthResponse, error) {
	h := &health{GetDirectoryHealthResponse: &fabricv1.GetDirectoryHealthResponse{
		Status: fabricv1.DirectoryStatus_DIRECTORY_STATUS_HEALTHY, QuarantinedByCode: map[string]int32{},
	}}
	last, err := f.lastSync(ctx, req.GetFabricId(), hasEnded)
	if err != nil {
		return nil, err
	}
	completed, err := f.lastSync(ctx, req.GetFabricId(), isCompleted)
	if err != nil {
		return nil, err
	}
	err = f.atHead(ctx, req.GetFabricId(), func(fabric *fabricv1.Fabric, snapshot *gitv1.Snapshot) error {
		return f.look(ctx, h, fabric, snapshot, completed)
	})
	if err != nil {
		return nil, err
	}
	h.structure()
	h.contents()
	h.syncs(last, completed)
	return h.GetDirectoryHealthResponse, nil
}

// look gathers what is in the directory.
func (f *Fabrics) look(ctx context.Context, h *health, fabric *fabricv1.Fabric, snapshot *gitv1.Snapshot, completed *syncv1.Sync) error {
	h.Commit = snapshot.GetCommit()
	h.ChangedSinceLastSync = snapshot.GetTree() != completed.GetResult().GetTree()
	var err error
	if h.Report, err = f.report(ctx, fabric, snapshot); err != nil {
		return err
	}
	found, err := f.Ingestion.Discover(ctx, &ingestionv1.DiscoverRequest{SnapshotId: snapshot.GetSnapshotId(), Tree: snapshot.GetTree()})
	if err != nil {
		return err
	}
	h.WaitingFiles = int32(len(found.GetInputs()))
	quarantined, err := f.Ingestion.ListQuarantine(ctx, &ingestionv1.ListQuarantineRequest{SnapshotId: snapshot.GetSnapshotId(), Tree: snapshot.GetTree()})
	if err != nil {
		return err
	}
	h.QuarantinedFiles = int32(len(quarantined.GetFiles()))
	for _, file := range quarantined.GetFiles() {
		h.QuarantinedByCode[file.GetReason().GetCode()]++
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
	if broken > 0 {
		h.because(unhealthy, "The structure has %d errors that somebody has to mend.", broken)
	}
	if repairable > 0 {
		h.because(degraded, "%d things of the structure are repaired by the next sync.", repairable)
	}
	if odd > 0 {
		h.because(degraded, "%d things of the structure want a look.", odd)
	}
}

func (h *health) contents() {
	if h.GetWaitingFiles() > 0 {
		h.because(degraded, "%d files wait for the next sync.", h.GetWaitingFiles())
	}
	if h.GetQuarantinedFiles() > 0 {
		h.because(degraded, "%d files are in quarantine.", h.GetQuarantinedFiles())
	}
}

func (h *health) syncs(last, completed *syncv1.Sync) {
	h.Resources = completed.GetResult().GetResourcesTotal()
	switch {
	case last == nil:
		h.because(degraded, "No sync has ended yet.")
		return
	case last.GetState() == syncv1.State_STATE_FAILED:
		cause := &reportv1.Finding{Message: "see its status"}
		if len(last.GetErrors()) > 0 {
			cause = last.GetErrors()[0]
		}
		h.because(unhealthy, "The last sync failed: %s", cause.GetMessage())
	case completed == nil:
		h.because(degraded, "No sync has completed yet.")
	case h.GetChangedSinceLastSync():
		h.because(degraded, "The directory has changed since the last sync.")
	}
	h.LastSync = proto.CloneOf(last)
	h.LastSync.Result = nil // it may be large, and the sync has it
}
