package grpcapi

import (
	"context"
	"net/url"
	"strings"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

const defaultBranch = "main"

// CreateFabric registers a fabric; its first sync starts by itself.
func (s *Server) CreateFabric(ctx context.Context, req *bridgev1.CreateFabricRequest) (*bridgev1.CreateFabricResponse,
	error,
) {
	fabric := &fabricv1.Fabric{
		FabricId: req.GetFabricId(), Name: strings.TrimSpace(req.GetName()),
		SyncIntervalSeconds: req.GetSyncIntervalSeconds(),
		Location: &gitv1.Location{
			RepositoryUrl: strings.TrimSpace(req.GetRepositoryUrl()), Branch: req.GetBranch(),
			Directory: req.GetGitopsDirectory(),
		},
		Options: &fabricv1.Options{},
	}
	if fabric.GetLocation().GetBranch() == "" {
		fabric.Location.Branch = defaultBranch
	}
	if err := mergeOptions(fabric.GetOptions(), req.GetOptions()); err != nil {
		return nil, err
	}
	if err := checkFabric(fabric); err != nil {
		return nil, err
	}
	if err := s.takeCredentials(ctx, fabric, req.GetCredentials()); err != nil {
		return nil, err
	}
	created, err := s.fabrics.CreateFabric(ctx, &fabricv1.CreateFabricRequest{Fabric: fabric, RequestedBy: caller(ctx)})
	if err != nil {
		return nil, err
	}
	return &bridgev1.CreateFabricResponse{Fabric: fabricToAPI(created.GetFabric()), SyncId: created.GetSyncId()}, nil
}

// checkFabric refuses what can't be right before credentials are sealed for it. The orchestrator judges the rest.
func checkFabric(fabric *fabricv1.Fabric) error {
	switch {
	case fabric.GetFabricId() < 0:
		return invalid("fabric_id", "fabric_id is %d; allowed is 1 or more, or none to have one chosen.",
			fabric.GetFabricId())
	case fabric.GetName() == "":
		return invalid("name", "A fabric needs a name.")
	case fabric.GetLocation().GetRepositoryUrl() == "":
		return invalid("repository_url", "A fabric needs a repository_url.")
	case fabric.GetLocation().GetBranch() == "":
		return invalid("branch", "A fabric needs a branch.")
	case fabric.GetSyncIntervalSeconds() < 0:
		return invalid("sync_interval_seconds", "sync_interval_seconds is %d; allowed is 0 or more.",
			fabric.GetSyncIntervalSeconds())
	}
	return nil
}

// GetFabric shows a fabric.
func (s *Server) GetFabric(ctx context.Context, req *bridgev1.GetFabricRequest) (*bridgev1.GetFabricResponse, error) {
	found, err := s.fabrics.GetFabric(ctx, &fabricv1.GetFabricRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	return &bridgev1.GetFabricResponse{Fabric: fabricToAPI(found.GetFabric())}, nil
}

// ListFabrics lists all fabrics.
func (s *Server) ListFabrics(ctx context.Context, _ *bridgev1.ListFabricsRequest) (*bridgev1.ListFabricsResponse,
	error,
) {
	found, err := s.fabrics.ListFabrics(ctx, &fabricv1.ListFabricsRequest{})
	if err != nil {
		return nil, err
	}
	out := &bridgev1.ListFabricsResponse{}
	for _, fabric := range found.GetFabrics() {
		out.Fabrics = append(out.Fabrics, fabricToAPI(fabric))
	}
	return out, nil
}

// UpdateFabric changes what the request names.
func (s *Server) UpdateFabric(ctx context.Context, req *bridgev1.UpdateFabricRequest) (*bridgev1.UpdateFabricResponse,
	error,
) {
	found, err := s.fabrics.GetFabric(ctx, &fabricv1.GetFabricRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	fabric := found.GetFabric()
	oldURL := fabric.GetLocation().GetRepositoryUrl()
	if err := applyUpdate(fabric, req); err != nil {
		return nil, err
	}
	if req.GetCredentials() == nil && fabric.GetLocation().GetCredentials() != nil &&
		!sameHost(oldURL, fabric.GetLocation().GetRepositoryUrl()) {
		return nil, invalid("credentials", "The repository moves to another host: give the credentials for it too.")
	}
	if err := s.takeCredentials(ctx, fabric, req.GetCredentials()); err != nil {
		return nil, err
	}
	updated, err := s.fabrics.UpdateFabric(ctx, &fabricv1.UpdateFabricRequest{Fabric: fabric, RequestedBy: caller(ctx)})
	if err != nil {
		return nil, err
	}
	return &bridgev1.UpdateFabricResponse{Fabric: fabricToAPI(updated.GetFabric())}, nil
}

func applyUpdate(fabric *fabricv1.Fabric, req *bridgev1.UpdateFabricRequest) error {
	if fabric.GetLocation() == nil {
		fabric.Location = &gitv1.Location{}
	}
	if fabric.GetOptions() == nil {
		fabric.Options = &fabricv1.Options{}
	}
	if req.Name != nil {
		fabric.Name = strings.TrimSpace(req.GetName())
	}
	if req.RepositoryUrl != nil {
		fabric.Location.RepositoryUrl = strings.TrimSpace(req.GetRepositoryUrl())
	}
	if req.Branch != nil {
		fabric.Location.Branch = req.GetBranch()
	}
	if req.GitopsDirectory != nil {
		fabric.Location.Directory = req.GetGitopsDirectory()
	}
	if req.SyncIntervalSeconds != nil {
		fabric.SyncIntervalSeconds = req.GetSyncIntervalSeconds()
	}
	if err := mergeOptions(fabric.GetOptions(), req.GetOptions()); err != nil {
		return err
	}
	return checkFabric(fabric)
}

// sameHost reports whether stored credentials may go along with a changed URL. To another host they may not: whoever
// may change a fabric could have them sent anywhere.
func sameHost(a, b string) bool {
	if a == b {
		return true
	}
	before, errBefore := url.Parse(a)
	after, errAfter := url.Parse(b)
	return errBefore == nil && errAfter == nil && before.Host != "" && before.Scheme == after.Scheme &&
		strings.EqualFold(before.Host, after.Host)
}

// SuspendFabric lets no sync of a fabric publish.
func (s *Server) SuspendFabric(ctx context.Context,
	req *bridgev1.SuspendFabricRequest,
) (*bridgev1.SuspendFabricResponse, error) {
	suspended, err := s.fabrics.SuspendFabric(ctx, &fabricv1.SuspendFabricRequest{
		FabricId: req.GetFabricId(),
		Reason:   req.GetReason(), RequestedBy: caller(ctx),
	})
	if err != nil {
		return nil, err
	}
	return &bridgev1.SuspendFabricResponse{Fabric: fabricToAPI(suspended.GetFabric())}, nil
}

// ResumeFabric lets a fabric be synced again.
func (s *Server) ResumeFabric(ctx context.Context, req *bridgev1.ResumeFabricRequest) (*bridgev1.ResumeFabricResponse,
	error,
) {
	resumed, err := s.fabrics.ResumeFabric(ctx, &fabricv1.ResumeFabricRequest{
		FabricId:    req.GetFabricId(),
		RequestedBy: caller(ctx),
	})
	if err != nil {
		return nil, err
	}
	return &bridgev1.ResumeFabricResponse{Fabric: fabricToAPI(resumed.GetFabric()), SyncId: resumed.GetSyncId()}, nil
}

// DeleteFabric forgets a fabric.
func (s *Server) DeleteFabric(ctx context.Context, req *bridgev1.DeleteFabricRequest) (*bridgev1.DeleteFabricResponse,
	error,
) {
	if _, err := s.fabrics.DeleteFabric(ctx, &fabricv1.DeleteFabricRequest{
		FabricId:    req.GetFabricId(),
		RequestedBy: caller(ctx),
	}); err != nil {
		return nil, err
	}
	return &bridgev1.DeleteFabricResponse{Success: true}, nil
}

func fabricToAPI(f *fabricv1.Fabric) *bridgev1.Fabric {
	location := f.GetLocation()
	return &bridgev1.Fabric{
		FabricId: f.GetFabricId(), Name: f.GetName(),
		RepositoryUrl: location.GetRepositoryUrl(), Branch: location.GetBranch(), GitopsDirectory: location.GetDirectory(),
		CredentialsConfigured: location.GetCredentials().GetSource() != nil,
		SyncIntervalSeconds:   f.GetSyncIntervalSeconds(),
		Options:               optionsToAPI(f.GetOptions()),
		CreatedAt:             f.GetCreatedAt(), UpdatedAt: f.GetUpdatedAt(),
		Suspension: suspensionToAPI(f.GetSuspension()), PullRequest: pullRequestToAPI(f.GetPullRequest()),
	}
}

func pullRequestToAPI(p *gitv1.PullRequest) *bridgev1.PullRequest {
	if p == nil {
		return nil
	}
	return &bridgev1.PullRequest{
		Number: p.GetNumber(), Url: p.GetUrl(), State: pullRequestWords.word(p.GetState()), Branch: p.GetBranch(),
		HeadCommit: p.GetHeadCommit(), MergeCommit: p.GetMergeCommit(),
	}
}

func suspensionToAPI(s *fabricv1.Suspension) *bridgev1.Suspension {
	if s == nil {
		return nil
	}
	return &bridgev1.Suspension{Reason: s.GetReason(), SuspendedBy: s.GetSuspendedBy(), SuspendedAt: s.GetSuspendedAt()}
}
