package grpcapi

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
)

// historyServer implements fgd.bridge.v1.HistoryService.
type historyServer struct {
	bridgev1.UnsafeHistoryServiceServer
	views fabricv1.DirectoryViewServiceClient
	syncs syncv1.SyncServiceClient
}

var _ bridgev1.HistoryServiceServer = (*historyServer)(nil)

// ListCommits lists the commits that changed the directory.
func (s *historyServer) ListCommits(
	ctx context.Context, req *bridgev1.ListCommitsRequest,
) (*bridgev1.ListCommitsResponse, error) {
	found, err := s.views.ListCommits(ctx, apiv1.ListCommitsRequest(req))
	if err != nil {
		return nil, err
	}
	return apiv1.CommitsToAPI(found), nil
}

// DiffDirectory compares the directory at two commits.
func (s *historyServer) DiffDirectory(
	ctx context.Context, req *bridgev1.DiffDirectoryRequest,
) (*bridgev1.DiffDirectoryResponse, error) {
	found, err := s.views.DiffCommits(ctx, &fabricv1.DiffCommitsRequest{
		FabricId: req.GetFabricId(), FromCommit: req.GetFrom(), ToCommit: req.GetTo(), Paths: req.GetPath(),
	})
	if err != nil {
		return nil, err
	}
	return apiv1.DiffToAPI(found), nil
}

// RestoreDirectory starts a sync that brings an earlier state back.
func (s *historyServer) RestoreDirectory(
	ctx context.Context, req *bridgev1.RestoreDirectoryRequest,
) (*bridgev1.RestoreDirectoryResponse, error) {
	commit, err := s.commitOf(ctx, req)
	if err != nil {
		return nil, err
	}
	started, err := s.syncs.StartSync(ctx, apiv1.ManualStart(req.GetFabricId(), apiv1.RestoreOptions(req, commit)))
	if err != nil {
		return nil, err
	}
	return apiv1.ToRestoreResponse(started), nil
}

// commitOf finds the commit whose state is to come back. A name that is no id is found beside a comparison of one file.
func (s *historyServer) commitOf(ctx context.Context, req *bridgev1.RestoreDirectoryRequest) (string, error) {
	const digits = 40
	switch name := req.GetCommit(); {
	case name == "":
		return s.commitAsOf(ctx, req.GetFabricId(), req.GetAsOf())
	case len(name) == digits:
		return name, nil
	}
	found, err := s.views.DiffCommits(ctx, &fabricv1.DiffCommitsRequest{
		FabricId: req.GetFabricId(), FromCommit: req.GetCommit(), Paths: []string{layout.Manifest},
	})
	return found.GetFromCommit(), err
}

// commitAsOf finds the commit that made the directory what the branch had at a time: since then, nothing changed it.
func (s *historyServer) commitAsOf(ctx context.Context, fabricID int32, when *timestamppb.Timestamp) (string, error) {
	found, err := s.views.ListCommits(ctx, &fabricv1.ListCommitsRequest{
		FabricId: fabricID, Until: when, FirstParent: true, Limit: 1,
	})
	if err != nil {
		return "", err
	}
	if len(found.GetCommits()) == 0 {
		return "", errs.New(errs.CommitNotFound, "The branch has no commit of the directory from before that time.").
			WithRemedy("Name a later time, or a commit.")
	}
	return found.GetCommits()[0].GetCommit(), nil
}
