package orchestrator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// pages reads a list in pages of two, and holds that they are the whole list.
func pages(
	t *testing.T, what string, total int32, read func(limit int32, token string) (items []string, next string, err error),
) {
	t.Helper()
	whole, next, err := read(0, "")
	if must(t, whole, err); next != "" || total > 0 && int(total) != len(whole) {
		t.Errorf("%s: %d in all, then %q", what, len(whole), next)
	}
	var got []string
	for token, first := "", true; first || token != ""; first = false {
		items, next, err := read(2, token)
		if must(t, items, err); len(items) > 2 {
			t.Errorf("%s: a page of %d", what, len(items))
		}
		got, token = append(got, items...), next
	}
	if len(whole) < 3 || !slices.Equal(got, whole) {
		t.Errorf("%s: the pages have %q, the list %q", what, got, whole)
	}
	_, _, err = read(2, "nonsense")
	refusesField(t, what, err, "page_token")
}

// refusesField holds that a call failed because of a field, by the name that the caller has for it.
func refusesField(t *testing.T, what string, err error, field string) {
	t.Helper()
	if !errs.HasCode(err, errs.InvalidRequest) || errs.From(err).Meta[errs.FieldKey] != field {
		t.Errorf("%s: got %v, %v; want field %s", what, err, errs.From(err).Meta, field)
	}
}

func TestListsComeInPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		for id := range int32(5) {
			b.fabric(b.stages, id+1, fmt.Sprint("f", id+1))
		}
		for i := range 5 {
			b.drop("f1", fmt.Sprint("bad ", i))
		}
		b.expect(b.sync(1, nil), completed)
		b.drop("f1", "x")
		b.drop("f1", "y")
		b.drop("f1", "z")
		pages(t, "fabrics", 5, func(limit int32, token string) (out []string, next string, err error) {
			got, err := b.ListFabrics(t.Context(), &fabricv1.ListFabricsRequest{Limit: limit, PageToken: token})
			for _, f := range got.GetFabrics() {
				out = append(out, f.GetName())
			}
			return out, got.GetNextPageToken(), err
		})
		pages(t, "files", 5, func(limit int32, token string) (out []string, next string, err error) {
			got, err := b.ListFiles(t.Context(), &fabricv1.ListFilesRequest{FabricId: 1, Limit: limit, PageToken: token})
			for _, f := range got.GetFiles() {
				out = append(out, f.GetEntry().GetPath())
			}
			return out, got.GetNextPageToken(), err
		})
		pages(t, "quarantine", 5, func(limit int32, token string) (out []string, next string, err error) {
			got, err := b.DirectoryViewServiceClient.ListQuarantine(t.Context(),
				&fabricv1.ListQuarantineRequest{FabricId: 1, Limit: limit, PageToken: token})
			for _, f := range got.GetFiles() {
				out = append(out, f.GetFile().GetPath())
			}
			return out, got.GetNextPageToken(), err
		})
		pages(t, "changes", 3, func(limit int32, token string) (out []string, next string, err error) {
			got, err := b.DirectoryViewServiceClient.ListChanges(t.Context(),
				&fabricv1.ListChangesRequest{FabricId: 1, Limit: limit, PageToken: token})
			for _, c := range got.GetChanges() {
				out = append(out, c.GetPath())
			}
			return out, got.GetNextPageToken(), err
		})
	})
}

// TestDeadLettersComeInPages: those of all shards, oldest first, none twice and none left out.
func TestDeadLettersComeInPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		for i := range int32(7) {
			b.add(i%3, fmt.Sprint("\xff no work entry ", i))
		}
		for shard := range int32(3) {
			b.idle(shard)
		}
		pages(t, "dead letters", 7, func(limit int32, token string) (out []string, next string, err error) {
			got, err := b.ListDeadLetters(t.Context(), &adminv1.ListDeadLettersRequest{Limit: limit, PageToken: token})
			for _, l := range got.GetDeadLetters() {
				out = append(out, l.GetId())
			}
			if at := got.GetDeadLetters(); limit > 0 && len(at) > 1 &&
				at[1].GetTime().AsTime().Before(at[0].GetTime().AsTime()) {
				t.Errorf("%s comes after %s", at[0], at[1])
			}
			return out, got.GetNextPageToken(), err
		})
	})
}

// TestARefusalNamesItsField (A4): whoever refuses, the rules of the contract or a room behind them.
func TestARefusalNamesItsField(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		for field, spoil := range map[string]func(*fabricv1.Fabric){
			"fabric.fabric_id":               func(f *fabricv1.Fabric) { f.FabricId = -1 },
			"fabric.name":                    func(f *fabricv1.Fabric) { f.Name = "a\u0007b" },
			"fabric.location":                func(f *fabricv1.Fabric) { f.Location = nil },
			"fabric.location.branch":         func(f *fabricv1.Fabric) { f.Location.Branch = "" },
			"fabric.location.repository_url": func(f *fabricv1.Fabric) { f.Location.RepositoryUrl = "" },
			"fabric.sync_interval_seconds":   func(f *fabricv1.Fabric) { f.SyncIntervalSeconds = -1 },
		} {
			f := definition(36, "f2")
			spoil(f)
			_, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: f})
			refusesField(t, field, err, field)
		}
		for field, options := range map[string]*syncv1.SyncOptions{
			"options.restore_commit":   {RestoreCommit: "main"},
			"options.retry_paths[1]":   {RetryPaths: []string{"unmanaged/a", "unmanaged/../raw/a"}},
			"options.retry_paths[0]":   {RetryPaths: []string{"unmanaged/" + strings.Repeat("a", 4096)}},
			"options.release_paths[0]": {ReleasePaths: []string{"raw/a"}},
			"options.restore_paths[0]": {RestoreCommit: longID(1), RestorePaths: []string{"../other"}},
		} {
			_, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35, Options: options})
			refusesField(t, field, err, field)
		}
		_, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{
			Fabric: definition(36, "f2"), FirstSync: &syncv1.SyncOptions{RetryPaths: []string{"unmanaged//a"}},
		})
		refusesField(t, "first sync", err, "first_sync.retry_paths[0]")
		_, err = b.GetFabric(t.Context(), &fabricv1.GetFabricRequest{FabricId: 36})
		fails(t, "a fabric whose first sync was refused", err, errs.FabricNotFound)
		_, err = b.SuspendFabric(t.Context(), &fabricv1.SuspendFabricRequest{FabricId: 35, Reason: "two\nlines"})
		refusesField(t, "reason", err, "reason")
		_, err = b.ListSyncs(t.Context(), &syncv1.ListSyncsRequest{FabricId: 35, Limit: 501})
		refusesField(t, "limit", err, "limit")
	})
}

// TestTheLogSaysWhatHasChanged: one line for each change of a state, with whose it is.
func TestTheLogSaysWhatHasChanged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.suspend(35, "a pause")
		resumed, err := b.ResumeFabric(b.as("Ada"), &fabricv1.ResumeFabricRequest{FabricId: 35})
		b.expect(b.await(must(t, resumed, err).GetSyncId()), completed)
		b.fail("open", 99, errs.New(errs.GitHubNotFound, "gone"))
		broken := b.sync(35, nil)
		b.expect(broken, failed)
		renamed := definition(35, "f1")
		renamed.Name = "renamed"
		if _, err := b.UpdateFabric(t.Context(), &fabricv1.UpdateFabricRequest{Fabric: renamed}); err != nil {
			t.Fatal(err)
		}
		b.idle(35)
		if _, err := b.DeleteFabric(t.Context(), &fabricv1.DeleteFabricRequest{FabricId: 35}); err != nil {
			t.Fatal(err)
		}
		for _, message := range []string{
			"fabric registered", "fabric suspended", "fabric resumed", "fabric updated", "fabric deleted",
		} {
			if found := b.log.of(message, "fabric_id", 35); len(found) != 1 {
				t.Errorf("%q is in the log %d times", message, len(found))
			}
		}
		for _, message := range []string{"sync accepted", "sync ended"} {
			if found := b.log.of(message, "sync_id", broken.GetSyncId()); len(found) != 1 ||
				fmt.Sprint(found[0]["fabric_id"]) != "35" {
				t.Errorf("%q is in the log as %v", message, found)
			}
		}
		if end := b.log.of("sync ended", "sync_id", broken.GetSyncId())[0]; end["level"] != "WARN" ||
			end["code"] != errs.GitHubNotFound.ID || end["state"] != "failed" {
			t.Errorf("it ended with %v", end)
		}
		if by := b.log.of("fabric resumed", "fabric_id", 35)[0]["requested_by"]; by != "Ada" {
			t.Errorf("resumed by %v", by)
		}
	})
}

// TestTheLogFollowsARequest: a line says that its sync is accepted, and one after it that the sync ended, with the id
// of the request in both.
func TestTheLogFollowsARequest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		for number := range 20 {
			id := fmt.Sprintf("request-%d", number)
			response, err := b.StartSync(rpc.WithCorrelationID(t.Context(), id), &syncv1.StartSyncRequest{FabricId: 35})
			b.expect(b.await(must(t, response, err).GetSyncId()), completed)
			b.idle(35)
			syncID := response.GetSyncId()
			accepted := b.log.of("sync accepted", "sync_id", syncID)
			ended := b.log.of("sync ended", "request_correlation_id", id)
			if len(accepted) != 1 || len(ended) != 1 || ended[0]["sync_id"] != syncID {
				t.Fatalf("the log has %v and %v of %s", accepted, ended, id)
			}
			if !b.log.before("sync accepted", "sync ended", syncID) {
				t.Fatalf("sync %d ended before it was accepted", number)
			}
		}
	})
}
