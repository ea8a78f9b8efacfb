package treeapi

import (
	"errors"
	"slices"
	"strings"

	"google.golang.org/grpc"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/snapshot"
)

// ListChanges says which files of the directory differ between a commit and the snapshot's.
func (t *Trees) ListChanges(req *gitv1.ListChangesRequest,
	stream grpc.ServerStreamingServer[gitv1.ListChangesResponse],
) (err error) {
	s, err := t.registry.Get(req.GetSnapshotId())
	if err != nil {
		return err
	}
	commit, err := s.Named(stream.Context(), "since_commit", req.GetSinceCommit())
	if err != nil {
		return err
	}
	since, err := s.AtCommit(stream.Context(), commit, snapshot.History)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, since.Close()) }()
	pairs, err := s.CompareSince(since)
	if err != nil {
		return err
	}
	if err := stream.Send(&gitv1.ListChangesResponse{SinceCommit: commit.String()}); err != nil {
		return err
	}
	return sendChanges(pairs, func(changes []*gitv1.FileChange) error {
		return stream.Send(&gitv1.ListChangesResponse{Changes: changes})
	})
}

// sendChanges sends what differs, some at a time.
func sendChanges(pairs []snapshot.Pair, send func([]*gitv1.FileChange) error) error {
	for some := range slices.Chunk(pairs, listBatch) {
		changes := make([]*gitv1.FileChange, len(some))
		for i, p := range some {
			changes[i] = toFileChange(p)
		}
		if err := send(changes); err != nil {
			return err
		}
	}
	return nil
}

func toFileChange(p snapshot.Pair) *gitv1.FileChange {
	change := &gitv1.FileChange{
		Path: strings.ToValidUTF8(p.Path, "\uFFFD"),
		Kind: gitv1.FileChangeKind_FILE_CHANGE_KIND_UPDATED,
	}
	if p.Old.Hash.IsZero() {
		change.Kind = gitv1.FileChangeKind_FILE_CHANGE_KIND_CREATED
	} else {
		change.OldBlobId, change.OldMode = p.Old.Hash.String(), toMode(p.Old.Mode)
	}
	if p.New.Hash.IsZero() {
		change.Kind = gitv1.FileChangeKind_FILE_CHANGE_KIND_REMOVED
	} else {
		change.NewBlobId, change.NewMode = p.New.Hash.String(), toMode(p.New.Mode)
	}
	return change
}

// ToCounts counts what differs, by what became of it.
func ToCounts(pairs []snapshot.Pair) *gitv1.ChangeCounts {
	c := &gitv1.ChangeCounts{}
	for _, p := range pairs {
		switch {
		case p.Old.Hash.IsZero():
			c.Created++
		case p.New.Hash.IsZero():
			c.Removed++
		default:
			c.Updated++
		}
	}
	return c
}
