package hedgehog

import (
	"slices"
	"testing"
)

// TestKeyOf: a list is found below maps whose entries have any names, and nowhere else.
func TestKeyOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind       string
		path, want []string
	}{
		{"Connection", []string{"spec", "mclag", "links"}, []string{"server", "port"}},
		{"VPC", []string{"spec", "subnets", "front.end", "dhcp", "options", "advertisedRoutes"}, []string{"destination"}},
		{"VPC", []string{"spec", "subnets", "*", "dhcp", "options", "advertisedRoutes"}, []string{"destination"}},
		{"VPC", []string{"metadata", "staticRoutes"}, nil},
		{"Server", []string{"spec", "mclag", "links"}, nil},
		{"VPC", nil, nil},
	} {
		if got := KeyOf(c.kind, c.path); !slices.Equal(got, c.want) {
			t.Errorf("%s %v: %v", c.kind, c.path, got)
		}
	}
}
