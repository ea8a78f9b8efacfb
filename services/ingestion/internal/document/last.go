package document

import "fgdsync.dev/libs/hedgehog"

// Last is what the last sync left in managed/; nil when nothing is known of it.
type Last struct {
	Resources []LastResource
	Complete  bool // these are all

	byPath map[string][]*LastResource
	blobs  map[hedgehog.ResourceID]string
}

// LastResource is a resource as the last sync left it.
type LastResource struct {
	ID         hedgehog.ResourceID
	Path       string
	APIVersion string
	Blob       string
}

// at returns the resources that a file held.
func (l *Last) at(path string) []*LastResource {
	if l == nil {
		return nil
	}
	if l.byPath == nil {
		l.byPath = make(map[string][]*LastResource, len(l.Resources))
		for i := range l.Resources {
			r := &l.Resources[i]
			l.byPath[r.Path] = append(l.byPath[r.Path], r)
		}
	}
	return l.byPath[path]
}

func (l *Last) complete() bool { return l != nil && l.Complete }

// Edited reports whether a file of managed/ with a resource in it has another content than the last sync left. Where it
// is not known what that left, no file is edited.
func (l *Last) Edited(id hedgehog.ResourceID, blob string) bool {
	if !l.complete() {
		return false
	}
	if l.blobs == nil {
		l.blobs = make(map[hedgehog.ResourceID]string, len(l.Resources))
		for i := range l.Resources {
			l.blobs[l.Resources[i].ID] = l.Resources[i].Blob
		}
	}
	return l.blobs[id] != blob
}
