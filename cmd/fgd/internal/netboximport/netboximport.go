// Package netboximport registers the fabrics that a NetBox knows: suspended, so that nothing is written into a
// repository before somebody has looked at what would be.
package netboximport

import (
	"context"
	"slices"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Reason is why an imported fabric is suspended.
const Reason = "Imported from NetBox, waiting for approval"

// Wish is what is to be imported.
type Wish struct {
	URL, TokenRef string // of NetBox; those of the installation when they are empty
	DryRun        bool   // registers nothing
	Rows          []Row  // say what NetBox does not
}

// Row says where the directory of a fabric is.
type Row struct {
	Fabric         int32 // its number in NetBox; 0 when it goes by its name
	Name           string
	Repository     string
	Branch         string
	Directory      string
	CredentialsRef string
	Line           int // of the file
}

// System is what is asked of a running system.
type System interface {
	NetBoxFabrics(ctx context.Context, url, tokenRef string) (*bridgev1.ListNetBoxFabricsResponse, error)
	Fabrics(ctx context.Context) (*bridgev1.ListFabricsResponse, error)
	CreateFabric(ctx context.Context, request *bridgev1.CreateFabricRequest) (*bridgev1.CreateFabricResponse, error)
	// CheckConnection tries a repository out, and changes nothing.
	CheckConnection(
		ctx context.Context, request *bridgev1.CheckConnectionRequest,
	) (*bridgev1.CheckConnectionResponse, error)
	// LastSync returns the newest sync of a fabric, nil when it has none.
	LastSync(ctx context.Context, fabricID int32) (*bridgev1.SyncStatus, error)
	// Ended waits until a sync has ended.
	Ended(ctx context.Context, syncID string) (*bridgev1.SyncStatus, error)
}

// State is what became of a fabric.
type State string

// The states.
const (
	Linked     State = "linked"     // it was before
	Registered State = "registered" // now, and waits for approval
	Would      State = "would be registered"
	Unknown    State = "not enough known"
	Refused    State = "refused"
)

// Outcome is what became of a fabric of NetBox.
type Outcome struct {
	NetBox   *bridgev1.NetBoxFabric `json:"netbox"`
	State    State                  `json:"state"`
	FabricID int32                  `json:"fabric_id,omitempty"`
	SyncID   string                 `json:"sync_id,omitempty"`
	Counts   *bridgev1.PlanCounts   `json:"plan,omitempty"` // of that sync, the first of which is a dry run
	Reason   string                 `json:"reason,omitempty"`
	Remedy   string                 `json:"remedy,omitempty"`
	// Waits is true when the fabric is suspended until somebody resumes it.
	Waits bool `json:"waits"`
}

// IsLeft reports whether the fabric is neither registered nor would be.
func (o Outcome) IsLeft() bool { return o.State == Unknown || o.State == Refused }

// Run imports the fabrics that are not linked yet. Doing it again does what is left. Rows that can't be meant as they
// are stop it before anything is done.
func Run(ctx context.Context, system System, wish Wish) ([]Outcome, error) {
	found, err := system.NetBoxFabrics(ctx, wish.URL, wish.TokenRef)
	if err != nil {
		return nil, err
	}
	if err := matched(wish.Rows, found.GetFabrics()); err != nil {
		return nil, err
	}
	known, err := system.Fabrics(ctx)
	if err != nil {
		return nil, err
	}
	r := &run{system, wish, known.GetFabrics()}
	var outcomes []Outcome
	for _, fabric := range found.GetFabrics() {
		do := r.one
		if fabric.GetFabricId() != 0 {
			do = r.linked
		}
		outcome, err := do(ctx, fabric)
		if err != nil {
			return outcomes, err
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes, nil
}

// run is one import.
type run struct {
	system System
	wish   Wish
	known  []*bridgev1.Fabric // that are registered
}

// linked is the outcome of a fabric that was linked before, with what its last sync says where it waits for approval.
func (r *run) linked(ctx context.Context, fabric *bridgev1.NetBoxFabric) (Outcome, error) {
	id := fabric.GetFabricId()
	out := Outcome{NetBox: fabric, State: Linked, FabricID: id}
	out.Waits = slices.ContainsFunc(r.known, func(k *bridgev1.Fabric) bool {
		return k.GetFabricId() == id && k.GetSuspension().GetReason() == Reason
	})
	if !out.Waits {
		return out, nil
	}
	last, err := r.system.LastSync(ctx, id)
	out.show(last)
	return out, err
}

// one imports a fabric. What is wrong with it is in its outcome, so that the others go on.
func (r *run) one(ctx context.Context, fabric *bridgev1.NetBoxFabric) (Outcome, error) {
	row := rowOf(r.wish.Rows, fabric)
	out := Outcome{NetBox: fabric}
	if row.Repository == "" || row.Directory == "" {
		out.State, out.Reason = Unknown, "Where its directory is in which repository is not known."
		out.Remedy = "Name it in a file: --csv, with fabric, repository_url and gitops_directory."
		return out, nil
	}
	if err := r.taken(fabric, row); err != nil {
		return refused(out, err)
	}
	if err := r.try(ctx, row, &out); err != nil || out.State == Refused {
		return out, err
	}
	r.known = append(r.known, &bridgev1.Fabric{FabricId: fabric.GetFabric(), Name: row.Name})
	if r.wish.DryRun {
		out.State = Would
		return out, nil
	}
	created, err := r.system.CreateFabric(ctx, r.request(fabric, row))
	if err != nil {
		return refused(out, err)
	}
	out.State, out.FabricID, out.Waits = Registered, created.GetFabric().GetFabricId(), true
	status, err := r.system.Ended(ctx, created.GetSyncId())
	out.show(status)
	return out, err
}

func (r *run) request(fabric *bridgev1.NetBoxFabric, row Row) *bridgev1.CreateFabricRequest {
	return &bridgev1.CreateFabricRequest{
		FabricId: fabric.GetFabric(), Name: row.Name, RepositoryUrl: row.Repository, Branch: row.Branch,
		GitopsDirectory: row.Directory, SuspendReason: Reason, Credentials: row.credentials(),
		Netbox: &bridgev1.NetBoxLink{Url: r.wish.URL, TokenRef: r.wish.TokenRef, Fabric: fabric.GetFabric()},
	}
}

func (r Row) credentials() *bridgev1.Credentials {
	if r.CredentialsRef == "" {
		return nil
	}
	return &bridgev1.Credentials{Ref: r.CredentialsRef}
}

// show notes what a sync says.
func (o *Outcome) show(status *bridgev1.SyncStatus) {
	o.SyncID, o.Counts = status.GetSyncId(), status.GetResult().GetCounts()
	for _, finding := range status.GetErrors() {
		if status.GetState() != "completed" {
			o.Reason, o.Remedy = finding.GetMessage(), finding.GetRemedy()
		}
	}
}

// refused is the outcome of a fabric that can't be registered as it is. What stands in the way of all is an error.
func refused(out Outcome, err error) (Outcome, error) {
	e := errs.From(err)
	if !IsOfOne(e) {
		return out, err
	}
	out.State, out.Reason, out.Remedy = Refused, e.Message, e.RemedyText()
	return out, nil
}

// IsOfOne reports whether an error is about the fabric that was asked for alone, so that others can be gone on with.
func IsOfOne(e *errs.Error) bool {
	switch e.Code.Kind {
	case errs.Invalid, errs.Exists, errs.Precondition, errs.NotFound, errs.Conflict:
		return true
	}
	return false
}
