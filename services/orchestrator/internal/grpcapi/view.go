package grpcapi

import (
	"context"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/orchestrator/internal/view"
)

// DirectoryViews serves DirectoryViewService.
type DirectoryViews struct {
	fabricv1.UnsafeDirectoryViewServiceServer
	view *view.View
}

var _ fabricv1.DirectoryViewServiceServer = (*DirectoryViews)(nil)

// NewDirectoryViews returns the service over a view.
func NewDirectoryViews(v *view.View) *DirectoryViews { return &DirectoryViews{view: v} }

// CheckDirectory judges the structure of a fabric's directory.
func (d *DirectoryViews) CheckDirectory(
	ctx context.Context, req *fabricv1.CheckDirectoryRequest,
) (*fabricv1.CheckDirectoryResponse, error) {
	return d.view.Check(ctx, req.GetFabricId())
}

// ListFiles lists the files of a fabric's directory.
func (d *DirectoryViews) ListFiles(
	ctx context.Context, req *fabricv1.ListFilesRequest,
) (*fabricv1.ListFilesResponse, error) {
	return d.view.Files(ctx, req)
}

// ListQuarantine lists what is in quarantine.
func (d *DirectoryViews) ListQuarantine(
	ctx context.Context, req *fabricv1.ListQuarantineRequest,
) (*fabricv1.ListQuarantineResponse, error) {
	return d.view.Quarantine(ctx, req)
}

// ListChanges says which files differ between a commit and the branch head.
func (d *DirectoryViews) ListChanges(
	ctx context.Context, req *fabricv1.ListChangesRequest,
) (*fabricv1.ListChangesResponse, error) {
	return d.view.Changes(ctx, req)
}

// GetDirectoryHealth sums up how a fabric's directory is.
func (d *DirectoryViews) GetDirectoryHealth(
	ctx context.Context, req *fabricv1.GetDirectoryHealthRequest,
) (*fabricv1.GetDirectoryHealthResponse, error) {
	return d.view.Health(ctx, req.GetFabricId())
}

// ListCommits lists the commits that changed a fabric's directory.
func (d *DirectoryViews) ListCommits(
	ctx context.Context, req *fabricv1.ListCommitsRequest,
) (*fabricv1.ListCommitsResponse, error) {
	return d.view.Commits(ctx, req)
}

// DiffCommits compares a fabric's directory at two commits.
func (d *DirectoryViews) DiffCommits(
	ctx context.Context, req *fabricv1.DiffCommitsRequest,
) (*fabricv1.DiffCommitsResponse, error) {
	return d.view.Diff(ctx, req)
}
