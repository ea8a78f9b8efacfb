package hnp_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// TestDifferences: there are none exactly when a record says the same as a content.
func TestDifferences(t *testing.T) {
	t.Parallel()
	c := client(t, "http://netbox", netboxserver.Token, http.DefaultTransport)
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{"Server", "VPC"}).Draw(t, "kind")
		one, other := content().Draw(t, "one"), content().Draw(t, "other")
		record := hnp.Record{Spec: one.Spec, Labels: one.Labels, Annotations: one.Annotations}
		places, total := c.Differences(record, kind, other, 2)
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
	c := client(t, "http://netbox", netboxserver.Token, http.DefaultTransport)
	places, total := c.Differences(record, "Server", wanted, 9)
	want := []string{"spec.more", "spec.ports[0].speed", "spec.ports[1]", `labels["a/b.c"]`}
	if !slices.Equal(places, want) || total != len(want) {
		t.Error(fmt.Sprintf("%q", places), total)
	}
}

// TestThePlaceOfAToken: a record whose keys have the token, or half of it, or make it up, does not show it.
func TestThePlaceOfAToken(t *testing.T) {
	t.Parallel()
	const half = `q9"Zk\3xW7`
	c := client(t, "http://netbox", "nbt_key."+half, http.DefaultTransport)
	record := hnp.Record{
		Spec: map[string]any{
			"nbt_key." + half: 1, half: map[string]any{"inner": 1}, "of " + half + " a part": 1,
			"nbt_key": map[string]any{half: 1},
		},
		Labels: map[string]any{half: "x"}, Annotations: map[string]any{"Bearer nbt_key." + half: "x"},
	}
	wanted := hnp.Content{Spec: map[string]any{half: map[string]any{}, "nbt_key": map[string]any{}}}
	places, total := c.Differences(record, "Server", wanted, 9)
	said := strings.Join(places, "\n")
	if total != 6 || strings.Contains(said, `9"Zk`) || strings.Contains(said, `9\"Zk`) ||
		strings.Count(said, "[redacted]") != 6 {
		t.Errorf("%d places:\n%s", total, said)
	}
}
