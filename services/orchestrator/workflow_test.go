package orchestrator_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/redistest"
)

const (
	completed = syncv1.State_STATE_COMPLETED
	failed    = syncv1.State_STATE_FAILED
	cancelled = syncv1.State_STATE_CANCELLED
)

func TestASyncWalksItsStagesInOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.drop("f1", "a")
		b.drop("f1", "bad")
		id := b.start(35, nil)
		told := b.watch(id)
		got := b.get(id)
		b.expect(got, completed)
		equal(t, "states", states(got), []string{
			"initializing", "validating", "discovering", "processing", "syncing",
			"reconciling", "completed",
		})
		equal(t, "calls", b.called("check", "close"), []string{
			"open", "repair", "discover", "ingest", "quarantine", "publish",
		})
		equal(t, "told", slices.DeleteFunc(types(told), func(s string) bool { return s == "sync.progress" }), []string{
			"sync.started", "sync.stage_completed", "sync.stage_completed", "sync.error", "sync.file_processed",
			"sync.file_processed",
			"sync.stage_completed", "sync.stage_completed", "sync.stage_completed", "sync.completed",
		})
		equal(t, "bus", b.bus(35, id), []string{
			"sync.started", "directory.validated", "sync.stage_completed", "files.discovered", "sync.stage_completed",
			"file.processed", "file.quarantined", "sync.stage_completed", "github.committed", "resource.created",
			"sync.stage_completed",
			"sync.stage_completed", "sync.completed",
		})
		if len(got.GetProgress().GetStagesCompleted()) != 5 || got.GetProgress().GetPercentComplete() != 100 {
			t.Errorf("progress %v", got.GetProgress())
		}
		result := got.GetResult()
		if result.GetCommitSha() != b.head().id || result.GetCommitUrl() == "" || result.GetFilesQuarantined() != 1 ||
			result.GetResourcesTotal() != 1 || result.GetFiles().GetCreated() != 1 {
			t.Errorf("result %v", result)
		}
		if len(got.GetErrors()) != 1 || got.GetErrors()[0].GetCode() != "FGD_1001" || got.GetErrors()[0].GetLine() != 3 {
			t.Errorf("errors %v", got.GetErrors())
		}
		last := int32(0)
		for _, e := range told {
			if e.GetProgress().GetPercentComplete() < last {
				t.Errorf("progress goes back: %v", told)
			}
			last = e.GetProgress().GetPercentComplete()
		}
		b.idle(35)
		if n := b.openSnapshots(); n != 0 {
			t.Errorf("%d snapshots were left open", n)
		}
	})
}

func TestTheCommitSaysWhereItComesFrom(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.drop("f1", "a")
		got := b.sync(35, nil)
		message := b.published()[1]
		for _, want := range []string{
			"Sync fabric fabric of f1: add 1\n", "Resources: 1 created, 0 updated, 1 in all.\n", "\nFgd-Sync-Id: " +
				got.GetSyncId() + "\n",
			"\nFgd-Fabric: fabric of f1 (35)\n", "\nFgd-Trigger: manual\n", "\nRequested-by: Jo jo@example.com\n",
		} {
			if !strings.Contains(message, want) {
				t.Errorf("no %q in:\n%s", want, message)
			}
		}
	})
}

func TestNothingChangedNothingCommitted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		got := b.sync(35, nil)
		b.expect(got, completed)
		if got.GetResult().GetCommitSha() != "" || slices.Contains(b.called(), "publish") || len(b.published()) != 1 {
			t.Errorf("committed %q; called %v", got.GetResult().GetCommitSha(), b.called())
		}
		if slices.Contains(b.bus(35, got.GetSyncId()), "github.committed") {
			t.Error("told of a commit")
		}
	})
}

func TestADryRunChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.drop("f1", "a")
		got := b.sync(35, &syncv1.SyncOptions{ValidateOnly: true})
		b.expect(got, completed)
		equal(t, "calls", b.called("check", "close"), []string{"open", "repair", "discover", "ingest", "diff"})
		if b.diff(got.GetSyncId()) != "+a\n+b\n" || got.GetResult().GetFiles().GetCreated() != 2 || got.GetResult().
			GetCommitSha() != "" || len(b.published()) != 1 {
			t.Errorf("result %v", got.GetResult())
		}
		if slices.Contains(b.bus(35, got.GetSyncId()), "resource.created") {
			t.Error("told of a resource that is not there")
		}
		after := b.bus(35, b.sync(35, nil).GetSyncId()) // and the index was not touched: it is new now
		if !slices.Contains(after, "resource.created") {
			t.Errorf("bus %v", after)
		}
	})
}

func TestARepairLeavesDocumentsAlone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.drop("f1", "a")
		got := b.sync(35, &syncv1.SyncOptions{Scope: syncv1.Scope_SCOPE_DIRECTORY})
		b.expect(got, completed)
		equal(t, "calls", b.called("check", "close"), []string{"open", "repair"})
		equal(t, "states", states(got), []string{"initializing", "validating", "syncing", "reconciling", "completed"})
	})
}

// TestABranchThatMovedIsFollowed: each time somebody else was faster, the sync starts over from the new head, and what
// that one wrote is in the end part of it.
func TestABranchThatMovedIsFollowed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.drop("f1", "a")
		left := []string{"b", "c", "d"}
		b.on("publish", func(context.Context) error {
			if len(left) > 0 {
				b.drop("f1", left[0])
				left = left[1:]
			}
			return nil
		})
		got := b.sync(35, nil)
		b.expect(got, completed)
		if got.GetAttempt() != 4 || got.GetResult().GetResourcesTotal() != 4 || len(b.published()) != 2 ||
			b.head().files["f1"] != "manifest\nmanaged/a\nmanaged/b\nmanaged/c\nmanaged/d" {
			t.Errorf("after %d attempts: %v; head %q", got.GetAttempt(), got.GetResult(), b.head().files["f1"])
		}
		var causes []string
		for _, move := range got.GetTransitions() {
			if move.GetTo() == syncv1.State_STATE_RETRYING {
				causes = append(causes, move.GetCause())
			}
		}
		if len(causes) != 3 || !strings.HasPrefix(causes[0], "FGD_4007 BRANCH_MOVED") {
			t.Errorf("causes %q", causes)
		}
		b.idle(35)
		if n := b.openSnapshots(); n != 0 {
			t.Errorf("%d snapshots were left open", n)
		}
	})
}

func TestABranchThatKeepsMovingIsGivenUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.drop("f1", "a")
		n := 0
		b.on("publish", func(context.Context) error { n++; b.drop("f1", strings.Repeat("x", n)); return nil })
		got := b.sync(35, nil)
		b.expect(got, failed)
		if n != 6 || got.GetErrors()[0].GetCode() != "FGD_4007" || got.GetErrors()[0].GetRemedy() == "" {
			t.Errorf("after %d pushes: %v", n, got.GetErrors())
		}
	})
}

// TestAFailureHasItsCodeAndItsRemedy: whatever stage fails and however, the sync says so, and the next one can run.
func TestAFailureHasItsCodeAndItsRemedy(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		permanent := errs.New(errs.PushRejected, "The host refused.").WithRemedy("Ask the owner.")
		transient := errs.New(errs.GitHubConnectionFailed, "The host is away.").WithRemedy("Wait.")
		throttled := errs.New(errs.GitHubRateLimited, "Too much.").WithRetryAfter(2 * time.Millisecond)
		defect := errs.New(errs.InternalError, "An internal error occurred.")
		for _, stage := range []string{"open", "repair", "discover", "ingest", "publish"} {
			for _, c := range []struct {
				err    *errs.Error
				tries  int
				remedy string
			}{
				{permanent, 1, "Ask the owner."},
				{transient, 3, "Wait."},
				{throttled, 3, errs.GitHubRateLimited.Remedy},
				{defect, 1, errs.InternalError.Remedy},
			} {
				b.drop("f1", "a"+stage+c.err.Code.ID)
				b.forgetCalls()
				b.fail(stage, 99, c.err)
				got := b.sync(35, nil)
				b.expect(got, failed)
				tries := 0
				for _, call := range b.called() {
					if call == stage {
						tries++
					}
				}
				e := got.GetErrors()[0]
				if tries != c.tries || e.GetCode() != c.err.Code.ID || e.GetName() != c.err.Code.Name ||
					e.GetMessage() != c.err.Message || e.GetRemedy() != c.remedy {
					t.Errorf("%s, %s: %d tries, %v", stage, c.err.Code.ID, tries, e)
				}
				if r := got.GetResult(); r.GetResourcesTotal() != 0 || r.GetFilesQuarantined() != 0 || r.GetFiles() != nil ||
					r.GetTree() != "" {
					t.Errorf("%s, %s: a result as if it were published: %v", stage, c.err.Code.ID, r)
				}
				b.on(stage, nil)
				b.idle(35) // the lock is free
				b.expect(b.sync(35, nil), completed)
			}
		}
		if n := b.openSnapshots(); n != 0 {
			t.Errorf("%d snapshots were left open", n)
		}
	})
}

func TestATransientFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.drop("f1", "bad")
		b.fail("publish", 2, errs.New(errs.GitHubConnectionFailed, "The host is away."))
		got := b.sync(35, nil)
		b.expect(got, completed)
		if got.GetAttempt() != 3 || len(got.GetErrors()) != 1 || got.GetErrors()[0].GetCode() != "FGD_1001" ||
			len(b.published()) != 2 {
			t.Errorf("attempt %d, errors %v, commits %v", got.GetAttempt(), got.GetErrors(), b.published())
		}
		if started := len(slices.DeleteFunc(types(b.watch(got.GetSyncId())),
			func(s string) bool { return s != "sync.started" })); started != 3 {
			t.Errorf("told %d times that it started", started)
		}
	})
}

func TestASnapshotThatIsGoneIsOpenedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.drop("f1", "a")
		b.fail("ingest", 1, errs.New(errs.SnapshotNotFound, "The snapshot is gone."))
		got := b.sync(35, nil)
		b.expect(got, completed)
		if got.GetAttempt() != 2 || len(b.published()) != 2 {
			t.Errorf("attempt %d, commits %v", got.GetAttempt(), b.published())
		}
	})
}

func TestADirectoryThatCannotBeMendedStopsTheSync(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.drop("f1", "a")
		b.issues = []*directoryv1.Issue{{Finding: &reportv1.Finding{
			Severity: reportv1.Severity_SEVERITY_ERROR,
			Code:     "FGD_2004", File: "raw", Message: "A file is in the way.",
		}}}
		got := b.sync(35, nil)
		b.expect(got, failed)
		if len(got.GetErrors()) != 2 || got.GetErrors()[0].GetCode() != "FGD_2004" || got.GetErrors()[0].GetRemedy() == "" ||
			got.GetErrors()[1].GetFile() != "raw" || len(b.published()) != 1 {
			t.Errorf("errors %v", got.GetErrors())
		}
	})
}

func TestADirectoryIsMadeOnlyIfWanted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.missing = true
		fabric := definition(35, "f1")
		fabric.Options = &fabricv1.Options{AutoInitialize: proto.Bool(false)}
		created, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: fabric})
		got := b.await(must(t, created, err).GetSyncId())
		b.expect(got, failed)
		if got.GetErrors()[0].GetCode() != "FGD_2001" || len(b.published()) != 0 {
			t.Errorf("errors %v, commits %v", got.GetErrors(), b.published())
		}
		created, err = b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: definition(36, "f2")})
		got = b.await(must(t, created, err).GetSyncId())
		b.expect(got, completed)
		if made := got.GetResult().GetRepairsMade(); len(made) == 0 || !strings.Contains(made[0], "f2, which was not there") {
			t.Errorf("it is not said that the directory is new: %q", made)
		}
		if !slices.Contains(b.bus(36, got.GetSyncId()), "directory.initialized") ||
			got.GetTrigger() != syncv1.Trigger_TRIGGER_FABRIC_CREATED {
			t.Errorf("bus %v, trigger %s", b.bus(36, got.GetSyncId()), got.GetTrigger())
		}
	})
}

func TestASyncThatTakesTooLongEnds(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.SyncTimeout = time.Second
	b := newBench(t, redistest.Start(t).URL(), cfg)
	b.fabric(b.stages, 35, "f1")
	g := newGate(t)
	b.on("ingest", g.wait)
	got := b.sync(35, nil)
	b.expect(got, failed)
	if got.GetErrors()[0].GetCode() != "FGD_3002" {
		t.Errorf("errors %v", got.GetErrors())
	}
	b.on("ingest", nil)
	b.expect(b.sync(35, nil), completed)
}

func TestResourcesAreFollowed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		kinds := func(id string) []string {
			return slices.DeleteFunc(b.bus(35, id), func(s string) bool { return !strings.HasPrefix(s, "resource.") })
		}
		b.drop("f1", "a")
		equal(t, "added", kinds(b.sync(35, nil).GetSyncId()), []string{"resource.created"})
		equal(t, "unchanged", kinds(b.sync(35, nil).GetSyncId()), nil)
		b.mu.Lock()
		b.push("f1", "manifest", "by hand")
		b.mu.Unlock()
		equal(t, "removed by hand", kinds(b.sync(35, nil).GetSyncId()), []string{"resource.deleted"})
	})
}

// TestADirectoryThatWasEmptied: when nothing is left of what the last sync had, that is said once, however little it
// was; not when something is left, nor of a directory that never had anything.
func TestADirectoryThatWasEmptied(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		told := func(what string, want ...string) {
			t.Helper()
			var got []string
			for _, f := range b.sync(35, nil).GetWarnings() {
				if f.GetCode() == errs.DirectoryEmptied.ID {
					got = append(got, f.GetMessage())
				}
			}
			equal(t, what, got, want)
		}
		told("empty from the start")
		b.drop("f1", "a")
		b.drop("f1", "b")
		told("filled")
		b.mu.Lock()
		b.push("f1", "managed/a\nmanifest", "by hand")
		b.mu.Unlock()
		told("one is left")
		b.mu.Lock()
		b.push("f1", "manifest", "by hand")
		b.mu.Unlock()
		told("emptied", "none of the 1 resources that the directory had in the last sync is there any more")
		told("empty")
	})
}

// TestLongPathsFitIntoEvents: hundreds of them are more than one entry of a stream holds. The sync comes to its end all
// the same.
// TestTheIngestionKnowsWhatTheLastSyncLeft: also when it is to read everything anew.
func TestTheIngestionKnowsWhatTheLastSyncLeft(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1") // which starts a sync
		b.drop("f1", "a")
		b.sync(35, nil)
		b.sync(35, nil)
		b.sync(35, &syncv1.SyncOptions{ForceRefresh: true})
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.ingests) != 4 || b.ingests[3].GetKnownDigest() != "" || b.ingests[2].GetKnownDigest() == "" {
			t.Fatalf("%d ingestions", len(b.ingests))
		}
		for i, req := range b.ingests {
			if req.GetLastResourcesComplete() != (i > 0) || len(req.GetLastResources()) > 0 != (i > 1) {
				t.Errorf("ingestion %d was told of %v, complete %v", i, req.GetLastResources(), req.GetLastResourcesComplete())
			}
		}
	})
}

func TestLongPathsFitIntoEvents(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f")
		names := make([]string, 200)
		for i := range names {
			names[i] = fmt.Sprint(i, strings.Repeat("/folder", 600))
		}
		b.drop("f", strings.Join(names, "\nraw/"))
		s := b.sync(35, nil)
		if s.GetState() != completed {
			t.Fatalf("the sync is %s", s.GetState())
		}
		bus := b.bus(35, s.GetSyncId())
		for _, event := range []string{"file.processed", "resource.created"} {
			if !slices.Contains(bus, event) {
				t.Errorf("the bus has no %s", event)
			}
		}
	})
}
