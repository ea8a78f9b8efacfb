package grpcapi

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// ListCommits lists the commits that changed the directory.
func (s *Server) ListCommits(ctx context.Context, req *bridgev1.ListCommitsRequest) (*bridgev1.ListCommitsResponse,
	error,
) {
	found, err := s.fabrics.ListCommits(ctx, &fabricv1.ListCommitsRequest{
		FabricId: req.GetFabricId(), Paths: req.GetPath(), Since: req.GetSince(), Until: req.GetUntil(),
		Limit: req.GetLimit(), PageToken: req.GetPageToken(),
	})
	if err != nil {
		return nil, err
	}
	out := &bridgev1.ListCommitsResponse{
		NextPageToken: found.GetNextPageToken(), Truncated: found.GetTruncated(),
		CommitSha: found.GetCommit(),
	}
	for _, commit := range found.GetCommits() {
		out.Commits = append(out.Commits, commitToAPI(commit))
	}
	return out, nil
}

func commitToAPI(c *gitv1.Commit) *bridgev1.Commit {
	return &bridgev1.Commit{
		CommitSha: c.GetCommit(), ParentShas: c.GetParents(), Subject: c.GetSubject(), Message: c.GetMessage(),
		AuthorName: c.GetAuthor().GetName(), AuthorEmail: c.GetAuthor().GetEmail(), AuthoredAt: c.GetAuthorTime(),
		CommitterName: c.GetCommitter().GetName(), CommitterEmail: c.GetCommitter().GetEmail(),
		CommittedAt: c.GetCommitTime(),
		SyncId:      c.GetSyncId(), Trigger: c.GetTrigger(), RequestedBy: c.GetRequestedBy(),
		FilesCreated: c.GetCounts().GetCreated(), FilesUpdated: c.GetCounts().GetUpdated(), FilesRemoved: c.GetCounts().
				GetRemoved(),
	}
}

// DiffDirectory compares the directory at two commits.
func (s *Server) DiffDirectory(ctx context.Context,
	req *bridgev1.DiffDirectoryRequest,
) (*bridgev1.DiffDirectoryResponse, error) {
	found, err := s.fabrics.DiffCommits(ctx, &fabricv1.DiffCommitsRequest{
		FabricId: req.GetFabricId(), FromCommit: req.GetFrom(), ToCommit: req.GetTo(), Paths: req.GetPath(),
	})
	if err != nil {
		return nil, err
	}
	counts := found.GetCounts()
	return &bridgev1.DiffDirectoryResponse{
		FromSha: found.GetFromCommit(), ToSha: found.GetToCommit(), Diff: found.GetDiff(),
		FilesCreated: counts.GetCreated(), FilesUpdated: counts.GetUpdated(), FilesRemoved: counts.GetRemoved(),
	}, nil
}

// RestoreDirectory starts a sync that brings an earlier state back.
func (s *Server) RestoreDirectory(ctx context.Context,
	req *bridgev1.RestoreDirectoryRequest,
) (*bridgev1.RestoreDirectoryResponse, error) {
	if (req.GetCommit() == "") == (req.GetAsOf() == nil) {
		return nil, invalid("commit", "commit or as_of is needed, and not both.")
	}
	commit := req.GetCommit()
	if commit == "" {
		var err error
		if commit, err = s.commitAsOf(ctx, req.GetFabricId(), req.GetAsOf()); err != nil {
			return nil, err
		}
	}
	started, err := s.start(ctx, req.GetFabricId(), &syncv1.SyncOptions{
		Scope: syncv1.Scope_SCOPE_FULL, RestoreCommit: commit, RestorePaths: req.GetPaths(), Force: req.GetForce(),
		ValidateOnly: req.GetValidateOnly(),
	})
	if err != nil {
		return nil, err
	}
	return &bridgev1.RestoreDirectoryResponse{
		Success: started.GetSuccess(), SyncId: started.GetSyncId(), Status: started.GetStatus(),
		Message:     started.GetMessage(),
		TrackingUrl: started.GetTrackingUrl(), StatusUrl: started.GetStatusUrl(), WebsocketUrl: started.GetWebsocketUrl(),
	}, nil
}

// commitAsOf finds the commit that made the directory what the branch had at a time: since then, nothing changed it.
func (s *Server) commitAsOf(ctx context.Context, fabricID int32, when *timestamppb.Timestamp) (string, error) {
	found, err := s.fabrics.ListCommits(ctx, &fabricv1.ListCommitsRequest{
		FabricId: fabricID, Until: when,
		FirstParent: true, Limit: 1,
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
