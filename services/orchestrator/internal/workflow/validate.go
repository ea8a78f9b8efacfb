package workflow

import (
	"context"
	"fmt"
	"slices"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// validate brings the structure of the directory into order, unless the directory is not the fabric's.
func (a *attempt) validate(ctx context.Context) error {
	if err := a.sync.enter(ctx, syncv1.State_STATE_VALIDATING, percentValidation); err != nil {
		return err
	}
	if err := a.mayExist(); err != nil {
		return err
	}
	response, err := a.deps.Directory.RepairDirectory(ctx, &directoryv1.RepairDirectoryRequest{
		SnapshotId: a.snapshot.GetSnapshotId(), Tree: a.tree, Fabric: a.identity(),
		Time: a.snapshot.GetOrigin().GetCommitTime(), CreateSamples: a.sync.record.GetOptions().GetCreateSamples(),
		Surroundings: a.snapshot.GetSurroundings(), TakeOver: a.sync.record.GetOptions().GetTakeOver(),
	})
	if err != nil {
		return fmt.Errorf("repair directory: %w", err)
	}
	a.tree, a.first = response.GetTree(), lacksManifest(response.GetReport())
	if !a.sync.reported {
		a.sync.record.Result.RepairsMade = a.repairs(response)
	}
	err = a.remaining(response.GetRemainingIssues())
	a.sync.emitEvent(ctx, directoryEvent(a.snapshot, response), &eventv1.DirectoryChecked{
		RepairsMade: response.GetRepairsMade(), RemainingIssues: int32(len(response.GetRemainingIssues())),
	})
	return err
}

// mayExist refuses to make a directory where that is not wanted.
func (a *attempt) mayExist() error {
	options := a.fabric.GetOptions()
	if a.snapshot.GetDirectoryExists() || a.restores() || options == nil || options.AutoInitialize == nil ||
		options.GetAutoInitialize() {
		return nil
	}
	return errs.New(errs.DirectoryNotFound, "The branch %s has no directory %q.", a.fabric.GetLocation().GetBranch(),
		a.fabric.GetLocation().GetDirectory())
}

// repairs are what was done to the structure. Of a directory that was not there it is said that it is new: its name may
// have been mistyped.
func (a *attempt) repairs(response *directoryv1.RepairDirectoryResponse) []string {
	made := response.GetRepairsMade()
	if a.snapshot.GetDirectoryExists() || len(made) == 0 {
		return made
	}
	return slices.Insert(slices.Clone(made), 0, fmt.Sprintf("Made the directory %s, which was not there.",
		a.fabric.GetLocation().GetDirectory()))
}

func lacksManifest(report *directoryv1.DirectoryReport) bool {
	return slices.ContainsFunc(report.GetIssues(), func(i *directoryv1.Issue) bool {
		return i.GetFinding().GetCode() == errs.StructureIncomplete.ID && i.GetFinding().GetFile() == layout.Manifest
	})
}

// remaining tells what a repair leaves to people, and stops the sync where something is wrong: with the very error when
// the directory is somebody else's.
func (a *attempt) remaining(issues []*directoryv1.Issue) error {
	var stop error
	for _, issue := range issues {
		f := issue.GetFinding()
		switch {
		case f.GetCode() == errs.DirectoryOverlap.ID, f.GetCode() == errs.DirectoryOwned.ID:
			if stop == nil || errs.HasCode(stop, errs.DirectoryRepairFailed) {
				stop = errs.FromFinding(f)
				continue
			}
		case f.GetSeverity() == reportv1.Severity_SEVERITY_ERROR && stop == nil:
			stop = errs.New(errs.DirectoryRepairFailed, "The directory can't be brought into order by itself.").
				WithRemedy("See the errors of the sync, mend what they name, and start it again.")
		}
		a.sync.addFinding(f)
	}
	return stop
}
