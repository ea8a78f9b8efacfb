package inventory_test

import (
	"context"
	"errors"
	"testing"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/inventory"
)

// TestWhoWaitsNoLongerIsObeyed: a directory with very many files is no reason to go on.
func TestWhoWaitsNoLongerIsObeyed(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := inventory.Take(ctx, []gittree.Entry{{Path: "raw/a.yaml"}}, inventory.Rules{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
