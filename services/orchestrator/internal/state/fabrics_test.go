package state_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

func TestFabricsAreKept(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		b := newBench(t, conn)
		var want []int32
		for _, id := range []int32{35, 3, 11, 4} {
			b.fabric(id)
			want = append(want, id)
		}
		slices.Sort(want)
		all, err := b.Fabrics(t.Context())
		must(t, err)
		var got []int32
		for _, f := range all {
			got = append(got, f.GetFabricId())
		}
		if !slices.Equal(got, want) {
			t.Errorf("fabrics %v, want %v", got, want)
		}
		if _, err := b.Fabric(t.Context(), 5); !errs.HasCode(err, errs.FabricNotFound) || errs.KindOf(err) != errs.NotFound {
			t.Errorf("an unknown fabric: %v", err)
		}
	})
}

func TestARegisteredNumberIsTaken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		f := b.fabric(35)
		other := proto.CloneOf(f)
		other.Name = "another"
		if err := b.CreateFabric(t.Context(), other, busEvent("fabric.created")); !errs.HasCode(err, errs.FabricExists) ||
			errs.KindOf(err) != errs.Exists {
			t.Errorf("a second fabric with the number: %v", err)
		}
		stored, err := b.Fabric(t.Context(), 35)
		must(t, err)
		if !proto.Equal(stored, f) {
			t.Errorf("the first one became %v", stored)
		}
		if got := b.bus(35); !slices.Equal(got, []string{"fabric.created"}) {
			t.Errorf("told %v", got)
		}
	})
}

func TestUpdateFabric(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		f := b.fabric(35)
		f.Name = "renamed"
		must(t, b.UpdateFabric(t.Context(), f, busEvent("fabric.updated")))
		stored, err := b.Fabric(t.Context(), 35)
		must(t, err)
		if stored.GetName() != "renamed" {
			t.Errorf("stored %v", stored)
		}
		f.FabricId = 36
		if err := b.UpdateFabric(t.Context(), f, busEvent("fabric.updated")); !errs.HasCode(err, errs.FabricNotFound) {
			t.Errorf("an unknown fabric: %v", err)
		}
		if got := b.bus(35); !slices.Equal(got, []string{"fabric.created", "fabric.updated"}) {
			t.Errorf("told %v", got)
		}
	})
}

// TestChangesAreToldOnceWhenAReplyIsLost: the call is repeated, and has one effect and one event.
func TestChangesAreToldOnceWhenAReplyIsLost(t *testing.T) {
	t.Parallel()
	lossy := redistest.Start(t).Lossy(t)
	b := newBench(t, lossy.Conn(t))
	b.fabric(36) // Redis has to know the scripts, else the answer that is lost is that it does not
	_, err := b.DeleteFabric(t.Context(), 36, 1, busEvent("fabric.deleted"))
	must(t, err)
	lossy.LoseReplyTo("fabric.created")
	f := b.fabric(35)
	f.Name = "renamed"
	lossy.LoseReplyTo("fabric.updated")
	must(t, b.UpdateFabric(t.Context(), f, busEvent("fabric.updated")))
	lossy.LoseReplyTo("fabric.deleted")
	active, err := b.DeleteFabric(t.Context(), 35, 1, busEvent("fabric.deleted"))
	if err != nil || active != "" || lossy.Lost() != 3 {
		t.Errorf("deleted: %q, %v; %d replies lost", active, err, lossy.Lost())
	}
	if got := b.bus(35); !slices.Equal(got, []string{"fabric.created", "fabric.updated", "fabric.deleted"}) {
		t.Errorf("told %v", got)
	}
}

func TestDeleteForgetsEverythingOfAFabric(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		verdict := b.start(35, nil)
		active, err := b.DeleteFabric(t.Context(), 35, 1, busEvent("fabric.deleted"))
		if err != nil || active != verdict.SyncID {
			t.Fatalf("deleted under an active sync: %q, %v", active, err)
		}
		b.end(verdict.SyncID, syncv1.State_STATE_COMPLETED)
		resource := &ingestionv1.Resource{Key: &reportv1.ResourceKey{Kind: "VPC", Name: "v"}}
		must(t, b.ApplyResources(t.Context(), 35, state.ResourceDiff{Created: []*ingestionv1.Resource{resource}}, "one"))
		active, err = b.DeleteFabric(t.Context(), 35, 1, busEvent("fabric.deleted"))
		if err != nil || active != "" {
			t.Fatalf("not deleted: %q, %v", active, err)
		}
		if _, err := b.Fabric(t.Context(), 35); !errs.HasCode(err, errs.FabricNotFound) {
			t.Errorf("still there: %v", err)
		}
		if _, err := b.DeleteFabric(t.Context(), 35, 1, busEvent("fabric.deleted")); !errs.HasCode(err, errs.FabricNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
		if all, err := b.Fabrics(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("listed: %v, %v", all, err)
		}
		// A fabric that takes the number later begins with nothing.
		b.fabric(35)
		history, err := b.History(t.Context(), 35, state.Query{Limit: 100})
		must(t, err)
		index := b.index(35)
		diff := index.Diff(nil)
		if index.Complete() {
			t.Errorf("digest %q", index.Digest)
		}
		last, err := b.Activities(t.Context(), []int32{35})
		must(t, err)
		if len(history.Syncs) != 0 || !diff.Empty() || last[0] != (state.Activity{}) {
			t.Errorf("it has history %v, resources %v and a last sync %v", history, diff, last)
		}
	})
}

func TestNumbersAreChosenOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		for want := int32(1); want <= 3; want++ {
			if got, err := b.NextFabricID(t.Context()); err != nil || got != want {
				t.Errorf("got %d, %v; want %d", got, err, want)
			}
		}
	})
}

// TestDeletedFabricsBetweenTwoReads: the set names a fabric whose definition is gone.
func TestDeletedFabricsBetweenTwoReads(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(3)
		b.fabric(11)
		must(t, b.conn.Main.Del(t.Context(), state.FabricKey(3)).Err())
		all, err := b.Fabrics(t.Context())
		if err != nil || len(all) != 1 || all[0].GetFabricId() != 11 {
			t.Errorf("got %v, %v", all, err)
		}
	})
}

// index returns the stored index of a fabric.
func (b *bench) index(fabricID int32) state.Index {
	b.t.Helper()
	index, err := b.Resources(b.t.Context(), fabricID)
	must(b.t, err)
	return index
}

func TestResourcesAreCompared(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		resource := func(name, blob string) *ingestionv1.Resource {
			return &ingestionv1.Resource{Key: &reportv1.ResourceKey{
				Group: "vpc.githedgehog.com", Kind: "VPC",
				Namespace: "default", Name: name,
			}, BlobId: blob}
		}
		names := func(list []*ingestionv1.Resource) (out []string) {
			for _, r := range list {
				out = append(out, r.GetKey().GetName())
			}
			return out
		}
		var first []*ingestionv1.Resource
		for i := range 2500 { // more than one batch
			first = append(first, resource("r"+string(rune('a'+i%26))+time.Duration(i).String(), "1"))
		}
		diff := b.index(35).Diff(first)
		if len(diff.Created) != len(first) || len(diff.Updated)+len(diff.Deleted) != 0 {
			t.Fatalf("created %d, updated %v, deleted %v", len(diff.Created), diff.Updated, diff.Deleted)
		}
		for range 2 { // repeating it is harmless
			must(t, b.ApplyResources(t.Context(), 35, diff, "now"))
		}
		if digest := b.index(35).Digest; digest != "now" {
			t.Errorf("digest %q", digest)
		}
		second := append([]*ingestionv1.Resource{resource("new", "1")}, first[1:]...)
		second[1] = proto.CloneOf(second[1])
		second[1].BlobId = "2"
		diff = b.index(35).Diff(second)
		changed, gone := first[1].GetKey().GetName(), first[0].GetKey().GetName()
		if !slices.Equal(names(diff.Created), []string{"new"}) || !slices.Equal(names(diff.Updated), []string{changed}) ||
			!slices.Equal(names(diff.Deleted), []string{gone}) {
			t.Errorf("created %v, updated %v, deleted %v", names(diff.Created), names(diff.Updated), names(diff.Deleted))
		}
		must(t, b.ApplyResources(t.Context(), 35, diff, "now"))
		if diff = b.index(35).Diff(second); !diff.Empty() {
			t.Errorf("left over: %v", diff)
		}
		if diff = b.index(35).Diff(nil); len(diff.Deleted) != len(second) {
			t.Errorf("all gone: %d of %d", len(diff.Deleted), len(second))
		}
		must(t, b.ApplyResources(t.Context(), 35, diff, "now"))
		if diff = b.index(35).Diff(nil); !diff.Empty() {
			t.Errorf("left over: %v", diff)
		}
	})
}
