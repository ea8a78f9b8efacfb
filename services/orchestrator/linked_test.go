package orchestrator_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

func linkTo(url string) *fabricv1.NetBoxLink {
	return &fabricv1.NetBoxLink{Url: url, TokenRef: "env:NETBOX_TOKEN"}
}

// linked registers a fabric that a NetBox shows, and waits for its first sync.
func (n *node) linked(s *stages, id int32, directory string) *fabricv1.Fabric {
	n.t.Helper()
	fabric := definition(id, directory)
	fabric.Netbox = linkTo("https://netbox.example.com")
	created, err := n.CreateFabric(n.t.Context(), &fabricv1.CreateFabricRequest{Fabric: fabric})
	n.expect(n.await(must(n.t, created, err).GetSyncId()), completed)
	s.forgetCalls()
	return created.GetFabric()
}

// shown is what is listed of the fabrics that a NetBox shows.
func (n *node) shown() []*fabricv1.LinkedFabric {
	n.t.Helper()
	response, err := n.ListLinkedFabrics(n.t.Context(), &fabricv1.ListLinkedFabricsRequest{})
	return must(n.t, response, err).GetFabrics()
}

// requireLeft holds that a fabric shows what a sync left, and nothing of those after it but how the last one ended.
func (n *node) requireLeft(what string, by *syncv1.Sync, commit string, lastError string, last *syncv1.Sync) {
	n.t.Helper()
	shown := n.shown()
	if len(shown) != 1 {
		n.t.Fatalf("%s: listed are %v", what, shown)
	}
	fabric, err := n.GetFabric(n.t.Context(), &fabricv1.GetFabricRequest{FabricId: shown[0].GetFabricId()})
	if err != nil || !proto.Equal(shown[0].GetRegisteredAt(), fabric.GetFabric().GetCreatedAt()) {
		n.t.Errorf("%s: it was registered at %v: %v", what, shown[0].GetRegisteredAt(), err)
	}
	got, left := shown[0], shown[0].GetPublished()
	if left.GetSyncId() != by.GetSyncId() || left.GetCommit() != commit || commit == "" ||
		!proto.Equal(left.GetCompletedAt(), by.GetCompletedAt()) {
		n.t.Errorf("%s: left is %v, want what %s left at %q", what, left, by.GetSyncId(), commit)
	}
	if !strings.Contains(got.GetLastError(), lastError) || (got.GetLastError() == "") != (lastError == "") ||
		!proto.Equal(got.GetLastSyncAt(), last.GetCompletedAt()) || got.GetSyncing() {
		n.t.Errorf("%s: the last sync is %v", what, got)
	}
}

// requireAlone holds that a linked fabric can be asked for by itself, and is no more than it is among all; one that is
// not linked has nothing to show, and one that is not there is not found.
func (n *node) requireAlone(linked, unlinked int32) {
	n.t.Helper()
	alone, err := n.ListLinkedFabrics(n.t.Context(), &fabricv1.ListLinkedFabricsRequest{FabricId: linked})
	if got := must(n.t, alone, err).GetFabrics(); len(got) != 1 || !proto.Equal(got[0], n.shown()[0]) {
		n.t.Errorf("alone it is %v", got)
	}
	other, err := n.ListLinkedFabrics(n.t.Context(), &fabricv1.ListLinkedFabricsRequest{FabricId: unlinked})
	if got := must(n.t, other, err).GetFabrics(); len(got) != 0 {
		n.t.Errorf("one that is not linked is %v", got)
	}
	_, err = n.ListLinkedFabrics(n.t.Context(), &fabricv1.ListLinkedFabricsRequest{FabricId: 999})
	if !errs.HasCode(err, errs.FabricNotFound) {
		n.t.Errorf("one that is not there: %v", err)
	}
}

// TestWhatTheLastSyncLeft: it is what the last completed sync of the whole directory left, whatever other ones did.
func TestWhatTheLastSyncLeft(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 36, "other")
		fabric := b.linked(b.stages, 35, "f1")
		b.drop("f1", "a")
		left := b.sync(35, &syncv1.SyncOptions{Force: true})
		commit := left.GetResult().GetCommitSha()
		b.requireLeft("a sync", left, commit, "", left)
		b.requireAlone(35, 36)
		if s := b.shown()[0]; s.GetPublished().GetResourcesTotal() != 1 || !s.GetPublished().GetForced() ||
			s.GetName() != fabric.GetName() || s.GetNetbox().GetFabric() != 35 {
			t.Errorf("shown is %v", s)
		}
		b.sync(35, &syncv1.SyncOptions{ValidateOnly: true})
		b.sync(35, &syncv1.SyncOptions{Scope: syncv1.Scope_SCOPE_DIRECTORY})
		b.requireLeft("a dry run and a repair", left, commit, "", left)

		b.fail("ingest", 1, errs.New(errs.SchemaMismatch, "The pipe is bent."))
		broken := b.sync(35, nil)
		b.expect(broken, failed)
		b.requireLeft("one that failed", left, commit, "The pipe is bent.", broken)

		again := b.sync(35, nil)
		b.requireLeft("one that changed nothing", again, again.GetResult().GetBaseCommit(), "", again)

		g := newGate(t)
		b.on("open", g.wait)
		active := b.start(35, nil)
		<-g.came
		if !b.shown()[0].GetSyncing() {
			t.Error("a sync runs, and nobody is told")
		}
		g.open()
		b.await(active)
	})
}

// TestWhatWasLeftElsewhere: what a sync left counts for its directory alone, and comes again when Redis has lost it.
func TestWhatWasLeftElsewhere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		fabric := b.linked(b.stages, 35, "f1")
		fabric.Location.Directory = "f2"
		updated, err := b.UpdateFabric(t.Context(), &fabricv1.UpdateFabricRequest{Fabric: fabric})
		must(t, updated, err)
		if s := b.shown()[0]; s.GetPublished() != nil || s.GetLastSyncAt() == nil {
			t.Errorf("before a sync of the new directory: %v", s)
		}
		got := b.sync(35, nil)
		b.requireLeft("after it", got, got.GetResult().GetCommitSha(), "", got)

		b.flush()
		if s := b.shown(); len(s) != 1 || s[0].GetPublished() != nil || s[0].GetNetbox().GetUrl() == "" {
			t.Errorf("without what Redis had: %v", s)
		}
		got = b.sync(35, nil)
		b.requireLeft("after a sync", got, got.GetResult().GetBaseCommit(), "", got)
	})
}

// TestALinkOnAnOldFabric: where nobody noted what its last sync left, linking starts one, once; else it starts none.
func TestALinkOnAnOldFabric(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.drop("f1", "a")
		b.fabric(b.stages, 35, "f1")
		response, err := b.GetFabric(t.Context(), &fabricv1.GetFabricRequest{FabricId: 35})
		fabric := must(t, response, err).GetFabric()
		link := linkTo("https://netbox.example.com")
		noted, err := b.update(fabric, link)
		must(t, noted, err)
		if got := b.syncs(35); len(got) != 1 {
			t.Errorf("what was left is known, and there are %d syncs", len(got))
		}
		bare, err := b.update(noted, nil)
		must(t, bare, err)
		if err := b.conn.Main.HDel(t.Context(), state.RunKey(35), "published", "published_place").Err(); err != nil {
			t.Fatal(err)
		}
		linked, err := b.update(bare, link)
		must(t, linked, err)
		newest := b.syncs(35)[0]
		done := b.await(newest.GetSyncId())
		b.expect(done, completed)
		b.requireLeft("after linking", done, done.GetResult().GetBaseCommit(), "", done)
		again, err := b.update(linked, link)
		must(t, again, err)
		if got := b.syncs(35); len(got) != 2 {
			t.Errorf("there are %d syncs", len(got))
		}
	})
}

// TestALinkOnASuspendedFabric: it is synced when it is resumed, and not before.
func TestALinkOnASuspendedFabric(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		created, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{
			Fabric: definition(35, "f1"), SuspendReason: "first look",
		})
		b.await(must(t, created, err).GetSyncId())
		linked, err := b.update(created.GetFabric(), linkTo("https://netbox.example.com"))
		must(t, linked, err)
		if got := b.syncs(35); len(got) != 1 {
			t.Errorf("there are %d syncs", len(got))
		}
	})
}

// syncs lists the syncs of a fabric, the newest first.
func (n *node) syncs(fabric int32) []*syncv1.Sync {
	n.t.Helper()
	list, err := n.ListSyncs(n.t.Context(), &syncv1.ListSyncsRequest{FabricId: fabric})
	return must(n.t, list, err).GetSyncs()
}

// TestWhatAProposalLeaves: the branch, as it was.
func TestWhatAProposalLeaves(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.drop("f1", "a")
		first := b.proposing(35, "f1")
		fabric, err := b.GetFabric(t.Context(), &fabricv1.GetFabricRequest{FabricId: 35})
		wanted := must(t, fabric, err).GetFabric()
		wanted.Netbox = linkTo("https://netbox.example.com/")
		updated, err := b.UpdateFabric(t.Context(), &fabricv1.UpdateFabricRequest{Fabric: wanted})
		must(t, updated, err)
		b.requireLeft("proposed", first, first.GetResult().GetBaseCommit(), "", first)
		if left := b.shown()[0].GetPublished(); left.GetResourcesTotal() != 0 || left.GetCommit() == "proposed" {
			t.Errorf("left is %v", left)
		}
	})
}

// BenchmarkLinkedFabrics is what it takes to list a thousand fabrics that a NetBox shows, each of which was synced.
func BenchmarkLinkedFabrics(b *testing.B) {
	n := newBench(b, redistest.Start(b).URL(), testConfig())
	for i := range 1000 {
		n.linked(n.stages, int32(i+1), fmt.Sprint("f", i))
	}
	for b.Loop() {
		if got := n.shown(); len(got) != 1000 || got[999].GetPublished() == nil {
			b.Fatalf("%d are listed", len(got))
		}
	}
}
