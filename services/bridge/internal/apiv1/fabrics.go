// Package apiv1 converts between fgd.bridge.v1, the contract that callers of the suite see, and the contracts of the
// services behind the bridge. It asks nobody and keeps nothing, so whatever shows a fabric or a sync to the outside
// can use it. That requests hold the rules of form that their contract states is checked before.
package apiv1

import (
	"cmp"
	"strings"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// DefaultBranch is the branch of a fabric whose registration names none.
const DefaultBranch = "main"

// DefaultInterval is how often, in seconds, a fabric is synced whose registration does not say. Without it a push would
// be noticed only where a webhook tells of it.
const DefaultInterval = 300

// repositoryRoot is the directory of a fabric that has the whole repository.
const repositoryRoot = "/"

// CheckDirectory refuses a directory that is given and says nothing: it would mean the whole repository.
func CheckDirectory(given string) error {
	if strings.TrimSpace(given) != "" {
		return nil
	}
	return errs.New(errs.DirectoryInvalid, "gitops_directory is missing: which directory is the fabric's has to be said.").
		WithRemedy("Name the directory of the fabric in the repository, for example gitops/fabric-1.").
		WithMeta(errs.FieldKey, "gitops_directory")
}

// NewFabric returns the definition that a request registers, without credentials.
func NewFabric(req *bridgev1.CreateFabricRequest) (*fabricv1.Fabric, error) {
	link, err := netBoxLink(nil, req.GetNetbox())
	if err != nil {
		return nil, err
	}
	fabric := &fabricv1.Fabric{
		FabricId: req.GetFabricId(), Name: strings.TrimSpace(req.GetName()),
		SyncIntervalSeconds: DefaultInterval, Options: &fabricv1.Options{}, Netbox: link,
		Location: &gitv1.Location{
			RepositoryUrl: strings.TrimSpace(req.GetRepositoryUrl()), Branch: cmp.Or(req.GetBranch(), DefaultBranch),
			Directory: req.GetGitopsDirectory(), FabricId: req.GetFabricId(),
		},
	}
	if req.SyncIntervalSeconds != nil {
		fabric.SyncIntervalSeconds = req.GetSyncIntervalSeconds()
	}
	mergeOptions(fabric.GetOptions(), req.GetOptions())
	return fabric, nil
}

// FirstSync returns how the first sync of a fabric shall run.
func FirstSync(req *bridgev1.CreateFabricRequest) *syncv1.SyncOptions {
	return &syncv1.SyncOptions{TakeOver: req.GetTakeOver()}
}

// UpdateFabric changes what a request names of a definition, but for its credentials. It refuses one that contradicts
// itself.
func UpdateFabric(fabric *fabricv1.Fabric, req *bridgev1.UpdateFabricRequest) error {
	if fabric.GetLocation() == nil {
		fabric.Location = &gitv1.Location{}
	}
	if fabric.GetOptions() == nil {
		fabric.Options = &fabricv1.Options{}
	}
	location := fabric.GetLocation()
	if req.Name != nil {
		fabric.Name = strings.TrimSpace(req.GetName())
	}
	if req.RepositoryUrl != nil {
		location.RepositoryUrl = strings.TrimSpace(req.GetRepositoryUrl())
	}
	if req.Branch != nil {
		location.Branch = req.GetBranch()
	}
	if req.GitopsDirectory != nil {
		location.Directory = req.GetGitopsDirectory()
	}
	if req.SyncIntervalSeconds != nil {
		fabric.SyncIntervalSeconds = req.GetSyncIntervalSeconds()
	}
	location.FabricId = fabric.GetFabricId()
	mergeOptions(fabric.GetOptions(), req.GetOptions())
	return updateNetBox(fabric, req)
}

// FabricToAPI shows a fabric, and how it is. Of its credentials it says only whether there are any.
func FabricToAPI(f *fabricv1.Fabric) *bridgev1.Fabric {
	location := f.GetLocation()
	shown := &bridgev1.Fabric{
		FabricId: f.GetFabricId(), Name: f.GetName(),
		RepositoryUrl: location.GetRepositoryUrl(), Branch: location.GetBranch(),
		GitopsDirectory:       cmp.Or(location.GetDirectory(), repositoryRoot),
		CredentialsConfigured: location.GetCredentials().GetSource() != nil,
		SyncIntervalSeconds:   f.GetSyncIntervalSeconds(), Options: optionsToAPI(f.GetOptions()),
		CreatedAt: f.GetCreatedAt(), UpdatedAt: f.GetUpdatedAt(),
		Suspension: suspensionToAPI(f.GetSuspension()), PullRequest: pullRequestToAPI(f.GetPullRequest()),
		NextSyncAt: f.GetNextSyncAt(), Netbox: netBoxToAPI(f.GetNetbox()),
	}
	addStatus(shown, f.GetStatus())
	return shown
}

func pullRequestToAPI(p *gitv1.PullRequest) *bridgev1.PullRequest {
	if p == nil {
		return nil
	}
	return &bridgev1.PullRequest{
		Number: p.GetNumber(), Url: p.GetUrl(), State: pullRequestNames.name(p.GetState()), Branch: p.GetBranch(),
		HeadCommit: p.GetHeadCommit(), MergeCommit: p.GetMergeCommit(),
	}
}

func suspensionToAPI(s *fabricv1.Suspension) *bridgev1.Suspension {
	if s == nil {
		return nil
	}
	return &bridgev1.Suspension{Reason: s.GetReason(), SuspendedBy: s.GetSuspendedBy(), SuspendedAt: s.GetSuspendedAt()}
}

// each converts all of a list.
func each[From, To any](list []From, convert func(From) To) []To {
	out := make([]To, 0, len(list))
	for _, item := range list {
		out = append(out, convert(item))
	}
	return out
}
