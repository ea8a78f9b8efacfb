package orchestrator_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// twoStates registers a fabric, and syncs it with one resource and then with so many more. It gives the commit of the
// first.
func (b *bench) twoStates(more int) string {
	b.t.Helper()
	b.drop("f1", "a")
	b.fabric(b.stages, 35, "f1")
	first := longID(b.headNumber())
	for i := range more {
		b.drop("f1", fmt.Sprint("more-", i))
	}
	b.expect(b.sync(35, nil), completed)
	b.forgetCalls()
	return first
}

func restored(commit string, paths ...string) *syncv1.SyncOptions {
	return &syncv1.SyncOptions{RestoreCommit: commit, RestorePaths: paths}
}

// TestRestore: an earlier state comes back by a sync like any other, with one commit that says so.
func TestRestore(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		first := b.twoStates(1)
		b.drop("f1", "waiting")
		dry := b.sync(35, &syncv1.SyncOptions{RestoreCommit: first, ValidateOnly: true})
		b.expect(dry, completed)
		before := b.headNumber()
		if b.diff(dry.GetSyncId()) == "" || len(b.published()) != 2 {
			t.Errorf("the dry run: %v, commits %q", dry.GetResult(), b.published())
		}
		b.forgetCalls()
		got := b.sync(35, restored(first))
		b.expect(got, completed)
		equal(t, "the directory", b.tree("f1"), []string{"managed/a", "managed/waiting", "manifest"})
		equal(t, "calls", b.called("close"), []string{
			"open", "restore", "repair", "discover", "ingest", "ingest", "quarantine", "publish",
		})
		if plan := got.GetResult().GetPlan().GetCounts(); plan.GetDeletes() != 1 || plan.GetCreates() != 1 ||
			b.headNumber() != before+1 {
			t.Errorf("plan %v, %d commits", plan, b.headNumber()-before)
		}
		message := b.published()[2]
		for _, part := range []string{
			"Sync fabric fabric of f1: restore managed as of " + first[:12] + ", add 1\n",
			"Restored: managed as of " + first + ".\n", "Fgd-Sync-Id: " + got.GetSyncId(),
		} {
			if !strings.Contains(message, part) {
				t.Errorf("%q is not in\n%s", part, message)
			}
		}
		if again := b.sync(35, restored(first, "managed/a")); again.GetResult().GetCommitSha() != "" ||
			again.GetState() != completed {
			t.Errorf("what is as it was: %v", again)
		}
		if n := b.openSnapshots(); n != 0 {
			t.Errorf("%d snapshots were left open", n)
		}
	})
}

// TestRestoreIsGuarded: a restore that would take many resources away stops, until it is forced.
func TestRestoreIsGuarded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		first := b.twoStates(15)
		refused := b.sync(35, restored(first))
		b.expect(refused, failed)
		if refused.GetErrors()[0].GetCode() != errs.MassDeleteRefused.ID || len(b.published()) != 2 {
			t.Errorf("%v, commits %q", refused.GetErrors()[0], b.published())
		}
		forced := restored(first)
		forced.Force = true
		b.expect(b.sync(35, forced), completed)
		equal(t, "the directory", b.tree("f1"), []string{"managed/a", "manifest"})
	})
}

// TestRestoreHappensOnce: the answer to the push is lost, and somebody pushes on top. The next attempt finds the commit
// and restores nothing again.
func TestRestoreHappensOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		first := b.twoStates(1)
		lost := false
		b.onDone("publish", func(context.Context) error {
			if lost {
				return nil
			}
			lost = true
			b.drop("f1", "on top")
			return errs.New(errs.GitHubConnectionFailed, "lost")
		})
		got := b.sync(35, restored(first))
		b.expect(got, completed)
		if calls := b.called(); got.GetAttempt() != 2 || count(calls, "restore") != 1 || count(calls, "publish") != 1 ||
			got.GetResult().GetCommitSha() == "" {
			t.Errorf("attempt %d, calls %q, %v", got.GetAttempt(), calls, got.GetResult())
		}
		equal(t, "the directory", b.tree("f1"), []string{"managed/a", "manifest", "raw/on top"})
	})
}

// TestRestoreOfAMovingBranch: the directory changes while it is restored, and the restore begins again on top of that.
func TestRestoreOfAMovingBranch(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		first := b.twoStates(1)
		moved := false
		b.on("publish", func(context.Context) error {
			if !moved {
				moved = true
				b.drop("f1", "meanwhile")
			}
			return nil
		})
		got := b.sync(35, restored(first))
		b.expect(got, completed)
		if got.GetAttempt() != 2 || count(b.called(), "restore") != 2 {
			t.Errorf("attempt %d, calls %q", got.GetAttempt(), b.called())
		}
		equal(t, "the directory", b.tree("f1"), []string{"managed/a", "managed/meanwhile", "manifest"})
	})
}

func count(list []string, word string) int {
	n := 0
	for _, w := range list {
		if w == word {
			n++
		}
	}
	return n
}

// TestRestoreFails: with the code of what is wrong, and without a commit.
func TestRestoreFails(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.twoStates(1)
		got := b.sync(35, restored(longID(999)))
		b.expect(got, failed)
		if got.GetErrors()[0].GetCode() != errs.CommitNotFound.ID || got.GetAttempt() != 1 || len(b.published()) != 2 {
			t.Errorf("%v", got)
		}
		for name, options := range map[string]*syncv1.SyncOptions{
			"paths of nothing": {RestorePaths: []string{"managed"}},
			"a branch":         {RestoreCommit: "main"},
			"half a commit":    {RestoreCommit: "0123456789"},
			"an odd digit":     {RestoreCommit: strings.Repeat("G", 40)},
			"the structure":    {RestoreCommit: longID(1), Scope: syncv1.Scope_SCOPE_DIRECTORY},
			"outside":          restored(longID(1), "../other"),
			"everything":       restored(longID(1), ""),
			"the root":         restored(longID(1), "."),
			"a line":           restored(longID(1), "managed/a\nFgd-Sync-Id: 1"),
			"many":             restored(longID(1), slices.Repeat([]string{"managed/a"}, 1001)...),
		} {
			_, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35, Options: options})
			fails(t, name, err, errs.InvalidRequest)
		}
	})
}

// TestRestoresWaitForTheirTurn: an ordinary sync restores nothing, and a second restore is refused while one waits.
func TestRestoresWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		first := b.twoStates(1)
		g := newGate(t)
		b.on("repair", g.wait)
		active := b.start(35, nil)
		<-g.came
		ordinary, restore := b.start(35, nil), b.start(35, restored(first))
		if same := b.start(35, restored(first)); same != restore || ordinary == restore {
			t.Errorf("ordinary %s, restore %s, the same again %s", ordinary, restore, same)
		}
		_, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35, Options: restored(longID(0))})
		fails(t, "another restore", err, errs.SyncAlreadyInProgress)
		if errs.From(err).Meta["sync_id"] != restore {
			t.Errorf("refused because of %v, not %s", errs.From(err).Meta, restore)
		}
		b.on("repair", nil)
		g.open()
		for _, id := range []string{active, restore, ordinary} {
			b.expect(b.await(id), completed)
		}
		if n := count(b.called(), "restore"); n != 1 {
			t.Errorf("%d restores", n)
		}
		equal(t, "the directory", b.tree("f1"), []string{"managed/a", "manifest"})
	})
}

// TestHistoryOfAFabric: questions go to github-sync with a snapshot of their own, which is closed.
func TestHistoryOfAFabric(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		commits, err := b.DirectoryViewServiceClient.ListCommits(t.Context(), &fabricv1.ListCommitsRequest{
			FabricId: 35, Paths: []string{"managed"}, Since: timestamppb.New(time.Unix(1, 0)),
			Until: timestamppb.New(time.Unix(2, 0)), FirstParent: true, PageToken: "t",
		})
		must(t, commits, err)
		if commits.GetCommit() != b.headID() || len(commits.GetCommits()) != 2 ||
			commits.GetNextPageToken() != "[managed] 1 2 true 50tfalse" || !commits.GetTruncated() {
			t.Errorf("%v", commits)
		}
		diff, err := b.DirectoryViewServiceClient.DiffCommits(t.Context(),
			&fabricv1.DiffCommitsRequest{FabricId: 35, FromCommit: "x", Paths: []string{"raw"}})
		if must(t, diff, err); diff.GetDiff() != "from x to [raw]" || diff.GetCounts().GetUpdated() != 3 ||
			diff.GetFromCommit() != "id of x" || diff.GetToCommit() != "id of " {
			t.Errorf("%v", diff)
		}
		for _, limit := range []int32{-1, 501} {
			_, err = b.DirectoryViewServiceClient.ListCommits(t.Context(),
				&fabricv1.ListCommitsRequest{FabricId: 35, Limit: limit})
			fails(t, "limit", err, errs.InvalidRequest)
		}
		_, err = b.DirectoryViewServiceClient.ListCommits(t.Context(), &fabricv1.ListCommitsRequest{FabricId: 99})
		fails(t, "commits of no fabric", err, errs.FabricNotFound)
		_, err = b.DirectoryViewServiceClient.DiffCommits(t.Context(),
			&fabricv1.DiffCommitsRequest{FabricId: 99, FromCommit: "x"})
		fails(t, "diff of no fabric", err, errs.FabricNotFound)
		_, err = b.DirectoryViewServiceClient.DiffCommits(t.Context(), &fabricv1.DiffCommitsRequest{FabricId: 35})
		fails(t, "diff from nothing", err, errs.InvalidRequest)
		b.requireFilesAt()
		if n := b.openSnapshots(); n != 0 {
			t.Errorf("%d snapshots were left open", n)
		}
	})
}

// requireFilesAt holds that a listing names the state that it wants.
func (b *bench) requireFilesAt() {
	b.t.Helper()
	for name, test := range map[string]struct {
		req  *fabricv1.ListFilesRequest
		want string
	}{
		"head":   {&fabricv1.ListFilesRequest{}, b.headID()},
		"commit": {&fabricv1.ListFilesRequest{At: &fabricv1.ListFilesRequest_Commit{Commit: longID(0)}}, "commit-0"},
		"time": {
			&fabricv1.ListFilesRequest{At: &fabricv1.ListFilesRequest_AsOf{AsOf: timestamppb.New(time.Unix(0, 0))}},
			"commit-0",
		},
	} {
		test.req.FabricId = 35
		files, err := b.ListFiles(b.t.Context(), test.req)
		if must(b.t, files, err); files.GetCommit() != test.want {
			b.t.Errorf("%s: %s, not %s", name, files.GetCommit(), test.want)
		}
	}
}
