package local

import (
	"context"
	"errors"
	"strings"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// atSnapshot opens a snapshot of the directory for as long as look takes.
func (s *Session) atSnapshot(ctx context.Context, open *gitv1.OpenSnapshotRequest, look func(*gitv1.Snapshot) error,
) (err error) {
	if open.Location, err = s.Location(ctx); err != nil {
		return err
	}
	repositories := gitv1.NewRepositoryServiceClient(s.internal())
	opened, err := repositories.OpenSnapshot(ctx, open)
	if err != nil {
		return err
	}
	defer func() {
		_, closeErr := repositories.CloseSnapshot(context.WithoutCancel(ctx),
			&gitv1.CloseSnapshotRequest{SnapshotId: opened.GetSnapshot().GetSnapshotId()})
		err = errors.Join(err, closeErr)
	}()
	return look(opened.GetSnapshot())
}

// CommitAt returns the id of the commit that a snapshot request names.
func (s *Session) CommitAt(ctx context.Context, at *gitv1.OpenSnapshotRequest) (commit string, err error) {
	err = s.atSnapshot(ctx, at, func(then *gitv1.Snapshot) error {
		commit = then.GetCommit()
		return nil
	})
	return commit, err
}

// Commits lists commits that changed the directory, newest first. The request needs no snapshot.
func (s *Session) Commits(ctx context.Context, req *gitv1.ListCommitsRequest) (*gitv1.ListCommitsResponse, error) {
	out := &gitv1.ListCommitsResponse{}
	err := s.atSnapshot(ctx, &gitv1.OpenSnapshotRequest{}, func(snapshot *gitv1.Snapshot) error {
		req.SnapshotId = snapshot.GetSnapshotId()
		err := rpc.Collect(ctx, gitv1.NewHistoryServiceClient(s.internal()).ListCommits, req,
			func(part *gitv1.ListCommitsResponse) error {
				out.Commits = append(out.Commits, part.GetCommits()...)
				out.NextPageToken, out.Truncated = part.GetNextPageToken(), part.GetTruncated()
				return nil
			})
		return exit.MisuseIfInvalid(err)
	})
	return out, err
}

// neverThere refuses the first path that no commit of the branch has changed.
func (s *Session) neverThere(ctx context.Context, snapshot *gitv1.Snapshot, paths []string) error {
	for _, path := range paths {
		changed := false
		err := rpc.Collect(ctx, gitv1.NewHistoryServiceClient(s.internal()).ListCommits,
			&gitv1.ListCommitsRequest{SnapshotId: snapshot.GetSnapshotId(), Paths: []string{path}, Limit: 1},
			func(part *gitv1.ListCommitsResponse) error {
				changed = changed || len(part.GetCommits()) > 0 || part.GetTruncated()
				return nil
			})
		if err != nil {
			return err
		}
		if !changed {
			return NoSuchPath(path)
		}
	}
	return nil
}

// NoSuchPath is the error of paths that were never in the directory.
func NoSuchPath(paths ...string) error {
	return exit.Misuse(errs.New(errs.InvalidRequest, "No commit of the branch changed %q in the directory.",
		strings.Join(paths, " ")).
		WithRemedy("Name paths inside the directory, as managed/vpcs; without one, all of it is meant."))
}

// Diff returns what differs in the directory between two commits, or between one and the branch head. The request needs
// no snapshot.
func (s *Session) Diff(ctx context.Context, req *gitv1.DiffCommitsRequest) (*bridgev1.DiffDirectoryResponse, error) {
	out := &bridgev1.DiffDirectoryResponse{}
	err := s.atSnapshot(ctx, &gitv1.OpenSnapshotRequest{}, func(snapshot *gitv1.Snapshot) error {
		req.SnapshotId = snapshot.GetSnapshotId()
		err := rpc.Collect(ctx, gitv1.NewHistoryServiceClient(s.internal()).DiffCommits, req,
			func(part *gitv1.DiffCommitsResponse) error {
				if counts := part.GetCounts(); counts != nil {
					out.FilesCreated, out.FilesUpdated = counts.GetCreated(), counts.GetUpdated()
					out.FilesRemoved, out.FromSha, out.ToSha = counts.GetRemoved(), part.GetFromCommit(), part.GetToCommit()
				}
				out.Diff += part.GetDiff()
				return nil
			})
		if err == nil && out.GetDiff() == "" {
			err = s.neverThere(ctx, snapshot, req.GetPaths())
		}
		return exit.MisuseIfInvalid(err)
	})
	return out, err
}
