package orchestrator_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// longID is the id of a commit as a host gives it.
func longID(number int) string { return fmt.Sprintf("%040d", number) }

// commitAt finds a commit by its long id. The caller holds the mutex.
func (s *stages) commitAt(id string) (commit, error) {
	for number, c := range s.commits {
		if longID(number) == id {
			return c, nil
		}
	}
	return commit{}, errs.New(errs.CommitNotFound, "There is no commit %q.", id)
}

// headNumber is the number of the last commit.
func (s *stages) headNumber() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.commits) - 1
}

// tree is what a fabric directory holds.
func (s *stages) tree(directory string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := strings.Split(s.head().files[directory], "\n")
	slices.Sort(files)
	return files
}

// RestoreTree takes what is below the paths from an earlier commit, and the rest from the snapshot's.
func (s *stages) RestoreTree(ctx context.Context, req *gitv1.RestoreTreeRequest) (*gitv1.RestoreTreeResponse, error) {
	if err := s.enter(ctx, "restore"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	then, err := s.commitAt(req.GetCommit())
	if err != nil {
		return nil, err
	}
	paths := req.GetPaths()
	if len(paths) == 0 {
		paths = []string{"managed"}
	}
	named := func(file string) bool {
		return slices.ContainsFunc(paths, func(p string) bool { return file == p || strings.HasPrefix(file, p+"/") })
	}
	directory := s.open[req.GetSnapshotId()]
	var tree []string
	for _, file := range strings.Split(s.head().files[directory], "\n") {
		if !named(file) {
			tree = append(tree, file)
		}
	}
	for _, file := range strings.Split(then.files[directory], "\n") {
		if named(file) {
			tree = append(tree, file)
		}
	}
	return &gitv1.RestoreTreeResponse{Tree: strings.Join(tree, "\n")}, nil
}

// FindLastSync finds the last commit of a sync that changed the directory.
func (s *stages) FindLastSync(ctx context.Context, req *gitv1.FindLastSyncRequest) (*gitv1.FindLastSyncResponse,
	error,
) {
	if err := s.enter(ctx, "last sync"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	directory := s.open[req.GetSnapshotId()]
	for number := len(s.commits) - 1; number > 0; number-- {
		c := s.commits[number]
		if strings.Contains(c.message, "Fgd-Sync-Id: ") && c.files[directory] != s.commits[number-1].files[directory] {
			return &gitv1.FindLastSyncResponse{
				Commit: longID(number), CommitTime: timestamppb.New(time.Unix(1_770_000_000, 0)), Tree: c.files[directory],
			}, nil
		}
	}
	return &gitv1.FindLastSyncResponse{}, nil
}

// ListCommits sends all commits, one a message, and says in the last what was asked.
func (s *stages) ListCommits(req *gitv1.ListCommitsRequest,
	stream grpc.ServerStreamingServer[gitv1.ListCommitsResponse],
) error {
	if err := s.enter(stream.Context(), "commits"); err != nil {
		return err
	}
	if s.never(req.GetPaths()) {
		return stream.Send(&gitv1.ListCommitsResponse{})
	}
	for number := s.headNumber(); number >= 0; number-- {
		if err := stream.Send(&gitv1.ListCommitsResponse{Commits: []*gitv1.Commit{{Commit: longID(number)}}}); err != nil {
			return err
		}
	}
	return stream.Send(&gitv1.ListCommitsResponse{
		NextPageToken: fmt.Sprint(req.GetPaths(), req.GetSince().GetSeconds(), req.GetUntil().GetSeconds(),
			req.GetFirstParent(), req.GetLimit(), req.GetPageToken(), req.GetWithChanges()),
		Truncated: true,
	})
}

// never reports whether no commit changed any of the paths, which is so of those that have one of these in them.
func (s *stages) never(paths []string) bool {
	return len(paths) > 0 && !slices.ContainsFunc(paths, func(p string) bool {
		return !strings.Contains(p, "nope") && !strings.Contains(p, "manageb")
	})
}

// DiffCommits sends what was asked as the difference, in two messages.
func (s *stages) DiffCommits(req *gitv1.DiffCommitsRequest,
	stream grpc.ServerStreamingServer[gitv1.DiffCommitsResponse],
) error {
	if err := s.enter(stream.Context(), "diffCommits"); err != nil {
		return err
	}
	if s.never(req.GetPaths()) || slices.Equal(req.GetPaths(), []string{"managed/gone"}) {
		return stream.Send(&gitv1.DiffCommitsResponse{Counts: &gitv1.ChangeCounts{}})
	}
	for _, part := range []*gitv1.DiffCommitsResponse{
		{
			Counts: &gitv1.ChangeCounts{Updated: 3}, Diff: "from " + req.GetFromCommit(),
			FromCommit: "id of " + req.GetFromCommit(), ToCommit: "id of " + req.GetToCommit(),
		},
		{Diff: " to " + req.GetToCommit() + fmt.Sprint(req.GetPaths())},
	} {
		if err := stream.Send(part); err != nil {
			return err
		}
	}
	return nil
}
