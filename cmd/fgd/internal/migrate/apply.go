package migrate

import (
	"context"
	"fmt"
	"strings"

	"fgdsync.dev/cmd/fgd/internal/netboximport"
	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// System is what is asked of a running system.
type System interface {
	Fabrics(ctx context.Context) (*bridgev1.ListFabricsResponse, error)
	CreateFabric(ctx context.Context, request *bridgev1.CreateFabricRequest) (*bridgev1.CreateFabricResponse, error)
	UpdateFabric(ctx context.Context, request *bridgev1.UpdateFabricRequest) (*bridgev1.UpdateFabricResponse, error)
	// LastChange returns the last commit that changed the directory of a fabric, 40 hex digits; "" when none did.
	LastChange(ctx context.Context, fabricID int32) (string, error)
	// LastSync returns the newest sync of a fabric, nil when it has none.
	LastSync(ctx context.Context, fabricID int32) (*bridgev1.SyncStatus, error)
	// Ended waits until a sync has ended.
	Ended(ctx context.Context, syncID string) (*bridgev1.SyncStatus, error)
}

// Modes that a plan is applied in.
const (
	DryRun = "dry_run"
	On     = "on"
)

// The states of what was applied, beside the modes.
const (
	Skipped State = "skipped" // the plan has it as not ready
	Moved   State = "moved"   // its directory is another one than the plan has seen
	Refused State = "refused"
)

// Outcome is what became of a fabric.
type Outcome struct {
	FabricID int32  `json:"fabric_id,omitempty"`
	Name     string `json:"name"`
	State    State  `json:"state"` // the mode that it is in, or why it is not
	// Back says in words how to go back, where a sync has published.
	Back   string               `json:"back,omitempty"`
	Commit string               `json:"commit,omitempty"` // before anything was published
	SyncID string               `json:"sync_id,omitempty"`
	Counts *bridgev1.PlanCounts `json:"plan,omitempty"` // of that sync
	Reason string               `json:"reason,omitempty"`
	Remedy string               `json:"remedy,omitempty"`
}

// IsLeft reports whether the fabric is not in a mode that was asked for.
func (o Outcome) IsLeft() bool { return o.State != DryRun && o.State != On && o.State != Skipped }

// Apply registers the fabrics of a plan that are ready in the mode dry_run, and puts them on where that is the mode.
// Doing it again does what is left, so that those in dry_run are put on when they are approved. Only fabrics whose
// names are given count; all when none is.
func (p *Plan) Apply(ctx context.Context, system System, mode string, only map[string]bool) ([]Outcome, error) {
	known, err := system.Fabrics(ctx)
	if err != nil {
		return nil, err
	}
	a := &applying{system, p, mode, known.GetFabrics()}
	outcomes := []Outcome{}
	for _, f := range p.Fabrics {
		if len(only) > 0 && !only[f.Name] {
			continue
		}
		outcome, err := a.one(ctx, f)
		if outcome.State != "" { // also of one of which the end is not known
			outcomes = append(outcomes, outcome)
		}
		if err != nil {
			return outcomes, err
		}
	}
	return outcomes, nil
}

// applying is a plan that is applied.
type applying struct {
	system System
	plan   *Plan
	mode   string
	known  []*bridgev1.Fabric
}

func (a *applying) one(ctx context.Context, f Fabric) (Outcome, error) {
	out := Outcome{FabricID: f.FabricID, Name: f.Name, Commit: f.Commit}
	if f.State != Ready {
		out.State, out.Reason = Skipped, "The plan has it as "+string(f.State)+"."
		return out, nil
	}
	fabric := a.registered(f)
	if fabric != nil {
		if out.Reason, out.Remedy = a.differs(fabric, f); out.Reason != "" {
			out.State = Refused
			return out, nil
		}
	} else {
		var err error
		if fabric, err = a.register(ctx, f, &out); err != nil {
			return refused(out, err)
		}
	}
	out.FabricID, out.Name = fabric.GetFabricId(), fabric.GetName()
	if out.State == Failed {
		return out, nil
	}
	out.State = State(fabric.GetOptions().GetMode())
	if a.mode != On || out.State == On {
		return out, nil
	}
	return a.putOn(ctx, f, out)
}

// ended waits for the end of a sync, and notes what it did or why it failed.
func (a *applying) ended(ctx context.Context, syncID string, out *Outcome) (*bridgev1.SyncStatus, error) {
	status, err := a.system.Ended(ctx, syncID)
	if err != nil {
		return nil, err
	}
	out.SyncID, out.Counts = status.GetSyncId(), status.GetResult().GetCounts()
	if status.GetState() == "completed" {
		return status, nil
	}
	out.State, out.Reason = Failed, "The sync "+status.GetState()+"."
	if said := status.GetErrors(); len(said) > 0 {
		out.Reason, out.Remedy = said[0].GetMessage(), said[0].GetRemedy()
	}
	return status, nil
}

// registered returns the fabric that is registered where the directory of one of the plan is; nil where none is.
func (a *applying) registered(f Fabric) *bridgev1.Fabric {
	for _, k := range a.known {
		if k.GetRepositoryUrl() == f.RepositoryURL && k.GetBranch() == f.Branch &&
			strings.Trim(k.GetGitopsDirectory(), "/") == strings.Trim(f.Directory, "/") {
			return k
		}
	}
	return nil
}

// differs says why a fabric that is registered is not the one of the plan, or not as the plan would have it, and what
// to do about it; nothing where it is.
func (a *applying) differs(k *bridgev1.Fabric, f Fabric) (reason, remedy string) {
	id := k.GetFabricId()
	switch {
	case f.FabricID != 0 && f.FabricID != id, f.Name != "" && f.Name != k.GetName():
		return fmt.Sprintf("Its directory is registered already, as fabric %d, %q.", id, k.GetName()),
			"If that is the same one, make the plan anew with this number and name; else name another directory."
	case a.linkedElsewhere(k, f):
		return "It is registered already, and not linked to the record that the plan links it to.",
			fmt.Sprintf("Link it, and apply the plan again: fgd fabric update %d --netbox.", id)
	case k.GetSuspension() != nil:
		return fmt.Sprintf("It is registered already, and %s has suspended it: %s", k.GetSuspension().GetSuspendedBy(),
				k.GetSuspension().GetReason()),
			fmt.Sprintf("Resume it when its syncs are wanted, and apply the plan again: fgd fabric resume %d.", id)
	}
	return "", ""
}

// linkedElsewhere reports whether a fabric is not linked to the record that the plan links it to.
func (a *applying) linkedElsewhere(k *bridgev1.Fabric, f Fabric) bool {
	want, link := a.plan.NetBox, k.GetNetbox()
	return want != nil && (link == nil || f.FabricID != 0 && link.GetFabric() != f.FabricID ||
		want.URL != "" && strings.TrimRight(link.GetUrl(), "/") != strings.TrimRight(want.URL, "/"))
}

// register registers a fabric and waits for its dry run.
func (a *applying) register(ctx context.Context, f Fabric, out *Outcome) (*bridgev1.Fabric, error) {
	created, err := a.system.CreateFabric(ctx, a.request(f))
	if err != nil {
		return nil, err
	}
	_, err = a.ended(ctx, created.GetSyncId(), out)
	return created.GetFabric(), err
}

func (a *applying) request(f Fabric) *bridgev1.CreateFabricRequest {
	request := &bridgev1.CreateFabricRequest{
		FabricId: f.FabricID, Name: f.Name, RepositoryUrl: f.RepositoryURL, Branch: f.Branch,
		GitopsDirectory: f.Directory, Options: &bridgev1.FabricOptions{Mode: new(DryRun)},
	}
	if f.CredentialsRef != "" {
		request.Credentials = &bridgev1.Credentials{Ref: f.CredentialsRef}
	}
	if n := a.plan.NetBox; n != nil {
		request.Netbox = &bridgev1.NetBoxLink{Url: n.URL, TokenRef: n.TokenRef, Fabric: f.FabricID}
	}
	return request
}

// putOn lets a fabric publish while its directory is what the plan has seen, and waits for the sync.
func (a *applying) putOn(ctx context.Context, f Fabric, out Outcome) (Outcome, error) {
	commit, err := a.system.LastChange(ctx, out.FabricID)
	if err != nil {
		return refused(out, err)
	}
	if commit != f.Commit {
		out.State, out.Reason = Moved, "Its directory was changed since the plan looked at it, by "+short(commit)+"."
		out.Remedy = "It stays in dry_run. Make the plan anew, and look at what it says: fgd migrate plan."
		return out, nil
	}
	_, err = a.system.UpdateFabric(ctx, &bridgev1.UpdateFabricRequest{
		FabricId: out.FabricID, Options: &bridgev1.FabricOptions{Mode: new(On)},
	})
	if err != nil {
		return refused(out, err)
	}
	out.State = On
	last, err := a.system.LastSync(ctx, out.FabricID)
	if err != nil || last.GetValidateOnly() { // the schedule starts one
		return out, err
	}
	status, err := a.ended(ctx, last.GetSyncId(), &out)
	if commit := status.GetResult().GetCommitSha(); commit != "" {
		out.Back = back(f, out.FabricID, commit)
	}
	return out, err
}

// back says how to go back behind the commit of a sync. A restore ingests what it brings back, so that a directory that
// was none of this system's goes back in Git alone.
func back(f Fabric, id int32, published string) string {
	if f.Managed {
		return fmt.Sprintf("fgd restore %d --commit %s", id, f.Commit)
	}
	return fmt.Sprintf("fgd fabric update %d --mode off, and git revert %s", id, published)
}

func short(commit string) string { return commit[:min(len(commit), 8)] }

// refused is the outcome of a fabric that can't be taken over as it is. What stands in the way of all is an error.
func refused(out Outcome, err error) (Outcome, error) {
	e := errs.From(err)
	if !netboximport.IsOfOne(e) {
		return out, err
	}
	out.State, out.Reason, out.Remedy = Refused, e.Message, e.RemedyText()
	return out, nil
}
