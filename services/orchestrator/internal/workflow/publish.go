package workflow

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/orchestrator/internal/meaning"
	"fgdsync.dev/services/orchestrator/internal/state"
)

func (a *attempt) publish(ctx context.Context) error {
	a.sync.record.Result.Tree = a.tree
	if a.sync.record.GetOptions().GetValidateOnly() {
		return a.preview(ctx)
	}
	if a.proposes() {
		return a.propose(ctx)
	}
	if a.tree == a.snapshot.GetTree() {
		a.skipPublish(ctx)
		return nil
	}
	response, err := a.deps.Repositories.Publish(ctx, a.publication())
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	a.published(ctx, response)
	return nil
}

func (a *attempt) publication() *gitv1.PublishRequest {
	return &gitv1.PublishRequest{
		SnapshotId: a.snapshot.GetSnapshotId(), Tree: a.tree, Message: commitMessage(a),
		Author: author(a.sync.record.Sync), Time: a.sync.record.GetAcceptedAt(),
		CommitAuthor: a.fabric.GetOptions().GetCommitAuthor(), CommitCommitter: a.fabric.GetOptions().GetCommitCommitter(),
	}
}

func (a *attempt) published(ctx context.Context, response *gitv1.PublishResponse) {
	result := a.sync.record.GetResult()
	result.Files = response.GetCounts()
	if why := response.GetUnconfirmed(); why != "" {
		a.sync.addFinding(errs.NewFinding(errs.PushUnconfirmed, reportv1.Severity_SEVERITY_WARNING,
			"The Git host took the commit %s, and the branch could not be read back: %s", response.GetCommit(), why))
	}
	if response.GetCommitted() {
		result.CommitSha, result.CommitUrl = response.GetCommit(), response.GetCommitUrl()
		a.committed(ctx)
	}
}

// skipPublish says what there is to report without a commit: nothing, or the commit of an attempt before this one, at
// which this one has found nothing left to do. What the branch got after it is for the next sync.
func (a *attempt) skipPublish(ctx context.Context) {
	result, published := a.sync.record.GetResult(), a.snapshot.GetPublished()
	if published == nil {
		result.Files = &gitv1.ChangeCounts{}
		return
	}
	result.CommitSha, result.CommitUrl = a.snapshot.GetCommit(), published.GetCommitUrl()
	result.Files = published.GetCounts()
	a.committed(ctx)
}

// left returns what is on the branch when all is done: what is proposed is not. Nil when the directory is not there
// yet.
func (a *attempt) left() *state.Left {
	result := a.sync.record.GetResult()
	left := &state.Left{
		Commit: cmp.Or(result.GetCommitSha(), result.GetBaseCommit()), Resources: int(result.GetResourcesTotal()),
		Place: state.PlaceOf(a.fabric), CommitURL: result.GetCommitUrl(), Tree: a.leftTree(), Quarantined: a.quarantined,
	}
	if a.proposes() {
		left.Commit, left.CommitURL = result.GetBaseCommit(), ""
	}
	if left.CommitURL == "" && a.before.GetCommit() == left.Commit {
		left.CommitURL = a.before.GetCommitUrl()
	}
	if a.proposedOnly {
		left.Resources = len(a.stored.Resources)
	}
	if a.proposedOnly && !a.snapshot.GetDirectoryExists() {
		return nil
	}
	return left
}

func (a *attempt) committed(ctx context.Context) {
	branch := a.fabric.GetLocation().GetBranch()
	if a.proposedOnly {
		branch = a.sync.record.GetResult().GetPullRequest().GetBranch()
	}
	a.sync.emitEvent(ctx, "github.committed", &eventv1.Committed{
		Commit: a.sync.record.GetResult().GetCommitSha(), Branch: branch,
	})
}

// preview is what a dry run does instead of publishing.
func (a *attempt) preview(ctx context.Context) error {
	var diff strings.Builder
	var changes []*gitv1.FileChange
	err := rpc.Collect(ctx, a.deps.Trees.DiffTrees, &gitv1.DiffTreesRequest{
		SnapshotId: a.snapshot.GetSnapshotId(), FromTree: a.snapshot.GetTree(), ToTree: a.tree,
	}, func(part *gitv1.DiffTreesResponse) error {
		if part.GetCounts() != nil {
			a.sync.record.Result.Files = part.GetCounts()
		}
		changes = append(changes, part.GetChanges()...)
		diff.WriteString(part.GetDiff())
		return nil
	})
	if err != nil {
		return fmt.Errorf("compare trees: %w", err)
	}
	result := a.sync.record.GetResult()
	result.Diff = diff.String()
	result.SameMeaning, err = meaning.Same(ctx, a.deps.Ingestion, a.snapshot.GetSnapshotId(), changes)
	return err
}
