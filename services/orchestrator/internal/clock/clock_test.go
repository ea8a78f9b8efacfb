package clock_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/health"
	"fgdsync.dev/services/orchestrator/internal/clock"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

// TestASteppedClockIsToldOf: in which direction, how far, and no more once it is set right.
func TestASteppedClockIsToldOf(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	step := time.Duration(0)
	check := clock.Check(server.Conn(t), func() time.Time { return time.Now().Add(step) })
	for _, c := range []struct {
		step   time.Duration
		reason string // empty for none
	}{{0, ""}, {30 * time.Second, ""}, {time.Hour, "1h0m0s ahead of"}, {-time.Hour, "1h0m0s behind"}, {0, ""}} {
		step = c.step
		var trouble *health.Trouble
		switch err := check(t.Context()); {
		case c.reason == "" && err != nil:
			t.Errorf("stepped by %s: %v", step, err)
		case c.reason != "" && (!errors.As(err, &trouble) || trouble.Status != health.Degraded || trouble.Remedy == "" ||
			!strings.Contains(trouble.Reason, c.reason) || strings.TrimLeft(trouble.Details["ahead_seconds"], "-") != "3600"):
			t.Errorf("stepped by %s: %+v (%v)", step, trouble, err)
		}
	}
	server.Kill(t)
	var trouble *health.Trouble
	if err := check(t.Context()); !errors.As(err, &trouble) || trouble.Status != health.Unknown {
		t.Errorf("without Redis: %v", err)
	}
}
