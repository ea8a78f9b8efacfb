package rpc

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestWhoRunsOutOfTimeIsCounted: a caller hangs up at its deadline, and that is not the same as to want it no longer.
func TestWhoRunsOutOfTimeIsCounted(t *testing.T) {
	t.Parallel()
	hungUp := status.Error(codes.Canceled, "hung up")
	for name, test := range map[string]struct {
		left time.Duration
		err  error
		want codes.Code
	}{
		"at its deadline":             {0, hungUp, codes.DeadlineExceeded},
		"long before":                 {time.Hour, hungUp, codes.Canceled},
		"at its deadline, for itself": {0, status.Error(codes.NotFound, "none"), codes.NotFound},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), test.left)
		if got := counted(ctx, test.err); got != test.want {
			t.Errorf("who hangs up %s counts as %s", name, got)
		}
		cancel()
	}
	if got := counted(t.Context(), hungUp); got != codes.Canceled {
		t.Errorf("who has no deadline counts as %s", got)
	}
}
