package orchestrator_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/testkit/grpctest"
)

// noFiles is the tree of a directory without files.
const noFiles = "-"

// commit is one commit of the fake host's one repository. A tree is written as its files, a name a line.
type commit struct {
	id      string
	files   map[string]string // by fabric directory
	message string
}

// stages is the three services that a sync walks through, over one repository in memory. Publishing is a
// compare-and-swap on its head, as it is at the real host.
type stages struct {
	directoryv1.UnimplementedDirectoryServiceServer
	ingestionv1.UnimplementedIngestionServiceServer
	gitv1.UnimplementedRepositoryServiceServer
	gitv1.UnimplementedTreeServiceServer
	gitv1.UnimplementedHistoryServiceServer

	mu      sync.Mutex
	commits []commit
	open    map[string]string // snapshot id: its directory
	opened  int
	calls   []string
	ingests []*ingestionv1.IngestRequest
	before  map[string]func(context.Context) error
	after   map[string]func(context.Context) error
	issues  []*directoryv1.Issue
	missing bool  // the fabric directory is not there yet
	fence   int64 // in the trailers of the head
	ignored int64 // the same, of one that does not count

	unconfirmed string // what keeps pushes from being read back

	pull     *gitv1.PullRequest            // of the fabric
	edits    map[string]*gitv1.PullRequest // of edits, by the folder of their branches
	proposed []*gitv1.PublishRequest       // to any of them
}

func newStages() *stages {
	return &stages{
		commits: []commit{{id: "commit-0", files: map[string]string{}}}, open: map[string]string{},
		edits:  map[string]*gitv1.PullRequest{},
		before: map[string]func(context.Context) error{}, after: map[string]func(context.Context) error{},
	}
}

// on is the switch to break a stage: what it gives runs before the stage does anything, and its error is the answer.
func (s *stages) on(stage string, hook func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before[stage] = hook
}

// onDone breaks a stage after its effect.
func (s *stages) onDone(stage string, hook func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after[stage] = hook
}

// fail makes a stage fail a number of times.
func (s *stages) fail(stage string, times int, err error) {
	var mu sync.Mutex
	s.on(stage, func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if times--; times >= 0 {
			return err
		}
		return nil
	})
}

// gate holds a stage: it says when somebody has come, and lets pass when told.
type gate struct {
	came chan struct{}
	pass chan struct{}
	open func()
}

func newGate(t *testing.T) *gate {
	g := &gate{came: make(chan struct{}, 100), pass: make(chan struct{})}
	g.open = sync.OnceFunc(func() { close(g.pass) })
	t.Cleanup(g.open)
	return g
}

func (g *gate) wait(ctx context.Context) error {
	g.came <- struct{}{}
	select {
	case <-g.pass:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *stages) enter(ctx context.Context, stage string) error {
	s.mu.Lock()
	s.calls = append(s.calls, stage)
	hook := s.before[stage]
	s.mu.Unlock()
	if hook == nil {
		return nil
	}
	return hook(ctx)
}

func (s *stages) leave(ctx context.Context, stage string) error {
	s.mu.Lock()
	hook := s.after[stage]
	s.mu.Unlock()
	if hook == nil {
		return nil
	}
	return hook(ctx)
}

// drop puts a file into a fabric's directory, as a person does, in a commit of its own.
func (s *stages) drop(directory, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.push(directory, strings.TrimPrefix(s.head().files[directory]+"\nraw/"+name, "\n"), "by hand")
}

// push adds a commit. The caller holds the mutex.
func (s *stages) push(directory, tree, message string) {
	files := map[string]string{}
	for d, t := range s.head().files {
		files[d] = t
	}
	files[directory] = tree
	s.commits = append(s.commits, commit{id: fmt.Sprint("commit-", len(s.commits)), files: files, message: message})
}

func (s *stages) head() commit { return s.commits[len(s.commits)-1] }

// published lists the messages of the commits that syncs have made.
func (s *stages) published() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, c := range s.commits[1:] {
		if c.message != "by hand" {
			out = append(out, c.message)
		}
	}
	return out
}

func (s *stages) called(without ...string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.calls), func(c string) bool { return slices.Contains(without, c) })
}

func (s *stages) forgetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// openSnapshots tells how many snapshots nobody has closed.
func (s *stages) openSnapshots() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

func (s *stages) CheckLocation(ctx context.Context, req *gitv1.CheckLocationRequest) (*gitv1.CheckLocationResponse,
	error,
) {
	if err := errors.Join(s.enter(ctx, "check"), opens(req.GetLocation())); err != nil {
		return nil, err
	}
	return &gitv1.CheckLocationResponse{
		RepositoryKey: strings.TrimSuffix(req.GetLocation().GetRepositoryUrl(), ".git"),
		Directory:     strings.Trim(req.GetLocation().GetDirectory(), "/"),
		Branch:        strings.TrimPrefix(req.GetLocation().GetBranch(), "refs/heads/"),
	}, nil
}

func (s *stages) OpenSnapshot(ctx context.Context, req *gitv1.OpenSnapshotRequest) (*gitv1.OpenSnapshotResponse,
	error,
) {
	if err := errors.Join(s.enter(ctx, "open"), opens(req.GetLocation())); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	directory := req.GetLocation().GetDirectory()
	at, published := s.commitOf(req.GetSyncId())
	switch past := req.GetAt().(type) {
	case *gitv1.OpenSnapshotRequest_AtCommit:
		var err error
		if at, err = s.commitAt(past.AtCommit); err != nil {
			return nil, err
		}
	case *gitv1.OpenSnapshotRequest_AtTime:
		at = s.commits[0]
	}
	id := fmt.Sprintf("%d %s", s.opened, at.id)
	s.open[id] = directory
	return &gitv1.OpenSnapshotResponse{Snapshot: &gitv1.Snapshot{
		SnapshotId: id, Commit: at.id, CommitTime: timestamppb.New(time.Unix(1_770_000_000, 0)),
		Tree:            cmp.Or(at.files[directory], noFiles),
		DirectoryExists: !s.missing,
		Fence:           s.fence, IgnoredFence: s.ignored, Published: published, Origin: &gitv1.Origin{
			Commit:     at.id,
			CommitTime: timestamppb.New(time.Unix(1_770_000_000, 0)),
		},
	}}, nil
}

// commitOf finds the commit of a sync, or gives the head.
func (s *stages) commitOf(syncID string) (commit, *gitv1.Published) {
	for _, c := range s.commits {
		if syncID != "" && strings.Contains(c.message, "Fgd-Sync-Id: "+syncID) {
			return c, &gitv1.Published{Counts: &gitv1.ChangeCounts{Created: 1}}
		}
	}
	return s.head(), nil
}

func (s *stages) CloseSnapshot(ctx context.Context, req *gitv1.CloseSnapshotRequest) (*gitv1.CloseSnapshotResponse,
	error,
) {
	if err := s.enter(ctx, "close"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, req.GetSnapshotId())
	return &gitv1.CloseSnapshotResponse{}, nil
}

func (s *stages) RepairDirectory(ctx context.Context,
	req *directoryv1.RepairDirectoryRequest,
) (*directoryv1.RepairDirectoryResponse, error) {
	if err := s.enter(ctx, "repair"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	response := &directoryv1.RepairDirectoryResponse{
		Tree:   req.GetTree(),
		Report: &directoryv1.DirectoryReport{Valid: true}, RemainingIssues: s.issues,
	}
	if !strings.Contains(req.GetTree(), "manifest") {
		response.Tree = strings.TrimSuffix("manifest\n"+strings.TrimPrefix(req.GetTree(), noFiles), "\n")
		response.RepairsMade = []string{"Made the manifest."}
	}
	return response, nil
}

func (s *stages) ValidateDirectory(ctx context.Context,
	req *directoryv1.ValidateDirectoryRequest,
) (*directoryv1.ValidateDirectoryResponse, error) {
	if err := s.enter(ctx, "validate"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &directoryv1.ValidateDirectoryResponse{Report: &directoryv1.DirectoryReport{
		Valid: strings.Contains(req.GetTree(), "manifest"), Issues: s.issues,
	}}, nil
}

func (s *stages) Discover(ctx context.Context, req *ingestionv1.DiscoverRequest) (*ingestionv1.DiscoverResponse,
	error,
) {
	if err := s.enter(ctx, "discover"); err != nil {
		return nil, err
	}
	response := &ingestionv1.DiscoverResponse{}
	for _, file := range strings.Split(req.GetTree(), "\n") {
		switch {
		case strings.HasPrefix(file, "raw/"):
			response.Inputs = append(response.Inputs, file)
		case strings.HasPrefix(file, "managed/"):
			response.ManagedFiles++
		}
	}
	return response, nil
}

// Ingest moves each file in raw/ to managed/, or to unmanaged/ when it is named "bad".
func (s *stages) Ingest(req *ingestionv1.IngestRequest,
	stream grpc.ServerStreamingServer[ingestionv1.IngestResponse],
) error {
	if err := s.enter(stream.Context(), "ingest"); err != nil {
		return err
	}
	s.mu.Lock()
	s.ingests = append(s.ingests, req)
	s.mu.Unlock()
	var tree []string
	results, summary := &ingestionv1.IngestResults{}, &ingestionv1.IngestSummary{}
	for _, file := range strings.Split(req.GetTree(), "\n") {
		name, input := strings.CutPrefix(file, "raw/")
		outcome := ingestionv1.Outcome_OUTCOME_CREATED
		switch {
		case input && strings.HasPrefix(name, "bad"):
			file, outcome = "unmanaged/"+name, ingestionv1.Outcome_OUTCOME_QUARANTINED
			results.Findings = append(results.Findings, &reportv1.Finding{
				Severity: reportv1.Severity_SEVERITY_ERROR, Code: errs.InvalidYAML.ID, Name: errs.InvalidYAML.Name, File: "raw/" +
					name, Line: 3, Message: "no YAML",
			})
			summary.Quarantined++
		case input:
			file = "managed/" + name
		}
		if input {
			summary.FilesProcessed, summary.DocumentsProcessed = summary.GetFilesProcessed()+1, summary.GetDocumentsProcessed()+1
			results.Documents = append(results.Documents, &ingestionv1.DocumentResult{
				File: "raw/" + name, Outcome: outcome,
				Destination: file,
			})
		}
		if !slices.Contains(tree, file) {
			tree = append(tree, file)
		}
		if name, ok := strings.CutPrefix(file, "managed/"); ok {
			summary.ResourcesTotal++
			results.Resources = append(results.Resources, &ingestionv1.Resource{Key: &reportv1.ResourceKey{
				Kind: "VPC",
				Name: name,
			}, Path: file})
		}
	}
	summary.Tree = strings.Join(tree, "\n")
	summary.Digest = fmt.Sprintf("%x", sha256.Sum256([]byte(fmt.Sprint(results.GetResources()))))
	if summary.ResourcesKnown = summary.GetDigest() == req.GetKnownDigest(); summary.GetResourcesKnown() {
		results.Resources = nil
	}
	for _, part := range []*ingestionv1.IngestResponse{
		{Part: &ingestionv1.IngestResponse_Progress{Progress: &ingestionv1.Progress{
			FilesProcessed: 1, TotalFiles: 2,
			CurrentFile: "raw/a",
		}}},
		{Part: &ingestionv1.IngestResponse_Results{Results: results}},
		{Part: &ingestionv1.IngestResponse_Summary{Summary: summary}},
	} {
		if err := stream.Send(part); err != nil {
			return err
		}
	}
	return s.leave(stream.Context(), "ingest")
}

func (s *stages) Publish(ctx context.Context, req *gitv1.PublishRequest) (*gitv1.PublishResponse, error) {
	if err := s.enter(ctx, "publish"); err != nil {
		return nil, err
	}
	if req.GetProposal() != nil {
		return s.propose(req), s.leave(ctx, "publish")
	}
	id, err := s.swap(req)
	if err != nil {
		return nil, err
	}
	if err := s.leave(ctx, "publish"); err != nil {
		return nil, err
	}
	return &gitv1.PublishResponse{
		Commit: id, Committed: true, CommitUrl: "https://host/" + id,
		Counts: &gitv1.ChangeCounts{Created: 1}, Attempts: 1, Unconfirmed: s.unconfirmed,
	}, nil
}

func (s *stages) swap(req *gitv1.PublishRequest) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	directory, known := s.open[req.GetSnapshotId()]
	if !known {
		return "", errs.New(errs.SnapshotNotFound, "The snapshot is gone.")
	}
	_, base, _ := strings.Cut(req.GetSnapshotId(), " ")
	for _, c := range s.commits {
		if c.id == base && c.files[directory] != s.head().files[directory] {
			return "", errs.New(errs.BranchMoved, "The directory was changed on the branch.")
		}
	}
	s.push(directory, req.GetTree(), req.GetMessage())
	return s.head().id, nil
}

func (s *stages) DiffTrees(_ *gitv1.DiffTreesRequest,
	stream grpc.ServerStreamingServer[gitv1.DiffTreesResponse],
) error {
	if err := s.enter(stream.Context(), "diff"); err != nil {
		return err
	}
	for _, part := range []*gitv1.DiffTreesResponse{
		{Counts: &gitv1.ChangeCounts{Created: 2}, Diff: "+a\n"},
		{Diff: "+b\n"},
	} {
		if err := stream.Send(part); err != nil {
			return err
		}
	}
	return nil
}

func (s *stages) ListTree(_ *gitv1.ListTreeRequest, stream grpc.ServerStreamingServer[gitv1.ListTreeResponse]) error {
	if err := s.enter(stream.Context(), "list"); err != nil {
		return err
	}
	return stream.Send(&gitv1.ListTreeResponse{Entries: []*gitv1.TreeEntry{
		{Path: "managed/vpcs/a.yaml", Mode: gitv1.FileMode_FILE_MODE_REGULAR, BlobId: "blob-a", Size: 6},
		{Path: "managed/vpcs/copy.yaml", Mode: gitv1.FileMode_FILE_MODE_REGULAR, BlobId: "blob-a", Size: 6},
		{Path: "raw/big.yaml", Mode: gitv1.FileMode_FILE_MODE_REGULAR, BlobId: "blob-big", Size: 1 << 40},
		{Path: "raw/link.yaml", Mode: gitv1.FileMode_FILE_MODE_SYMLINK, BlobId: "blob-link", Size: 4},
		{Path: "rawer/notes.txt", Mode: gitv1.FileMode_FILE_MODE_REGULAR, BlobId: "blob-n", Size: 5},
	}})
}

func (s *stages) ReadBlobs(req *gitv1.ReadBlobsRequest,
	stream grpc.ServerStreamingServer[gitv1.ReadBlobsResponse],
) error {
	for _, id := range req.GetBlobIds() {
		if err := stream.Send(&gitv1.ReadBlobsResponse{Blobs: []*gitv1.Blob{{BlobId: id, Content: []byte(id)}}}); err != nil {
			return err
		}
	}
	return nil
}

// serve runs the services behind a real gRPC server for the time of a test.
func (s *stages) serve(t testing.TB) *grpc.ClientConn {
	t.Helper()
	return grpctest.Serve(t, rpc.Services, func(r grpc.ServiceRegistrar) {
		directoryv1.RegisterDirectoryServiceServer(r, s)
		ingestionv1.RegisterIngestionServiceServer(r, s)
		gitv1.RegisterRepositoryServiceServer(r, s)
		gitv1.RegisterTreeServiceServer(r, s)
		gitv1.RegisterHistoryServiceServer(r, s)
	})
}
