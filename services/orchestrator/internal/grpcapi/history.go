package grpcapi

import (
	"context"
	"errors"
	"io"
	"strings"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// ListCommits lists the commits that changed a fabric's directory.
func (f *Fabrics) ListCommits(ctx context.Context, req *fabricv1.ListCommitsRequest) (*fabricv1.ListCommitsResponse,
	error,
) {
	limit := req.GetLimit()
	switch {
	case limit == 0:
		limit = defaultLimit
	case limit < 0 || limit > maxLimit:
		return nil, errs.New(errs.InvalidRequest, "limit is %d; allowed is 1 to %d.", limit, maxLimit)
	}
	if err := checkCount("paths", req.GetPaths()); err != nil {
		return nil, err
	}
	out := &fabricv1.ListCommitsResponse{}
	err := f.atHead(ctx, req.GetFabricId(), func(ctx context.Context, _ *fabricv1.Fabric, snapshot *gitv1.Snapshot) error {
		out.Commit = snapshot.GetCommit()
		return f.commits(ctx, &gitv1.ListCommitsRequest{
			SnapshotId: snapshot.GetSnapshotId(), Paths: req.GetPaths(), Since: req.GetSince(), Until: req.GetUntil(),
			FirstParent: req.GetFirstParent(), Limit: limit, PageToken: req.GetPageToken(),
		}, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (f *Fabrics) commits(ctx context.Context, req *gitv1.ListCommitsRequest, out *fabricv1.ListCommitsResponse) error {
	stream, err := f.History.ListCommits(ctx, req)
	if err != nil {
		return err
	}
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		out.Commits = append(out.Commits, part.GetCommits()...)
		out.NextPageToken, out.Truncated = part.GetNextPageToken(), part.GetTruncated()
	}
}

// DiffCommits compares a fabric's directory at two commits.
func (f *Fabrics) DiffCommits(ctx context.Context, req *fabricv1.DiffCommitsRequest) (*fabricv1.DiffCommitsResponse,
	error,
) {
	if req.GetFromCommit() == "" {
		return nil, errs.New(errs.InvalidRequest, "The commit to compare from is missing.")
	}
	if err := checkCount("paths", req.GetPaths()); err != nil {
		return nil, err
	}
	out := &fabricv1.DiffCommitsResponse{FromCommit: req.GetFromCommit(), ToCommit: req.GetToCommit()}
	err := f.atHead(ctx, req.GetFabricId(), func(ctx context.Context, _ *fabricv1.Fabric, snapshot *gitv1.Snapshot) error {
		if out.GetToCommit() == "" {
			out.ToCommit = snapshot.GetCommit()
		}
		return f.diff(ctx, &gitv1.DiffCommitsRequest{
			SnapshotId: snapshot.GetSnapshotId(), FromCommit: req.GetFromCommit(), ToCommit: req.GetToCommit(),
			Paths: req.GetPaths(),
		}, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (f *Fabrics) diff(ctx context.Context, req *gitv1.DiffCommitsRequest, out *fabricv1.DiffCommitsResponse) error {
	stream, err := f.History.DiffCommits(ctx, req)
	if err != nil {
		return err
	}
	var text strings.Builder
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			out.Diff = text.String()
			return nil
		}
		if err != nil {
			return err
		}
		if part.GetCounts() != nil {
			out.Counts = part.GetCounts()
		}
		text.WriteString(part.GetDiff())
	}
}

// checkRestore holds that a sync which restores says as of when.
func checkRestore(o *syncv1.SyncOptions) error {
	const digits = "0123456789abcdef"
	commit := o.GetRestoreCommit()
	switch {
	case commit == "" && len(o.GetRestorePaths()) > 0:
		return errs.New(errs.InvalidRequest, "options.restore_paths needs options.restore_commit.")
	case commit == "":
		return nil
	case len(commit) != 40 || strings.Trim(commit, digits) != "":
		return errs.New(errs.InvalidRequest, "options.restore_commit is %.50q; a commit has 40 digits of %s.", commit, digits)
	case o.GetScope() == syncv1.Scope_SCOPE_DIRECTORY:
		return errs.New(errs.InvalidRequest, "A sync of the structure alone restores nothing.")
	}
	return checkNames("options.restore_paths", o.GetRestorePaths())
}
