package grpcapi

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/grpcapi/treeapi"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/services/github-sync/internal/snapshot"
	"fgdsync.dev/services/github-sync/internal/store"
	"fgdsync.dev/services/github-sync/internal/webpage"
)

// OpenSnapshot holds the head of a branch.
func (r *Repositories) OpenSnapshot(ctx context.Context, req *gitv1.OpenSnapshotRequest) (*gitv1.OpenSnapshotResponse,
	error,
) {
	return onceMore(func() (*gitv1.OpenSnapshotResponse, error) { return r.openSnapshot(ctx, req) })
}

// onceMore reads a second time when an object is missed, for then it is known who is to blame: this one fetches anew.
func onceMore[T any](read func() (T, error)) (T, error) {
	out, err := read()
	if store.Missed(err) {
		return read()
	}
	return out, err
}

func (r *Repositories) openSnapshot(ctx context.Context, req *gitv1.OpenSnapshotRequest) (*gitv1.OpenSnapshotResponse,
	error,
) {
	o, err := r.open(req.GetLocation())
	if err != nil {
		return nil, err
	}
	repo, err := r.deps.Stores.Repo(o.location)
	if err != nil {
		return nil, err
	}
	s, err := snapshot.Open(ctx, o.remote, repo, o.location, o.branch, o.directory, r.deps.Limits)
	if err != nil {
		return nil, err
	}
	s.Login = o.login
	s, published, err := r.moveTo(ctx, s, req)
	if err != nil {
		return nil, err
	}
	origin, err := s.Origin(ctx, req.GetProposals())
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	around, err := s.Surroundings()
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	r.deps.Snapshots.Add(s)
	failpoint.Hit(failpoint.SnapshotOpen)
	out := toSnapshot(s, r.deps.Now(), published, origin, around)
	out.Pages = r.pages(s.Location).Files(s.Commit, s.Directory)
	return &gitv1.OpenSnapshotResponse{Snapshot: out}, nil
}

func toSnapshot(
	s *snapshot.Snapshot, now time.Time, published *gitv1.Published, origin snapshot.Origin,
	around snapshot.Surroundings,
) *gitv1.Snapshot {
	fence, ignored := s.Fence(now)
	return &gitv1.Snapshot{
		Surroundings: &gitv1.Surroundings{Directory: s.Directory, Above: around.Above, Twin: around.Twin},
		SnapshotId:   s.ID, Commit: s.Commit.String(), CommitTime: timestamppb.New(s.Time), Tree: s.Tree.String(),
		DirectoryExists: s.Exists, Fence: fence, IgnoredFence: ignored, Published: published,
		Origin: &gitv1.Origin{Commit: origin.Commit.String(), CommitTime: timestamppb.New(origin.Time)},
	}
}

// moveTo goes from the head of the branch to the commit that was asked for, or closes the snapshot.
func (r *Repositories) moveTo(ctx context.Context, s *snapshot.Snapshot, req *gitv1.OpenSnapshotRequest) (
	*snapshot.Snapshot, *gitv1.Published, error,
) {
	switch at := req.GetAt().(type) {
	case *gitv1.OpenSnapshotRequest_AtCommit:
		return s, nil, returnTo(ctx, s, at.AtCommit)
	case *gitv1.OpenSnapshotRequest_AtTime:
		return s, nil, returnBefore(ctx, s, at.AtTime)
	}
	if req.GetSyncId() == "" {
		return s, nil, nil
	}
	return r.ofSync(ctx, s, req.GetSyncId())
}

// returnTo goes back to an earlier commit, or closes the snapshot.
func returnTo(ctx context.Context, s *snapshot.Snapshot, commit string) error {
	id, err := s.Named(ctx, "at_commit", commit)
	if err == nil {
		err = s.ReturnTo(ctx, id)
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

// returnBefore goes back to what the branch was at a time, or closes the snapshot.
func returnBefore(ctx context.Context, s *snapshot.Snapshot, when *timestamppb.Timestamp) error {
	err := when.CheckValid()
	if err != nil {
		err = errs.Field("at_time", "at_time is no time.")
	} else {
		err = s.ReturnBefore(ctx, when.AsTime())
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

// ofSync returns what a sync has published in place of the head, if it has.
func (r *Repositories) ofSync(ctx context.Context, head *snapshot.Snapshot, syncID string) (*snapshot.Snapshot,
	*gitv1.Published, error,
) {
	at, before, err := head.OfSync(ctx, syncID)
	if err != nil {
		return nil, nil, errors.Join(err, head.Close())
	}
	if at == nil {
		return head, nil, nil
	}
	pairs, err := at.CompareSince(before)
	if err = errors.Join(err, before.Close(), head.Close()); err != nil {
		return nil, nil, errors.Join(err, at.Close())
	}
	return at, &gitv1.Published{CommitUrl: r.pages(at.Location).Commit(at.Commit), Counts: treeapi.ToCounts(pairs)}, nil
}

// pages returns those on which the host shows a repository.
func (r *Repositories) pages(location remote.Location) webpage.Pages {
	if url, known := r.deps.GitHub.Page(location); known {
		return webpage.GitHub(url)
	}
	return webpage.Public(location.Key)
}

// CloseSnapshot lets go of a snapshot.
func (r *Repositories) CloseSnapshot(_ context.Context, req *gitv1.CloseSnapshotRequest) (*gitv1.CloseSnapshotResponse,
	error,
) {
	if err := r.deps.Snapshots.Close(req.GetSnapshotId()); err != nil {
		return nil, err
	}
	return &gitv1.CloseSnapshotResponse{}, nil
}
