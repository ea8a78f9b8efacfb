package outbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fgdsync.dev/libs/health"
)

// Check reports the fabrics of which nothing is delivered. Records that can't be are a matter of their fabrics.
func (o *Outbox) Check(ctx context.Context) error {
	stopped, err := o.Deliveries(ctx)
	if err != nil {
		return &health.Trouble{
			Status: health.Unknown, Reason: "Redis does not answer, so it is not known what other bridges deliver to NetBox.",
			Remedy: "Mend what ails Redis; the component redis says what it is.",
		}
	}
	stopped = slices.DeleteFunc(stopped, func(t Trouble) bool { return t.Problem == "" })
	if len(stopped) == 0 {
		return nil
	}
	first := slices.MinFunc(stopped, func(a, b Trouble) int { return cmp.Compare(a.FabricID, b.FabricID) })
	return &health.Trouble{
		Status: health.Degraded, Remedy: first.Remedy,
		Reason: fmt.Sprintf("Nothing is delivered to NetBox, of how many fabrics: %d. Of fabric %d: %s", len(stopped),
			first.FabricID, first.Problem),
		Details: map[string]string{
			"fabrics": strconv.Itoa(len(stopped)), "first_fabric": strconv.Itoa(int(first.FabricID)),
			"cause": strings.Join(first.Reasons, ", "),
		},
	}
}
