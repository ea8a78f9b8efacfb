package hnp_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/services/bridge/internal/hnp"
)

// TestDifferences: there are none exactly when a record says the same as a content.
func TestDifferences(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{"Server", "VPC"}).Draw(t, "kind")
		one, other := content().Draw(t, "one"), content().Draw(t, "other")
		record := hnp.Record{Spec: one.Spec, Labels: one.Labels, Annotations: one.Annotations}
		places, total := record.Differences(kind, other, 2)
		if (total == 0) != record.Same(kind, other) || len(places) != min(total, 2) {
			t.Fatalf("%v and %v differ at %q, %d", one, other, places, total)
		}
	})
}

// TestPlacesOfDifferences are such that people find them.
func TestPlacesOfDifferences(t *testing.T) {
	t.Parallel()
	record := hnp.Record{
		Spec:   map[string]any{"ports": []any{map[string]any{"speed": 1}, 2}, "same": 1},
		Labels: map[string]any{"a/b.c": "x"},
	}
	wanted := hnp.Content{Spec: map[string]any{"ports": []any{map[string]any{"speed": 2}}, "same": 1.0, "more": nil}}
	places, total := record.Differences("Server", wanted, 9)
	want := []string{"spec.more", "spec.ports[0].speed", "spec.ports[1]", `labels["a/b.c"]`}
	if !slices.Equal(places, want) || total != len(want) {
		t.Error(fmt.Sprintf("%q", places), total)
	}
}
