package orchestrator_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

func (n *node) suspend(id int32, reason string) *fabricv1.Fabric {
	n.t.Helper()
	response, err := n.SuspendFabric(n.as("Jo"), &fabricv1.SuspendFabricRequest{FabricId: id, Reason: reason})
	return must(n.t, response, err).GetFabric()
}

// TestSuspendAndResume: nothing is published meanwhile, whoever asks is told why, and resuming catches up.
func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.drop("f1", "a")
		g := newGate(t)
		b.on("open", g.wait)
		active := b.start(35, nil)
		<-g.came
		waiting := b.start(35, nil)
		got := b.suspend(35, "the network is being rebuilt")
		if s := got.GetSuspension(); s.GetSuspendedBy() != "Jo" || s.GetReason() != "the network is being rebuilt" ||
			!s.GetSuspendedAt().IsValid() {
			t.Errorf("suspended as %v", s)
		}
		_, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35})
		fails(t, "a sync of a suspended fabric", err, errs.FabricSuspended)
		if !strings.Contains(errs.From(err).Message, "the network is being rebuilt") {
			t.Errorf("the error says %q", errs.From(err).Message)
		}
		b.on("open", nil)
		g.open()
		b.expect(b.await(active), completed) // it ran already
		refused := b.await(waiting)
		b.expect(refused, failed)
		if refused.GetErrors()[0].GetCode() != errs.FabricSuspended.ID {
			t.Errorf("the one that waited: %v", refused.GetErrors())
		}
		b.drop("f1", "b")
		b.expect(b.sync(35, &syncv1.SyncOptions{ValidateOnly: true}), completed)
		if len(b.published()) != 2 {
			t.Errorf("commits %q", b.published())
		}
		// A change of the definition leaves the suspension alone, also one that does not know of it.
		changed := proto.CloneOf(got)
		changed.Suspension, changed.SyncIntervalSeconds = nil, 60
		updated, err := b.UpdateFabric(t.Context(), &fabricv1.UpdateFabricRequest{Fabric: changed})
		if must(t, updated, err).GetFabric().GetSuspension() == nil {
			t.Error("a change of the definition has ended the suspension")
		}
		resumed, err := b.ResumeFabric(b.as("Ada"), &fabricv1.ResumeFabricRequest{FabricId: 35})
		if must(t, resumed, err).GetFabric().GetSuspension() != nil {
			t.Errorf("resumed as %v", resumed)
		}
		caughtUp := b.await(resumed.GetSyncId())
		b.expect(caughtUp, completed)
		if caughtUp.GetRequestedBy() != "Ada" || len(b.published()) != 3 {
			t.Errorf("%v, commits %q", caughtUp, b.published())
		}
		again, err := b.ResumeFabric(t.Context(), &fabricv1.ResumeFabricRequest{FabricId: 35})
		if must(t, again, err).GetSyncId() != "" {
			t.Error("resuming one that is not suspended has started a sync")
		}
	})
}

func TestSuspendNeedsAReason(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		for _, reason := range []string{"", " ", "two\nlines", strings.Repeat("x", 501)} {
			_, err := b.SuspendFabric(t.Context(), &fabricv1.SuspendFabricRequest{FabricId: 35, Reason: reason})
			fails(t, "reason "+reason, err, errs.InvalidRequest)
		}
		_, err := b.SuspendFabric(t.Context(), &fabricv1.SuspendFabricRequest{FabricId: 36, Reason: "x"})
		fails(t, "no such fabric", err, errs.FabricNotFound)
		_, err = b.ResumeFabric(t.Context(), &fabricv1.ResumeFabricRequest{FabricId: 36})
		fails(t, "no such fabric", err, errs.FabricNotFound)
	})
}

// TestAChangeOfWhatHasChangedIsRefused: two people change a fabric at the same time, and neither change is lost unseen.
func TestAChangeOfWhatHasChangedIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		read, err := b.GetFabric(t.Context(), &fabricv1.GetFabricRequest{FabricId: 35})
		first := must(t, read, err).GetFabric()
		second := proto.CloneOf(first)
		first.Name, second.SyncIntervalSeconds = "renamed", 60
		if _, err := b.UpdateFabric(t.Context(), &fabricv1.UpdateFabricRequest{Fabric: first}); err != nil {
			t.Fatal(err)
		}
		_, err = b.UpdateFabric(t.Context(), &fabricv1.UpdateFabricRequest{Fabric: second})
		fails(t, "the second change", err, errs.FabricChanged)
		second.Generation = 0 // whoever does not say what it has read replaces what is there
		if _, err := b.UpdateFabric(t.Context(), &fabricv1.UpdateFabricRequest{Fabric: second}); err != nil {
			t.Error(err)
		}
	})
}

// TestAPushIsNotTriedAgainWhileSuspended: an attempt that failed at the push has published nothing, and the next one
// does not either when the fabric was suspended meanwhile.
func TestAPushIsNotTriedAgainWhileSuspended(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.drop("f1", "a")
		before := len(b.published())
		var once sync.Once
		b.on("publish", func(context.Context) (err error) {
			once.Do(func() {
				b.suspend(35, "stop")
				err = errs.New(errs.GitHubConnectionFailed, "The Git host is away.")
			})
			return err
		})
		got := b.sync(35, nil)
		b.expect(got, failed)
		if got.GetErrors()[0].GetCode() != errs.FabricSuspended.ID || len(b.published()) != before {
			t.Errorf("%v, commits %q", got.GetErrors(), b.published())
		}
	})
}
