package orchestrator_test

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// find makes the structure of every directory have issues.
func (s *stages) find(issues ...*directoryv1.Issue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issues = issues
}

// remove takes a file away, as a person does.
func (s *stages) remove(directory, file string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := slices.DeleteFunc(strings.Split(s.head().files[directory], "\n"), func(f string) bool { return f == file })
	s.push(directory, strings.Join(kept, "\n"), "by hand")
}

func (s *stages) headID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head().id
}

// ListQuarantine knows the reasons of all files but those with "unknown" in their names.
func (s *stages) ListQuarantine(ctx context.Context,
	req *ingestionv1.ListQuarantineRequest,
) (*ingestionv1.ListQuarantineResponse, error) {
	if err := s.enter(ctx, "quarantine"); err != nil {
		return nil, err
	}
	response := &ingestionv1.ListQuarantineResponse{}
	for _, file := range strings.Split(req.GetTree(), "\n") {
		if !strings.HasPrefix(file, "unmanaged/") {
			continue
		}
		quarantined := &reportv1.QuarantinedFile{Path: file}
		if !strings.Contains(file, "unknown") {
			quarantined.Reason = &reportv1.Finding{Code: errs.InvalidYAML.ID}
		}
		response.Files = append(response.Files, quarantined)
	}
	return response, nil
}

// ListChanges sends a change a message.
func (s *stages) ListChanges(req *gitv1.ListChangesRequest,
	stream grpc.ServerStreamingServer[gitv1.ListChangesResponse],
) error {
	if err := s.enter(stream.Context(), "changes"); err != nil {
		return err
	}
	changes, err := s.changed(req)
	if err != nil {
		return err
	}
	for _, change := range changes {
		if err := stream.Send(&gitv1.ListChangesResponse{Changes: []*gitv1.FileChange{change}}); err != nil {
			return err
		}
	}
	return nil
}

func (s *stages) changed(req *gitv1.ListChangesRequest) ([]*gitv1.FileChange, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	directory, known := s.open[req.GetSnapshotId()]
	if !known {
		return nil, errs.New(errs.SnapshotNotFound, "The snapshot is gone.")
	}
	i := slices.IndexFunc(s.commits, func(c commit) bool { return c.id == req.GetSinceCommit() })
	if i < 0 {
		return nil, errs.New(errs.CommitNotFound, "There is no commit %q.", req.GetSinceCommit())
	}
	before, after := strings.Split(s.commits[i].files[directory], "\n"), strings.Split(s.head().files[directory], "\n")
	paths := slices.Concat(before, after)
	slices.Sort(paths)
	var out []*gitv1.FileChange
	for _, path := range slices.Compact(paths) {
		switch was, is := slices.Contains(before, path), slices.Contains(after, path); {
		case path == "" || was && is:
		case was:
			out = append(out, &gitv1.FileChange{
				Path: path, Kind: gitv1.FileChangeKind_FILE_CHANGE_KIND_REMOVED,
				OldBlobId: path,
			})
		default:
			out = append(out, &gitv1.FileChange{
				Path: path, Kind: gitv1.FileChangeKind_FILE_CHANGE_KIND_CREATED,
				NewBlobId: path,
			})
		}
	}
	return out, nil
}
