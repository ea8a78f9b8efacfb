package netboxsetup

import (
	"slices"
	"strings"

	"fgdsync.dev/services/bridge/internal/hnp"
)

// permission is one that the user is to have.
type permission struct {
	name    string
	detail  string
	types   []string
	actions []string
}

// permissions returns what the user is to have. NetBox has one list of actions for all types of a permission, so there
// is one for each list. Its own tokens everybody may see without one.
func permissions(feed bool) []permission {
	log := permission{
		name: ownName + ": changes", detail: "to hear what people change", types: []string{"core.objectchange"},
		actions: []string{"view"},
	}
	if feed {
		log.types = append(log.types, feedPlugin+".changerecord")
	}
	return []permission{
		{
			name: ownName + ": records", detail: "to write the records of resources", types: recordTypes(),
			actions: []string{"view", "add", "change", "delete"},
		},
		{
			name: ownName + ": fabrics", detail: "to show at a fabric how its syncs are", types: []string{fabricType},
			actions: []string{"view", "change"},
		},
		log,
	}
}

// fields returns what a permission is written as.
func (p permission) fields(userID int64, m mark) map[string]any {
	return map[string]any{
		"name": p.name, "enabled": true, "object_types": p.types, "actions": p.actions, "users": []int64{userID},
		"constraints": nil, "description": m.described(p.detail),
	}
}

// differs says what of a permission is not as it has to be; empty when all of it is.
func (p permission) differs(found hnp.Permission, userID int64) string {
	isUser := func(u hnp.Named) bool { return u.ID == userID }
	var differences []string
	note := func(different bool, what string) {
		if different {
			differences = append(differences, what)
		}
	}
	note(!found.Enabled, "it is not enabled")
	note(!same(found.Types, p.types), "its object types differ")
	note(!same(found.Actions, p.actions), "its actions differ")
	note(len(found.Users) != 1 || !slices.ContainsFunc(found.Users, isUser), "its users differ")
	note(found.Constraints != nil, "it has constraints")
	return strings.Join(differences, ", ")
}

// same reports whether two lists have the same entries.
func same(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
