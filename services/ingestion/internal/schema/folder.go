package schema

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
