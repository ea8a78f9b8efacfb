package hedgehog_test

import (
	"slices"
	"testing"

	"fgdsync.dev/libs/hedgehog"
)

func TestResourceID(t *testing.T) {
	t.Parallel()
	sorted := []hedgehog.ResourceID{
		{},
		{"agent.githedgehog.com", "Agent", "default", "a"},
		{"vpc.githedgehog.com", "External", "default", "a"},
		{"vpc.githedgehog.com", "VPC", "default", "a"},
		{"vpc.githedgehog.com", "VPC", "default", "b"},
		{"vpc.githedgehog.com", "VPC", "other", "a"},
	}
	for i, a := range sorted {
		for j, b := range sorted {
			want := 0
			switch {
			case i < j:
				want = -1
			case i > j:
				want = 1
			}
			if got := a.Compare(b); got != want {
				t.Errorf("%v compared with %v is %d, want %d", a, b, got, want)
			}
		}
	}
	if !slices.IsSortedFunc(sorted, hedgehog.ResourceID.Compare) {
		t.Error("the order is not one to sort by")
	}
	if got, want := sorted[5].String(), "vpc.githedgehog.com/VPC/other/a"; got != want {
		t.Errorf("String is %q, want %q", got, want)
	}
}
