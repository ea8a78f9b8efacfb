// Package netboximport registers the fabrics that a NetBox knows: suspended, so that nothing is written into a
// repository before somebody has looked at what would be.
package netboximport

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

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
}

// System is what is asked of a running system.
type System interface {
	NetBoxFabrics(ctx context.Context, url, tokenRef string) (*bridgev1.ListNetBoxFabricsResponse, error)
	Fabrics(ctx context.Context) (*bridgev1.ListFabricsResponse, error)
	CreateFabric(ctx context.Context, request *bridgev1.CreateFabricRequest) (*bridgev1.CreateFabricResponse, error)
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
	Counts   *bridgev1.PlanCounts   `json:"plan,omitempty"` // of the first sync, which was a dry run
	Reason   string                 `json:"reason,omitempty"`
	Remedy   string                 `json:"remedy,omitempty"`
	// Waits is true when the fabric is suspended until somebody resumes it.
	Waits bool `json:"waits"`
}

// Run imports the fabrics that are not linked yet. Doing it again does what is left.
func Run(ctx context.Context, system System, wish Wish) ([]Outcome, error) {
	found, err := system.NetBoxFabrics(ctx, wish.URL, wish.TokenRef)
	if err != nil {
		return nil, err
	}
	known, err := system.Fabrics(ctx)
	if err != nil {
		return nil, err
	}
	waiting := map[int32]bool{}
	for _, fabric := range known.GetFabrics() {
		waiting[fabric.GetFabricId()] = fabric.GetSuspension().GetReason() == Reason
	}
	var outcomes []Outcome
	for _, fabric := range found.GetFabrics() {
		if id := fabric.GetFabricId(); id != 0 {
			outcomes = append(outcomes, Outcome{NetBox: fabric, State: Linked, FabricID: id, Waits: waiting[id]})
			continue
		}
		outcome, err := one(ctx, system, wish, fabric)
		if err != nil {
			return outcomes, err
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes, nil
}

// one imports a fabric. What is wrong with it is in its outcome, so that the others go on.
func one(ctx context.Context, system System, wish Wish, fabric *bridgev1.NetBoxFabric) (Outcome, error) {
	row := rowOf(wish.Rows, fabric)
	out := Outcome{NetBox: fabric}
	if row.Repository == "" || row.Directory == "" {
		out.State, out.Reason = Unknown, "Where its directory is in which repository is not known."
		out.Remedy = "Name it in a file: --csv, with fabric, repository_url and gitops_directory."
		return out, nil
	}
	if wish.DryRun {
		out.State = Would
		return out, nil
	}
	request := &bridgev1.CreateFabricRequest{
		FabricId: fabric.GetFabric(), Name: row.Name, RepositoryUrl: row.Repository, Branch: row.Branch,
		GitopsDirectory: row.Directory, SuspendReason: Reason,
		Netbox: &bridgev1.NetBoxLink{Url: wish.URL, TokenRef: wish.TokenRef, Fabric: fabric.GetFabric()},
	}
	if row.CredentialsRef != "" {
		request.Credentials = &bridgev1.Credentials{Ref: row.CredentialsRef}
	}
	created, err := system.CreateFabric(ctx, request)
	if err != nil {
		return refused(out, err)
	}
	out.State, out.FabricID, out.Waits = Registered, created.GetFabric().GetFabricId(), true
	status, err := system.Ended(ctx, created.GetSyncId())
	if err != nil {
		return out, err
	}
	out.Counts = status.GetResult().GetCounts()
	for _, finding := range status.GetErrors() {
		if status.GetState() != "completed" {
			out.Reason, out.Remedy = finding.GetMessage(), finding.GetRemedy()
		}
	}
	return out, nil
}

// refused is the outcome of a fabric that can't be registered as it is. What stands in the way of all is an error.
func refused(out Outcome, err error) (Outcome, error) {
	e := errs.From(err)
	switch e.Code.Kind {
	case errs.Invalid, errs.Exists, errs.Precondition, errs.NotFound, errs.Conflict:
		out.State, out.Reason, out.Remedy = Refused, e.Message, e.RemedyText()
		return out, nil
	default:
		return out, err
	}
}

// rowOf returns where a fabric is: what a file says counts more than what NetBox says.
func rowOf(rows []Row, fabric *bridgev1.NetBoxFabric) Row {
	row := Row{}
	i := slices.IndexFunc(rows, func(r Row) bool {
		return r.Fabric == fabric.GetFabric() || r.Fabric == 0 && r.Name == fabric.GetName()
	})
	if i >= 0 {
		row = rows[i]
	}
	row.Name = cmp.Or(row.Name, fabric.GetName())
	row.Repository = cmp.Or(row.Repository, fabric.GetRepositoryUrl())
	row.Branch = cmp.Or(row.Branch, fabric.GetBranch())
	row.Directory = cmp.Or(row.Directory, fabric.GetGitopsDirectory())
	return row
}

// Columns are those of a file that say something; fabric is a number in NetBox, and name goes instead of it.
func Columns() []string {
	return []string{"fabric", "name", "repository_url", "branch", "gitops_directory", "credentials_ref"}
}

// Read reads rows of comma-separated values, the first of which names the columns, in any order.
func Read(r io.Reader) ([]Row, error) {
	reader := csv.NewReader(r)
	reader.TrimLeadingSpace = true
	names, err := reader.Read()
	if err != nil {
		return nil, wrong("it has no line that names columns").WithCause(err)
	}
	at := map[string]int{}
	for i, name := range names {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		if !slices.Contains(Columns(), name) {
			return nil, wrong("the column %q is none that is known", name)
		}
		at[name] = i
	}
	var rows []Row
	for {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, wrong("a line can't be read").WithCause(err)
		}
		row, err := rowFrom(at, fields)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
}

func rowFrom(at map[string]int, fields []string) (Row, error) {
	text := func(name string) string {
		i, is := at[name]
		if !is {
			return ""
		}
		return strings.TrimSpace(fields[i])
	}
	row := Row{
		Name: text("name"), Repository: text("repository_url"), Branch: text("branch"), Directory: text("gitops_directory"),
		CredentialsRef: text("credentials_ref"),
	}
	if number := text("fabric"); number != "" {
		id, err := strconv.ParseInt(number, 10, 32)
		if err != nil || id < 1 {
			return row, wrong("%q is no number of a fabric", number)
		}
		row.Fabric = int32(id)
	}
	if row.Fabric == 0 && row.Name == "" {
		return row, wrong("a line names neither fabric nor name")
	}
	return row, nil
}

func wrong(format string, args ...any) *errs.Error {
	return errs.New(errs.InvalidRequest, "The file of fabrics can't be used: "+format+".", args...).
		WithRemedy("Its first line has columns of these: %s.", strings.Join(Columns(), ", "))
}
