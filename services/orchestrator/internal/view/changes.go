package view

import (
	"cmp"
	"context"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/paging"
)

// Changes returns a page of the files that differ between a commit and the branch head. Without a commit it is the one
// that the last completed sync left.
func (v *View) Changes(ctx context.Context, req *fabricv1.ListChangesRequest) (*fabricv1.ListChangesResponse, error) {
	query, err := paging.New(req.GetLimit(), req.GetPageToken(), "changes", req.GetFabricId(), req.GetSinceCommit())
	if err != nil {
		return nil, err
	}
	out := &fabricv1.ListChangesResponse{SinceCommit: req.GetSinceCommit()}
	if out.GetSinceCommit() == "" {
		_, last, err := v.lastSyncs(ctx, req.GetFabricId())
		if err != nil {
			return nil, err
		}
		if last == nil {
			return nil, errs.New(errs.NoCompletedSync, "No sync of fabric %d has completed yet.", req.GetFabricId()).
				WithRemedy("Name a commit to compare with, or sync the fabric first.")
		}
		out.SinceCommit = commitAfter(last)
	}
	var all []*gitv1.FileChange
	err = v.atHead(ctx, req.GetFabricId(), func(ctx context.Context, _ *fabricv1.Fabric, snapshot *gitv1.Snapshot) error {
		out.Commit = snapshot.GetCommit()
		return rpc.Collect(ctx, v.deps.Trees.ListChanges, &gitv1.ListChangesRequest{
			SnapshotId: snapshot.GetSnapshotId(), SinceCommit: out.GetSinceCommit(),
		}, func(part *gitv1.ListChangesResponse) error {
			out.SinceCommit = cmp.Or(part.GetSinceCommit(), out.GetSinceCommit())
			all = append(all, part.GetChanges()...)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	out.Total = int32(len(all))
	out.Changes, out.NextPageToken = paging.Cut(query, all, (*gitv1.FileChange).GetPath)
	return out, nil
}

// commitAfter returns the commit that a completed sync left.
func commitAfter(s *syncv1.Sync) string {
	if made := s.GetResult().GetCommitSha(); made != "" {
		return made
	}
	return s.GetResult().GetBaseCommit()
}
