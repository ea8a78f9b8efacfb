package register

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/libs/rpc"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

const closeTimeout = 5 * time.Second

// nobody is a number that no manifest names.
const nobody = math.MaxInt32

// settle gives a fabric that is registered without them the number and the name that the manifest in its directory
// names, and refuses one that is registered with others, unless it takes the directory over. Where the directory can't
// be read in time nobody knows the manifest: the first sync says then what there is to say.
func (r *Register) settle(ctx context.Context, fabric *fabricv1.Fabric, takeOver bool) error {
	report := r.report(ctx, fabric)
	owner := report.GetOwner()
	if owner == nil {
		return checkName(fabric)
	}
	if !takeOver && isOwned(report) && !isOwner(owner, fabric) {
		return ownedByOther(owner, fabric)
	}
	if cmp.Or(fabric.GetFabricId(), owner.GetFabricId()) == owner.GetFabricId() {
		if err := r.takeNumber(ctx, fabric, owner, takeOver || !isOwned(report)); err != nil {
			return err
		}
	}
	fabric.Name = cmp.Or(fabric.GetName(), owner.GetName())
	return checkName(fabric)
}

// takeNumber gives a fabric the number that a manifest names. Whoever may take the directory over gets another one
// where that is taken.
func (r *Register) takeNumber(ctx context.Context, fabric *fabricv1.Fabric, owner *directoryv1.FabricIdentity,
	mayTakeOver bool,
) error {
	other, err := r.deps.Store.Fabric(ctx, owner.GetFabricId())
	switch {
	case errs.HasCode(err, errs.FabricNotFound):
		fabric.FabricId = owner.GetFabricId()
		return nil
	case err != nil:
		return err
	case mayTakeOver && fabric.GetFabricId() == 0:
		return nil
	}
	return errs.New(errs.FabricExists, "The manifest in the directory names fabric %d, and that number belongs to %q "+
		"here, which has another directory.", owner.GetFabricId(), other.GetName()).
		WithRemedy("Register the fabric with take_over: true (--take-over) and another number, or with none to have one "+
			"chosen; or delete the fabric that has the number.").WithMeta(errs.FieldKey, "fabric_id")
}

// isOwned reports whether somebody has the directory who is not the fabric that was asked about. The plugin's manifests
// belong to whoever comes after it.
func isOwned(report *directoryv1.DirectoryReport) bool {
	return slices.ContainsFunc(report.GetIssues(), func(i *directoryv1.Issue) bool {
		return i.GetFinding().GetCode() == errs.DirectoryOwned.ID
	})
}

// isOwner reports whether a manifest names a fabric, as far as that says what it is.
func isOwner(owner *directoryv1.FabricIdentity, fabric *fabricv1.Fabric) bool {
	return cmp.Or(fabric.GetFabricId(), owner.GetFabricId()) == owner.GetFabricId() &&
		cmp.Or(fabric.GetName(), owner.GetName()) == owner.GetName()
}

func ownedByOther(owner *directoryv1.FabricIdentity, fabric *fabricv1.Fabric) error {
	return errs.New(errs.DirectoryOwned, "The directory belongs to fabric %d, %q, as %s says, and not to fabric %d, %q.",
		owner.GetFabricId(), owner.GetName(), layout.Manifest, cmp.Or(fabric.GetFabricId(), owner.GetFabricId()),
		cmp.Or(fabric.GetName(), owner.GetName())).
		WithRemedy("Leave the number and the name away to register the fabric that the manifest names; or end what that one " +
			"does there and take the directory over: take_over: true in the registration, or --take-over.")
}

func checkName(fabric *fabricv1.Fabric) error {
	if fabric.GetName() != "" {
		return nil
	}
	return errs.Field("name", "name is missing, and no manifest in the directory names the fabric.")
}

// report returns what the directory of a fabric is, above all whose; nil where it can't be read in time: a registration
// does not wait for a Git host that is away.
func (r *Register) report(ctx context.Context, fabric *fabricv1.Fabric) *directoryv1.DirectoryReport {
	ctx, cancel := context.WithTimeout(rpc.WithRoutingKey(ctx, fabric.GetRepositoryKey()), r.deps.Patience)
	defer cancel()
	opened, err := r.deps.Repositories.OpenSnapshot(ctx, &gitv1.OpenSnapshotRequest{Location: state.LocationOf(fabric)})
	if err != nil {
		r.deps.Log.InfoContext(ctx, "directory not read at its registration", "error", err)
		return nil
	}
	snapshot := opened.GetSnapshot()
	defer r.close(ctx, snapshot)
	checked, err := r.deps.Directory.ValidateDirectory(ctx, &directoryv1.ValidateDirectoryRequest{
		SnapshotId: snapshot.GetSnapshotId(), Tree: snapshot.GetTree(), Surroundings: snapshot.GetSurroundings(),
		Fabric: &directoryv1.FabricIdentity{
			FabricId: cmp.Or(fabric.GetFabricId(), nobody), Name: cmp.Or(fabric.GetName(), "nobody"),
		},
	})
	if err != nil {
		r.deps.Log.InfoContext(ctx, "directory not judged at its registration", "error", err)
	}
	return checked.GetReport()
}

// close closes a snapshot. One that is not closed ends by itself.
func (r *Register) close(ctx context.Context, snapshot *gitv1.Snapshot) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_, err := r.deps.Repositories.CloseSnapshot(ctx, &gitv1.CloseSnapshotRequest{SnapshotId: snapshot.GetSnapshotId()})
	if err != nil {
		r.deps.Log.InfoContext(ctx, "snapshot not closed", "error", err)
	}
}
