package hedgehog

import (
	"cmp"
	"strings"
)

// ResourceID identifies a resource: two documents with the same one speak of the same thing, whatever their versions.
// It can be a key of maps; the zero value stands for none.
type ResourceID struct{ Group, Kind, Namespace, Name string }

// String returns "group/kind/namespace/name". Two resources never have the same: no part of a valid id
// holds a slash.
func (id ResourceID) String() string {
	return id.Group + "/" + id.Kind + "/" + id.Namespace + "/" + id.Name
}

// Compare returns -1, 0 or 1 as id stands before, at or after other in the order of group, kind, namespace and name.
func (id ResourceID) Compare(other ResourceID) int {
	if id.Group != other.Group {
		return strings.Compare(id.Group, other.Group)
	}
	if id.Kind != other.Kind {
		return strings.Compare(id.Kind, other.Kind)
	}
	return cmp.Or(strings.Compare(id.Namespace, other.Namespace), strings.Compare(id.Name, other.Name))
}
