package schema

import "fgdsync.dev/libs/hedgehog"

// Folder returns the kind whose resources a folder of managed/ holds, with the API version that is served. It reports
// whether there is one, and only one.
func (s *Set) Folder(plural string) (group, kindName, apiVersion string, found bool) {
	for key, k := range s.kinds {
		if k.plural != plural {
			continue
		}
		if found {
			return "", "", "", false
		}
		group, kindName, apiVersion, found = key.group, key.kind, key.group+"/"+k.preferred, true
	}
	return group, kindName, apiVersion, found
}

// Served returns an identity with the group of its kind, where it names none, and the API version that is served. It
// reports whether the kind is known, and of one group only.
func (s *Set) Served(id hedgehog.ResourceID) (whole hedgehog.ResourceID, apiVersion string, found bool) {
	for key, k := range s.kinds {
		if key.kind != id.Kind || id.Group != "" && id.Group != key.group {
			continue
		}
		if found {
			return id, "", false
		}
		whole, apiVersion, found = id, key.group+"/"+k.preferred, true
		whole.Group = key.group
	}
	return whole, apiVersion, found
}
