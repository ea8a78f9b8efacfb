package netboximport

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// taken returns why a fabric can't be registered beside those that are; nil when nothing is in the way.
func (r *run) taken(fabric *bridgev1.NetBoxFabric, row Row) error {
	for _, k := range r.known {
		how := ""
		switch {
		case k.GetFabricId() == fabric.GetFabric():
			how = "has its number"
		case k.GetName() == row.Name:
			how = "has its name"
		case k.GetRepositoryUrl() == row.Repository && k.GetBranch() == cmp.Or(row.Branch, "main") &&
			strings.Trim(k.GetGitopsDirectory(), "/") == strings.Trim(row.Directory, "/"):
			how = "has its directory"
		default:
			continue
		}
		return errs.New(errs.FabricExists, "Fabric %d is registered already, and %s.", k.GetFabricId(), how).
			WithRemedy("If it is this one, link it: fgd fabric update %d %s --netbox-fabric %d. Else name another directory, or "+
				"name, with --csv, or register it by hand (fgd fabric register).", k.GetFabricId(), r.which(), fabric.GetFabric())
	}
	return nil
}

// which returns the flag that says which NetBox a link is to.
func (r *run) which() string {
	if r.wish.URL == "" {
		return "--netbox"
	}
	return fmt.Sprintf("--netbox-url %s", r.wish.URL)
}

// try tries out the repository of a fabric, and notes what its sync would meet. Where a registration would be refused
// for it, the fabric is.
func (r *run) try(ctx context.Context, row Row, out *Outcome) error {
	answer, err := r.system.CheckConnection(ctx, &bridgev1.CheckConnectionRequest{
		RepositoryUrl: row.Repository, Branch: row.Branch, GitopsDirectory: row.Directory, Credentials: row.credentials(),
	})
	switch kind := errs.KindOf(err); {
	case err == nil:
	case kind == errs.Deadline || kind == errs.Unavailable: // of the Git host; a registration does not wait for it
		out.Reason, out.Remedy = errs.From(err).Message, errs.From(err).RemedyText()
		return nil
	default:
		*out, err = refused(*out, err)
		return err
	}
	said := slices.Concat(answer.GetConnection().GetProblems(), answer.GetConnection().GetWarnings())
	for _, problem := range said {
		if slices.Contains(refusals(), problem.GetCode()) {
			out.State = Refused
		}
	}
	if len(said) > 0 {
		out.Reason, out.Remedy = said[0].GetMessage(), said[0].GetRemedy()
	}
	return nil
}

// refusals are the codes of what no fabric is registered with.
func refusals() []string {
	return []string{errs.RemoteRefused.ID, errs.CredentialsForAnotherHost.ID, errs.CredentialsUnreadable.ID}
}
