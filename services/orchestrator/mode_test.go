package orchestrator_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// inMode registers a fabric in a mode, and returns its first sync; "" when there is none.
func (n *node) inMode(id int32, directory string, mode fabricv1.Mode) (*fabricv1.Fabric, string) {
	n.t.Helper()
	fabric := definition(id, directory)
	fabric.Options = &fabricv1.Options{Mode: mode}
	response, err := n.CreateFabric(n.t.Context(), &fabricv1.CreateFabricRequest{Fabric: fabric})
	return must(n.t, response, err).GetFabric(), response.GetSyncId()
}

func (n *node) setMode(fabric *fabricv1.Fabric, mode fabricv1.Mode) *fabricv1.Fabric {
	n.t.Helper()
	changed := proto.CloneOf(fabric)
	changed.Generation, changed.Options = 0, &fabricv1.Options{Mode: mode}
	updated, err := n.UpdateFabric(n.t.Context(), &fabricv1.UpdateFabricRequest{Fabric: changed})
	return must(n.t, updated, err).GetFabric()
}

// byItself starts a sync as a push does.
func (n *node) byItself(id int32) (string, error) {
	response, err := n.StartSync(n.t.Context(), &syncv1.StartSyncRequest{
		FabricId: id, Trigger: syncv1.Trigger_TRIGGER_WEBHOOK,
	})
	return response.GetSyncId(), err
}

// TestARollout goes from off by dry_run to on: nothing is published before, and what waited is then.
func TestARollout(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.drop("f1", "a")
		off, first := b.inMode(35, "f1", fabricv1.Mode_MODE_OFF)
		if first != "" {
			t.Errorf("the sync %s has started by itself", first)
		}
		_, err := b.byItself(35)
		fails(t, "a push", err, errs.FabricNotOn)
		_, err = b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35})
		fails(t, "a sync that would publish", err, errs.FabricNotOn)
		b.expect(b.sync(35, &syncv1.SyncOptions{ValidateOnly: true}), completed)
		b.requireState(35, fabricv1.FabricState_FABRIC_STATE_SUSPENDED, errs.FabricNotOn.ID)

		dry := b.setMode(off, fabricv1.Mode_MODE_DRY_RUN)
		b.idle(35)
		if trials := b.syncs(35); len(trials) != 2 || !trials[0].GetOptions().GetValidateOnly() {
			t.Errorf("the mode dry_run has begun with %v", trials)
		}
		syncID, err := b.byItself(35)
		trial := b.await(must(t, syncID, err))
		b.expect(trial, completed)
		if !trial.GetOptions().GetValidateOnly() {
			t.Errorf("a push has brought %v", trial)
		}
		_, err = b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35})
		fails(t, "a sync that would publish", err, errs.FabricNotOn)
		b.requireState(35, fabricv1.FabricState_FABRIC_STATE_SUSPENDED, errs.FabricNotOn.ID)
		if commits := b.published(); len(commits) != 0 {
			t.Errorf("published %q before it was on", commits)
		}

		b.setMode(dry, fabricv1.Mode_MODE_ON)
		b.idle(35)
		newest := b.syncs(35)[0]
		b.expect(newest, completed)
		if newest.GetOptions().GetValidateOnly() || len(b.published()) != 1 {
			t.Errorf("%v, commits %q", newest, b.published())
		}
	})
}

// TestARegistrationInDryRun begins with a dry run, and a sync that waits when the mode changes publishes nothing.
func TestARegistrationInDryRun(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.drop("f1", "a")
		fabric, first := b.inMode(35, "f1", fabricv1.Mode_MODE_DRY_RUN)
		if got := b.await(first); !got.GetOptions().GetValidateOnly() || len(b.published()) != 0 {
			t.Errorf("the first sync: %v, commits %q", got, b.published())
		}
		on := b.setMode(fabric, fabricv1.Mode_MODE_ON)
		b.idle(35)
		b.drop("f1", "b")
		g := newGate(t)
		b.on("open", g.wait)
		active := b.start(35, nil)
		<-g.came
		waiting := b.start(35, nil)
		b.setMode(on, fabricv1.Mode_MODE_DRY_RUN)
		b.on("open", nil)
		g.open()
		b.expect(b.await(active), completed) // it ran already
		refused := b.await(waiting)
		b.expect(refused, failed)
		if code := refused.GetErrors()[0].GetCode(); code != errs.FabricNotOn.ID {
			t.Errorf("the one that waited fails with %s", code)
		}
		b.suspend(35, "the network is being rebuilt")
		resumed, err := b.ResumeFabric(t.Context(), &fabricv1.ResumeFabricRequest{FabricId: 35})
		if caughtUp := b.await(must(t, resumed, err).GetSyncId()); !caughtUp.GetOptions().GetValidateOnly() {
			t.Errorf("resuming has started %v", caughtUp)
		}
	})
}

func (n *node) requireState(id int32, state fabricv1.FabricState, code string) {
	n.t.Helper()
	response, err := n.GetFabric(n.t.Context(), &fabricv1.GetFabricRequest{FabricId: id})
	status := must(n.t, response, err).GetFabric().GetStatus()
	if status.GetState() != state || status.GetReason().GetCode() != code {
		n.t.Errorf("it is %v", status)
	}
}
