package register

import (
	"context"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// locate has github-sync judge where a fabric wants to live, and with which credentials: it refuses those that were
// given for another host or another fabric. It returns the definition with the location in its one spelling.
func (r *Register) locate(ctx context.Context, wanted *fabricv1.Fabric) (*fabricv1.Fabric, error) {
	fabric := proto.CloneOf(wanted)
	fabric.PullRequest = nil
	if err := checkLink(fabric.GetNetbox()); err != nil {
		return nil, err
	}
	fabric.Location = state.LocationOf(wanted)
	checked, err := r.deps.Repositories.CheckLocation(ctx, &gitv1.CheckLocationRequest{
		Location:     fabric.GetLocation(),
		PullRequests: fabric.GetOptions().GetPublishMode() == fabricv1.PublishMode_PUBLISH_MODE_PULL_REQUEST,
	})
	if err != nil {
		return nil, err
	}
	fabric.Location.Directory, fabric.Location.Branch = checked.GetDirectory(), checked.GetBranch()
	fabric.RepositoryKey = checked.GetRepositoryKey()
	if err := checkRoot(fabric); err != nil {
		return nil, err
	}
	return fabric, r.deps.Store.EnsureComplete(ctx)
}

// checkRoot holds that nobody gets the whole repository by leaving something out.
func checkRoot(fabric *fabricv1.Fabric) error {
	if fabric.GetLocation().GetDirectory() != "" || fabric.GetOptions().GetAllowRepositoryRoot() {
		return nil
	}
	return errs.New(errs.DirectoryInvalid, "The directory is the root of the repository, with all that is in it.").
		WithRemedy("Name the directory of the fabric; if it is to be the whole repository, say so twice: "+
			"options.allow_repository_root: true, or --allow-root.").WithMeta(errs.FieldKey, "location.directory")
}

// checkUnique holds that no other fabric has the name, or a directory inside this one or around it. The caller holds
// the lock, so that two can't take one place at the same time.
func (r *Register) checkUnique(ctx context.Context, fabric *fabricv1.Fabric) error {
	others, err := r.deps.Store.Fabrics(ctx)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.GetFabricId() == fabric.GetFabricId() {
			continue
		}
		if other.GetName() == fabric.GetName() {
			return errs.New(errs.FabricExists, "The name %q belongs to fabric %d.", fabric.GetName(), other.GetFabricId()).
				WithMeta(errs.OtherFabricKey, strconv.Itoa(int(other.GetFabricId())))
		}
		if sameBranch(other, fabric) && overlap(other.GetLocation().GetDirectory(), fabric.GetLocation().GetDirectory()) {
			return errs.New(errs.DirectoryOverlap, "The directory %q overlaps with %q of fabric %d.",
				fabric.GetLocation().GetDirectory(), other.GetLocation().GetDirectory(), other.GetFabricId()).
				WithMeta(errs.OtherFabricKey, strconv.Itoa(int(other.GetFabricId())))
		}
	}
	return nil
}

func sameBranch(a, b *fabricv1.Fabric) bool {
	return a.GetRepositoryKey() == b.GetRepositoryKey() && a.GetLocation().GetBranch() == b.GetLocation().GetBranch()
}

// overlap reports whether one directory is the other, or inside it, in a checkout that does not tell the case or the
// code points of letters.
func overlap(a, b string) bool {
	short, long := a, b
	if strings.Count(short, "/") > strings.Count(long, "/") {
		short, long = long, short
	}
	if short == "" || long == "" {
		return true
	}
	names, of := strings.Split(short, "/"), strings.Split(long, "/")
	for i, name := range names {
		if !layout.Alike(name, of[i]) {
			return false
		}
	}
	return true
}
