package orchestrator_test

import (
	"testing"

	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// TestExactlyWhatWasSeen: a sync that is to do what was seen at a commit does nothing when the branch is at another
// one.
// A plan says how many resources may go away.
func TestExactlyWhatWasSeen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.drop("f1", "a")
		before := len(b.published())
		got := b.sync(35, &syncv1.SyncOptions{ExpectedCommit: longID(b.headNumber() - 1), RefuseIfRunning: true})
		b.expect(got, failed)
		if got.GetErrors()[0].GetCode() != errs.PlanOutdated.ID || got.GetAttempt() > 1 || len(b.published()) != before {
			t.Errorf("%v, commits %q", got, b.published())
		}
		b.expect(b.sync(35, nil), completed)
		counts := b.sync(35, &syncv1.SyncOptions{ValidateOnly: true, ForceRefresh: true}).GetResult().GetPlan().GetCounts()
		if counts.GetResourcesBefore() != 1 || counts.GetDeletesAllowed() != 9 {
			t.Errorf("counts %v", counts)
		}
	})
}
