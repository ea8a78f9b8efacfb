package stage

import (
	"path"

	"fgdsync.dev/libs/layout"
)

// twins are the paths, of files and of the folders above them, that are not what they fold to: how many leaves there
// are at each or below, by what it folds to. Most directories have none.
type twins map[string]map[string]int

// note takes note of more or fewer leaves at a path.
func (t twins) note(p string, by int) {
	if layout.Folded(p) == p {
		return
	}
	for ; p != "."; p = path.Dir(p) {
		folded := layout.Folded(p)
		if folded == p {
			continue
		}
		if t[folded] == nil {
			t[folded] = map[string]int{}
		}
		if t[folded][p] += by; t[folded][p] == 0 {
			delete(t[folded], p)
		}
		if len(t[folded]) == 0 {
			delete(t, folded)
		}
	}
}

// twin reports whether something is there that a checkout on Windows or macOS takes for a path, or for one of the
// folders above it.
func (t *Tree) twin(p string) bool {
	folded := layout.Folded(p)
	if folded == p && len(t.twins) == 0 {
		return false
	}
	for other := range t.twins[folded] {
		if other != p {
			return true
		}
	}
	if folded != p {
		if _, there := t.at(folded); there || t.folders[folded] > 0 {
			return true
		}
	}
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if t.fileAlike(dir) {
			return true
		}
	}
	return false
}

// fileAlike reports whether a file is there whose path is spelled otherwise, but folds to the same.
func (t *Tree) fileAlike(p string) bool {
	folded := layout.Folded(p)
	for other := range t.twins[folded] {
		if _, isFile := t.at(other); isFile && other != p {
			return true
		}
	}
	_, isFile := t.at(folded)
	return isFile && folded != p
}
