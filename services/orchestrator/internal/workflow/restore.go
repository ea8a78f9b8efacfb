package workflow

import (
	"context"
	"fmt"
	"strings"

	"fgdsync.dev/libs/layout"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// restores reports whether this attempt begins with bringing something back. One that works on the commit of an attempt
// before it does not: that commit has what was restored, and what the sync has made of it.
func (a *attempt) restores() bool {
	return a.sync.record.GetOptions().GetRestoreCommit() != "" && a.snapshot.GetPublished() == nil
}

// restore makes the named paths what they were. All that follows works on that tree as if somebody had pushed it: it is
// validated, compared with the last sync, and published as one commit.
func (a *attempt) restore(ctx context.Context) error {
	options := a.sync.record.GetOptions()
	response, err := a.deps.History.RestoreTree(ctx, &gitv1.RestoreTreeRequest{
		SnapshotId: a.snapshot.GetSnapshotId(), Commit: options.GetRestoreCommit(), Paths: options.GetRestorePaths(),
	})
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	a.tree = response.GetTree()
	return nil
}

const (
	shortID    = 12
	shownPaths = 20
)

// restoredPaths are what a sync brings back, by the names that people gave.
func (a *attempt) restoredPaths() []string {
	options := a.sync.record.GetOptions()
	if len(options.GetRestorePaths()) > 0 || options.GetRestoreCommit() == "" {
		return options.GetRestorePaths()
	}
	return []string{layout.Managed}
}

// restoredHeadline is the part of a commit's first line that says what came back.
func (a *attempt) restoredHeadline() string {
	paths, commit := a.restoredPaths(), a.sync.record.GetOptions().GetRestoreCommit()
	what := fmt.Sprintf("%d paths", len(paths))
	if len(paths) == 1 {
		what = oneLine(paths[0])
	}
	return fmt.Sprintf("restore %s as of %s", what, commit[:min(shortID, len(commit))])
}

// restoredLines say in a commit message what came back, and as of when.
func (a *attempt) restoredLines() string {
	var b strings.Builder
	paths := a.restoredPaths()
	for _, path := range paths[:min(len(paths), shownPaths)] {
		fmt.Fprintf(&b, "Restored: %s as of %s.\n", oneLine(path), a.sync.record.GetOptions().GetRestoreCommit())
	}
	if more := len(paths) - shownPaths; more > 0 {
		fmt.Fprintf(&b, "Restored: %d more.\n", more)
	}
	return b.String()
}
