package merge

import (
	"maps"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
)

// Choice is what a person takes where there is a conflict: what a side has, or a value of their own.
type Choice struct {
	Take  Taker
	Value Value // of Given; one that is not there removes what is
}

// Resolve merges as Merge does, and settles each conflict by a choice of its path, also one that a policy would settle.
// It is refused while a conflict is open, and when a choice is of no conflict.
func (m *Merger) Resolve(kind string, sides Sides, judge Judge, choices map[Path]Choice) (Result, error) {
	for _, path := range slices.Sorted(maps.Keys(choices)) {
		if !slices.Contains([]Taker{Git, NetBox, Given}, choices[path].Take) {
			return Result{}, errs.Field("choices", "The choice for %s is none of git, netbox and value.", path)
		}
	}
	result, err := m.merge(kind, sides, judge, choices)
	if err != nil {
		return Result{}, err
	}
	if open := result.Open(); len(open) > 0 {
		return Result{}, unsettled(open)
	}
	for _, path := range slices.Sorted(maps.Keys(choices)) {
		if !slices.ContainsFunc(result.Conflicts, func(c Conflict) bool { return c.Path == path }) {
			return Result{}, errs.Field("choices", "There is no conflict at %s.", path)
		}
	}
	return result, nil
}

func unsettled(open []Conflict) error {
	var places []string
	for _, c := range open {
		place := string(c.Path)
		if c.Reason == Invalid {
			place += " (" + c.Words + ")"
		}
		places = append(places, place)
	}
	return errs.Field("choices", "Conflicts are not settled: %s.", strings.Join(places, ", "))
}
