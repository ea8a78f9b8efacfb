package local

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
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

// commitAt returns the id of the commit that options of a restore name, or of the last one at a time.
func (s *Session) commitAt(
	ctx context.Context, options *syncv1.SyncOptions, asOf time.Time,
) (commit string, err error) {
	at := &gitv1.OpenSnapshotRequest{At: &gitv1.OpenSnapshotRequest_AtCommit{AtCommit: options.GetRestoreCommit()}}
	if !asOf.IsZero() {
		at.At = &gitv1.OpenSnapshotRequest_AtTime{AtTime: timestamppb.New(asOf)}
	}
	err = s.atSnapshot(ctx, at, func(then *gitv1.Snapshot) error {
		commit = then.GetCommit()
		return nil
	})
	return commit, err
}

// Commits lists commits that changed the directory, newest first. The request names no fabric.
func (s *Session) Commits(
	ctx context.Context, ask *bridgev1.ListCommitsRequest,
) (*bridgev1.ListCommitsResponse, error) {
	out := &gitv1.ListCommitsResponse{}
	err := s.atSnapshot(ctx, &gitv1.OpenSnapshotRequest{}, func(snapshot *gitv1.Snapshot) error {
		err := rpc.Collect(ctx, gitv1.NewHistoryServiceClient(s.internal()).ListCommits, &gitv1.ListCommitsRequest{
			SnapshotId: snapshot.GetSnapshotId(), Paths: ask.GetPath(), Since: ask.GetSince(), Until: ask.GetUntil(),
			Limit: ask.GetLimit(), PageToken: ask.GetPageToken(), FirstParent: s.target.FirstParent,
		}, func(part *gitv1.ListCommitsResponse) error {
			out.Commits = append(out.Commits, part.GetCommits()...)
			out.NextPageToken, out.Truncated = part.GetNextPageToken(), part.GetTruncated()
			return nil
		})
		return exit.MisuseIfInvalid(err)
	})
	return commits(out), err
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

// Diff returns what differs in the directory between two commits, or between one and the branch head. The request names
// no fabric.
func (s *Session) Diff(
	ctx context.Context, ask *bridgev1.DiffDirectoryRequest,
) (*bridgev1.DiffDirectoryResponse, error) {
	out := &bridgev1.DiffDirectoryResponse{}
	err := s.atSnapshot(ctx, &gitv1.OpenSnapshotRequest{}, func(snapshot *gitv1.Snapshot) error {
		err := rpc.Collect(ctx, gitv1.NewHistoryServiceClient(s.internal()).DiffCommits, &gitv1.DiffCommitsRequest{
			SnapshotId: snapshot.GetSnapshotId(), FromCommit: ask.GetFrom(), ToCommit: ask.GetTo(), Paths: ask.GetPath(),
		}, func(part *gitv1.DiffCommitsResponse) error {
			if counts := part.GetCounts(); counts != nil {
				out.FilesCreated, out.FilesUpdated = counts.GetCreated(), counts.GetUpdated()
				out.FilesRemoved, out.FromSha, out.ToSha = counts.GetRemoved(), part.GetFromCommit(), part.GetToCommit()
			}
			out.Diff += part.GetDiff()
			return nil
		})
		if err == nil && out.GetDiff() == "" {
			err = s.neverThere(ctx, snapshot, ask.GetPath())
		}
		return exit.MisuseIfInvalid(err)
	})
	return out, err
}
