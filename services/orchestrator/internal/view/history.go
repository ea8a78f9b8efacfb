package view

import (
	"cmp"
	"context"
	"strings"

	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/orchestrator/internal/meaning"
)

const defaultCommits = 50

// Commits returns a page of the commits that changed a fabric's directory, newest first. The tokens of its pages are
// those of github-sync.
func (v *View) Commits(ctx context.Context, req *fabricv1.ListCommitsRequest) (*fabricv1.ListCommitsResponse, error) {
	out := &fabricv1.ListCommitsResponse{}
	err := v.atHead(ctx, req.GetFabricId(), func(ctx context.Context, fabric *fabricv1.Fabric,
		snapshot *gitv1.Snapshot,
	) error {
		out.Commit = snapshot.GetCommit()
		err := rpc.Collect(ctx, v.deps.History.ListCommits, &gitv1.ListCommitsRequest{
			SnapshotId: snapshot.GetSnapshotId(), Paths: req.GetPaths(), Since: req.GetSince(), Until: req.GetUntil(),
			FirstParent: req.GetFirstParent(), Limit: cmp.Or(req.GetLimit(), defaultCommits), PageToken: req.GetPageToken(),
		}, func(part *gitv1.ListCommitsResponse) error {
			out.Commits = append(out.Commits, part.GetCommits()...)
			out.NextPageToken, out.Truncated = part.GetNextPageToken(), part.GetTruncated()
			return nil
		})
		if err != nil || len(out.GetCommits()) > 0 || out.GetTruncated() || req.GetPageToken() != "" {
			return err
		}
		return v.everWere(ctx, fabric, snapshot, req.GetPaths())
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Diff compares a fabric's directory at two commits.
func (v *View) Diff(ctx context.Context, req *fabricv1.DiffCommitsRequest) (*fabricv1.DiffCommitsResponse, error) {
	out := &fabricv1.DiffCommitsResponse{}
	err := v.atHead(ctx, req.GetFabricId(), func(ctx context.Context, fabric *fabricv1.Fabric,
		snapshot *gitv1.Snapshot,
	) error {
		var text strings.Builder
		var changes []*gitv1.FileChange
		err := rpc.Collect(ctx, v.deps.History.DiffCommits, &gitv1.DiffCommitsRequest{
			SnapshotId: snapshot.GetSnapshotId(), FromCommit: req.GetFromCommit(), ToCommit: req.GetToCommit(),
			Paths: req.GetPaths(),
		}, func(part *gitv1.DiffCommitsResponse) error {
			if part.GetCounts() != nil {
				out.Counts, out.FromCommit, out.ToCommit = part.GetCounts(), part.GetFromCommit(), part.GetToCommit()
			}
			changes = append(changes, part.GetChanges()...)
			text.WriteString(part.GetDiff())
			return nil
		})
		out.Diff = text.String()
		if err != nil {
			return err
		}
		if out.GetDiff() != "" {
			out.SameMeaning, err = meaning.Same(ctx, v.deps.Ingestion, snapshot.GetSnapshotId(), changes)
			return err
		}
		return v.everWere(ctx, fabric, snapshot, req.GetPaths())
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
