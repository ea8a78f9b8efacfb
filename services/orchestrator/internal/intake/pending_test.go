package intake

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// TestAWorkerWaitsForTheAnswer holds that a sync is worked on only once the ledger and the log have it.
func TestAWorkerWaitsForTheAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &Intake{}
		if err := i.Answered(t.Context(), "of another process"); err != nil {
			t.Fatal(err)
		}
		end, came := i.open.begin("one"), make(chan error, 1)
		go func() { came <- i.Answered(t.Context(), "one") }()
		synctest.Wait()
		select {
		case err := <-came:
			t.Fatalf("a worker did not wait: %v", err)
		default:
		}
		end()
		if err := <-came; err != nil {
			t.Error(err)
		}
		if err := i.Answered(t.Context(), "one"); err != nil {
			t.Errorf("after the answer: %v", err)
		}
	})
}

// TestAWorkerThatEndsWaitsNoLonger holds that a shutdown is not held up.
func TestAWorkerThatEndsWaitsNoLonger(t *testing.T) {
	t.Parallel()
	i := &Intake{}
	defer i.open.begin("one")()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := i.Answered(ctx, "one"); !errors.Is(err, context.Canceled) {
		t.Errorf("it waited until %v", err)
	}
}
