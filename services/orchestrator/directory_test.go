package orchestrator_test

import (
	"slices"
	"testing"

	"fgdsync.dev/libs/errs"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// health asks how the directory of fabric 35 is, and holds that one snapshot was enough to tell.
func (b *bench) health() *fabricv1.GetDirectoryHealthResponse {
	b.t.Helper()
	b.forgetCalls()
	response, err := b.GetDirectoryHealth(b.t.Context(), &fabricv1.GetDirectoryHealthRequest{FabricId: 35})
	must(b.t, response, err)
	if opened := slices.DeleteFunc(b.called(), func(call string) bool { return call != "open" }); len(opened) != 1 {
		b.t.Errorf("%d snapshots were opened for one answer", len(opened))
	}
	return response
}

func (b *bench) requireHealth(when string, want fabricv1.DirectoryStatus,
	reasons ...string,
) *fabricv1.GetDirectoryHealthResponse {
	b.t.Helper()
	got := b.health()
	if got.GetStatus() != want || !slices.Equal(got.GetReasons(), reasons) {
		b.t.Errorf("%s: %v because of %q, not %v because of %q", when, got.GetStatus(), got.GetReasons(), want, reasons)
	}
	return got
}

const (
	healthy   = fabricv1.DirectoryStatus_DIRECTORY_STATUS_HEALTHY
	degraded  = fabricv1.DirectoryStatus_DIRECTORY_STATUS_DEGRADED
	unhealthy = fabricv1.DirectoryStatus_DIRECTORY_STATUS_UNHEALTHY

	changed = "The directory has changed since a sync completed last."
)

// TestHealthFollowsContents: what waits, what is in quarantine, and what a sync makes of it.
func TestHealthFollowsContents(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		g := newGate(t)
		b.on("repair", g.wait)
		b.drop("f1", "a")
		created, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: definition(35, "f1")})
		must(t, created, err)
		<-g.came
		fresh := b.requireHealth("fresh", degraded, "One file waits for a sync, and none starts by itself.",
			"No sync has ended yet.")
		if fresh.GetLastSync() != nil || fresh.GetWaitingFiles() != 1 || fresh.GetCommit() != b.headID() {
			t.Errorf("fresh: %v", fresh)
		}
		g.open()
		first := b.await(created.GetSyncId())
		synced := b.requireHealth("synced", healthy)
		if synced.GetResources() != 1 || synced.GetLastSync().GetSyncId() != first.GetSyncId() || synced.GetLastSync().
			GetResult() != nil ||
			!synced.GetReport().GetValid() || synced.GetChangedSinceLastSync() || synced.GetCommit() != first.GetResult().
			GetCommitSha() {
			t.Errorf("synced: %v", synced)
		}
		b.drop("f1", "bad 1")
		b.drop("f1", "bad unknown")
		if dirty := b.requireHealth("dirty", degraded, "2 files wait for a sync, and none starts by itself.",
			changed); !dirty.GetChangedSinceLastSync() {
			t.Errorf("dirty: %v", dirty)
		}
		b.expect(b.sync(35, &syncv1.SyncOptions{ValidateOnly: true}), completed)
		b.expect(b.sync(35, &syncv1.SyncOptions{Scope: syncv1.Scope_SCOPE_DIRECTORY}), completed)
		b.requireHealth("after a dry run and a repair", degraded,
			"2 files wait for a sync, and none starts by itself.", changed)
		b.expect(b.sync(35, nil), completed)
		bad := b.requireHealth("quarantined", degraded, "2 files are in quarantine.")
		if by := bad.GetQuarantinedByCode(); bad.GetQuarantinedFiles() != 2 || len(by) != 2 || by[errs.InvalidYAML.ID] != 1 ||
			by[""] != 1 {
			t.Errorf("quarantined: %v", bad)
		}
		b.remove("f1", "unmanaged/bad 1")
		b.remove("f1", "unmanaged/bad unknown")
		b.requireHealth("removed", degraded, changed)
		b.expect(b.sync(35, nil), completed)
		b.requireHealth("clean", healthy)
		if n := b.openSnapshots(); n != 0 {
			t.Errorf("%d snapshots were left open", n)
		}
	})
}

func TestHealthFollowsStructure(t *testing.T) {
	t.Parallel()
	issue := func(code errs.Code, severity reportv1.Severity, repairable bool) *directoryv1.Issue {
		return &directoryv1.Issue{Finding: &reportv1.Finding{Code: code.ID, Severity: severity}, CanAutoRepair: repairable}
	}
	const warning, failure = reportv1.Severity_SEVERITY_WARNING, reportv1.Severity_SEVERITY_ERROR
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		for name, c := range map[string]struct {
			issue  *directoryv1.Issue
			status fabricv1.DirectoryStatus
			reason []string
		}{
			"a repairable error": {
				issue(errs.StructureIncomplete, failure, true), degraded,
				[]string{"One thing in the structure is repaired by the next sync."},
			},
			"an error": {
				issue(errs.DirectoryRepairFailed, failure, false), unhealthy,
				[]string{"One error of the structure has to be mended by somebody."},
			},
			"a warning": {
				issue(errs.StrayFile, warning, false), degraded,
				[]string{"One thing in the structure wants a look."},
			},
			"what waits elsewhere": {issue(errs.StrayFile, warning, true), healthy, nil}, // is among the files that wait
		} {
			b.find(c.issue)
			if got := b.requireHealth(name, c.status, c.reason...); len(got.GetReport().GetIssues()) != 1 {
				t.Errorf("%s: %v", name, got.GetReport())
			}
		}
		b.find(issue(errs.StructureIncomplete, failure, true), issue(errs.DirectoryRepairFailed, failure, false),
			issue(errs.DirectoryRepairFailed, failure, false))
		b.requireHealth("the worst counts", unhealthy, "2 errors of the structure have to be mended by somebody.",
			"One thing in the structure is repaired by the next sync.")
	})
}

func TestHealthFollowsSyncs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fail("open", 99, errs.New(errs.BranchNotFound, "The repository has no branch."))
		created, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: definition(35, "f1")})
		b.expect(b.await(must(t, created, err).GetSyncId()), failed)
		gone := b.requireHealth("no branch", unhealthy,
			"The directory can't be read: The repository has no branch.",
			"The last sync failed: The repository has no branch.", "No sync has completed yet.")
		if gone.GetCommit() != "" || gone.GetReport() != nil {
			t.Errorf("no branch: %v", gone)
		}
		b.fail("open", 1, errs.New(errs.GitHubConnectionFailed, "away"))
		_, err = b.GetDirectoryHealth(t.Context(), &fabricv1.GetDirectoryHealthRequest{FabricId: 35})
		fails(t, "the host is away", err, errs.GitHubConnectionFailed)
		b.expect(b.sync(35, nil), completed)
		b.requireHealth("mended", healthy)
		b.fail("publish", 99, errs.New(errs.PushRejected, "No."))
		b.drop("f1", "a")
		broken := b.sync(35, nil)
		b.expect(broken, failed)
		if got := b.requireHealth("a refused push", unhealthy, "One file waits for a sync, and none starts by itself.",
			"The last sync failed: No.", changed); got.GetLastSync().GetSyncId() != broken.GetSyncId() {
			t.Errorf("a refused push: %v", got)
		}
		_, err = b.GetDirectoryHealth(t.Context(), &fabricv1.GetDirectoryHealthRequest{FabricId: 99})
		fails(t, "no fabric", err, errs.FabricNotFound)
		for _, stage := range []string{"validate", "discover", "quarantine"} {
			b.fail(stage, 1, errs.New(errs.ServiceUnavailable, "away"))
			_, err = b.GetDirectoryHealth(t.Context(), &fabricv1.GetDirectoryHealthRequest{FabricId: 35})
			fails(t, stage, err, errs.ServiceUnavailable)
		}
		if n := b.openSnapshots(); n != 0 {
			t.Errorf("%d snapshots were left open", n)
		}
	})
}

// TestACancelledSyncIsNoHealth: nobody knows whether the directory is as it should be.
func TestACancelledSyncIsNoHealth(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		g := newGate(t)
		b.on("ingest", g.wait)
		id := b.start(35, &syncv1.SyncOptions{ForceRefresh: true})
		<-g.came
		_, err := b.CancelSync(t.Context(), &syncv1.CancelSyncRequest{SyncId: id})
		must(t, id, err)
		g.open()
		b.expect(b.await(id), syncv1.State_STATE_CANCELLED)
		b.requireHealth("cancelled", degraded, "The last sync was cancelled.")
	})
}

func TestChangesSinceACommit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fail("open", 2, errs.New(errs.BranchNotFound, "The repository has no branch.")) // also at the registration
		created, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: definition(35, "f1")})
		b.expect(b.await(must(t, created, err).GetSyncId()), failed)
		_, err = b.DirectoryViewServiceClient.ListChanges(t.Context(), &fabricv1.ListChangesRequest{FabricId: 35})
		fails(t, "no sync to compare with", err, errs.NoCompletedSync)

		b.drop("f1", "a")
		made := b.sync(35, nil)
		b.expect(made, completed)
		b.requireChanges("since its own commit", "", made.GetResult().GetCommitSha())
		b.drop("f1", "b")
		b.remove("f1", "managed/a")
		dry := b.sync(35, &syncv1.SyncOptions{ValidateOnly: true})
		b.expect(dry, completed)
		b.requireChanges("since the last sync, which no dry run is", "", made.GetResult().GetCommitSha(), "-managed/a",
			"+raw/b")
		b.requireChanges("since the beginning", "commit-0", "commit-0", "+manifest", "+raw/b")

		b.expect(b.sync(35, nil), completed)
		unchanged := b.sync(35, nil)
		b.expect(unchanged, completed)
		if unchanged.GetResult().GetCommitSha() != "" {
			t.Fatalf("made a commit: %v", unchanged.GetResult())
		}
		b.requireChanges("since a sync that had nothing to do", "", unchanged.GetResult().GetBaseCommit())

		_, err = b.DirectoryViewServiceClient.ListChanges(t.Context(),
			&fabricv1.ListChangesRequest{FabricId: 35, SinceCommit: "nonsense"})
		fails(t, "no such commit", err, errs.CommitNotFound)
		_, err = b.DirectoryViewServiceClient.ListChanges(t.Context(), &fabricv1.ListChangesRequest{FabricId: 99})
		fails(t, "no fabric", err, errs.FabricNotFound)
		if n := b.openSnapshots(); n != 0 {
			t.Errorf("%d snapshots were left open", n)
		}
	})
}

// requireChanges holds what has changed, as "+path" and "-path".
func (b *bench) requireChanges(when, since, from string, want ...string) {
	b.t.Helper()
	response, err := b.DirectoryViewServiceClient.ListChanges(b.t.Context(),
		&fabricv1.ListChangesRequest{FabricId: 35, SinceCommit: since})
	must(b.t, response, err)
	var got []string
	for _, change := range response.GetChanges() {
		sign := "+"
		if change.GetKind() == gitv1.FileChangeKind_FILE_CHANGE_KIND_REMOVED {
			sign = "-"
		}
		got = append(got, sign+change.GetPath())
	}
	equal(b.t, when, got, want)
	if response.GetSinceCommit() != from || response.GetCommit() != b.headID() {
		b.t.Errorf("%s: from %s to %s, not from %s to %s", when, response.GetSinceCommit(), response.GetCommit(), from,
			b.headID())
	}
}
