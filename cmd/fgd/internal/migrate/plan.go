// Package migrate takes over fabrics whose directories are there already. A plan looks at them by dry runs in this
// process, and registers nothing; what it saw is in a file. To apply it registers them in the mode dry_run, in which no
// sync may publish, and lets one publish only while its directory is as the plan has seen it.
package migrate

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"fgdsync.dev/cmd/fgd/internal/netboximport"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// version is that of the form of a plan.
const version = 1

// Plan is what a migration would do.
type Plan struct {
	Version int       `json:"version"`
	MadeAt  time.Time `json:"made_at"`
	NetBox  *NetBox   `json:"netbox,omitempty"` // that shows the fabrics; nil where none was asked
	Fabrics []Fabric  `json:"fabrics"`
}

// NetBox is where fabrics are linked to; that of the installation when both are empty.
type NetBox struct {
	URL      string `json:"url,omitempty"`
	TokenRef string `json:"token_ref,omitempty"`
}

// Fabric is one that is to be taken over, and what was seen of it.
type Fabric struct {
	FabricID       int32  `json:"fabric_id,omitempty"` // in NetBox; the system chooses one for 0
	Name           string `json:"name,omitempty"`
	RepositoryURL  string `json:"repository_url,omitempty"`
	Branch         string `json:"branch,omitempty"`
	Directory      string `json:"gitops_directory,omitempty"`
	CredentialsRef string `json:"credentials_ref,omitempty"`

	State State `json:"state"`
	// Commit is the last one that changed the directory when it was looked at, 40 hex digits.
	Commit string `json:"commit,omitempty"`
	// Managed says that it had managed/, which fgd restore can bring back.
	Managed  bool                 `json:"managed"`
	Counts   *bridgev1.PlanCounts `json:"plan,omitempty"` // what its first sync would do
	Findings int                  `json:"findings"`       // errors of the dry run
	Reason   string               `json:"reason,omitempty"`
	Remedy   string               `json:"remedy,omitempty"`
}

// State is how a fabric is.
type State string

// The states of a plan.
const (
	Ready      State = "ready"      // a dry run says what a sync would do
	Registered State = "registered" // it was before
	Unknown    State = "unknown"    // where its directory is has not been said
	Failed     State = "failed"     // its sync did not come to an end: there is nothing to approve yet
)

// Trial is what a dry run has found out.
type Trial struct {
	Commit  string
	Managed bool
	Status  *bridgev1.SyncStatus
}

// Try runs a dry run of a directory, and registers nothing.
type Try func(ctx context.Context, f Fabric) (Trial, error)

// Look returns the plan of rows, after a dry run of each.
func Look(ctx context.Context, rows []netboximport.Row, registered map[int32]bool, netbox *NetBox, try Try) (*Plan,
	error,
) {
	plan := &Plan{Version: version, MadeAt: time.Now().UTC(), NetBox: netbox, Fabrics: []Fabric{}}
	for _, row := range rows {
		f := Fabric{
			FabricID: row.Fabric, Name: row.Name, RepositoryURL: row.Repository, Branch: row.Branch,
			Directory: row.Directory, CredentialsRef: row.CredentialsRef,
		}
		if f.Branch == "" {
			f.Branch = "main"
		}
		look(ctx, &f, registered[row.Fabric], try)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		f.RepositoryURL = secret.Scrub(f.RepositoryURL) // one with a password was refused, and is not written down
		plan.Fabrics = append(plan.Fabrics, f)
	}
	return plan, nil
}

func look(ctx context.Context, f *Fabric, registered bool, try Try) {
	switch {
	case registered:
		f.State = Registered
		return
	case f.RepositoryURL == "" || f.Directory == "":
		f.State, f.Reason = Unknown, "Where its directory is in which repository is not known."
		f.Remedy = "Name it in a file: --csv, with fabric or name, repository_url and gitops_directory."
		return
	}
	trial, err := try(ctx, *f)
	if err != nil {
		e := errs.From(err)
		f.State, f.Reason, f.Remedy = Failed, e.Message, e.RemedyText()
		return
	}
	f.State, f.Commit, f.Managed, f.Counts = Ready, trial.Commit, trial.Managed, trial.Status.GetResult().GetCounts()
	f.Findings = int(trial.Status.GetErrorsTotal())
	if trial.Status.GetState() != "completed" {
		f.State = Failed
		for _, finding := range trial.Status.GetErrors() {
			f.Reason, f.Remedy = finding.GetMessage(), finding.GetRemedy()
		}
	}
}

// IsLeft reports whether a fabric is neither ready nor registered.
func (f Fabric) IsLeft() bool { return f.State != Ready && f.State != Registered }

// Write writes a plan into a file that only its owner reads, in place of one that was there.
func (p *Plan) Write(path string) error {
	raw, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".fgd-plan-")
	if err != nil {
		return unwritable(path, err)
	}
	_, err = file.Write(append(raw, '\n'))
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return unwritable(path, err)
	}
	return nil
}

func unwritable(path string, cause error) error {
	return errs.New(errs.FolderUnusable, "The plan can't be written to %s.", path).WithCause(cause).
		WithRemedy("Name a file in a folder that can be written to: --out.")
}

// Read reads the plan in a file.
func Read(path string) (*Plan, error) {
	raw, err := os.ReadFile(path)
	plan := &Plan{}
	if err == nil {
		err = json.Unmarshal(raw, plan)
	}
	if err != nil || plan.Version != version {
		return nil, errs.New(errs.InvalidRequest, "%s is no plan that can be read.", path).WithCause(err).
			WithRemedy("Make one: fgd migrate plan.")
	}
	return plan, nil
}
