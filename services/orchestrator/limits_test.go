package orchestrator_test

import (
	"fmt"
	"testing"

	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/redistest"
)

// TestTooMuchWaits: what is accepted is done, and more is refused with a time to come again.
func TestTooMuchWaits(t *testing.T) {
	t.Parallel()
	redistest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		cfg := testConfig()
		cfg.MaxActiveSyncs = 16 // two in each shard
		b := newBench(t, url, cfg)
		for _, id := range []int32{3, 11, 19} { // of one shard
			b.fabric(b.stages, id, fmt.Sprint("f", id))
		}
		g := newGate(t)
		b.on("open", g.wait)
		accepted := []string{b.start(3, nil), b.start(11, nil)}
		<-g.came
		<-g.came
		_, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 19})
		fails(t, "a third", err, errs.WorkerPoolExhausted)
		if errs.From(err).RetryAfter <= 0 {
			t.Error("it does not say when to come again")
		}
		accepted = append(accepted, b.start(3, nil)) // waits for its fabric, and for no worker
		g.open()
		for _, id := range accepted {
			b.expect(b.await(id), completed)
		}
		b.idle(3)
		b.expect(b.sync(19, nil), completed)
	})
}
