package resources

import (
	"cmp"
	"testing"

	"pgregory.net/rapid"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// TestTheOrderOfLists: by kind, then by namespace, then by name, whatever the names are made of.
func TestTheOrderOfLists(t *testing.T) {
	t.Parallel()
	part := rapid.StringMatching(`[Aa.\-/0]{1,3}`)
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) *reportv1.ResourceKey {
			return &reportv1.ResourceKey{
				Kind: part.Draw(t, label+" kind"), Namespace: part.Draw(t, label+" namespace"),
				Name: part.Draw(t, label+" name"), Group: part.Draw(t, label+" group"),
			}
		}
		a, b := draw("a"), draw("b")
		want := cmp.Or(cmp.Compare(a.GetKind(), b.GetKind()), cmp.Compare(a.GetNamespace(), b.GetNamespace()),
			cmp.Compare(a.GetName(), b.GetName()), cmp.Compare(a.GetGroup(), b.GetGroup()))
		got := cmp.Compare(placeOf(&fabricv1.ListedResource{Key: a}), placeOf(&fabricv1.ListedResource{Key: b}))
		if got != want {
			t.Errorf("%v and %v are compared to %d, want %d", a, b, got, want)
		}
	})
}
