package grpcapi

import (
	"context"
	"strings"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// CheckConnection tries out how a repository can be reached.
func (s *Server) CheckConnection(ctx context.Context,
	req *bridgev1.CheckConnectionRequest,
) (*bridgev1.CheckConnectionResponse, error) {
	location := &gitv1.Location{
		RepositoryUrl: strings.TrimSpace(req.GetRepositoryUrl()), Branch: req.GetBranch(),
		Directory: req.GetGitopsDirectory(),
	}
	if location.GetRepositoryUrl() == "" {
		return nil, invalid("repository_url", "repository_url is needed.")
	}
	if location.GetBranch() == "" {
		location.Branch = defaultBranch
	}
	if err := s.takeCredentials(ctx, &fabricv1.Fabric{Location: location}, req.GetCredentials()); err != nil {
		return nil, err
	}
	found, err := s.checkConnection(ctx, location)
	if err != nil {
		return nil, err
	}
	return &bridgev1.CheckConnectionResponse{Connection: found}, nil
}

// CheckFabricConnection tries out how the repository of a fabric can be reached.
func (s *Server) CheckFabricConnection(ctx context.Context,
	req *bridgev1.CheckFabricConnectionRequest,
) (*bridgev1.CheckFabricConnectionResponse, error) {
	stored, err := s.fabrics.GetFabric(ctx, &fabricv1.GetFabricRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	found, err := s.checkConnection(ctx, stored.GetFabric().GetLocation())
	if err != nil {
		return nil, err
	}
	return &bridgev1.CheckFabricConnectionResponse{Connection: found}, nil
}

func (s *Server) checkConnection(ctx context.Context, location *gitv1.Location) (*bridgev1.Connection, error) {
	response, err := s.repositories.CheckConnection(ctx, &gitv1.CheckConnectionRequest{Location: location})
	if err != nil {
		return nil, err
	}
	c := response.GetConnection()
	out := &bridgev1.Connection{
		Reachable: c.GetReachable(), Authenticated: c.GetAuthenticated(), CanRead: c.GetCanRead(), CanPush: c.GetCanPush(),
		BranchExists: c.GetBranchExists(), DefaultBranch: c.GetDefaultBranch(), Empty: c.GetEmpty(),
		BranchProtected: c.BranchProtected,
	}
	for _, p := range c.GetProblems() {
		out.Problems = append(out.Problems, &bridgev1.ConnectionProblem{
			Code: p.GetCode(), Name: p.GetName(), Message: p.GetMessage(), Remedy: p.GetRemedy(),
		})
	}
	return out, nil
}
