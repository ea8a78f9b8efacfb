package snapshot

import (
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/github-sync/internal/object"
)

// Root is what the surroundings call the root of a repository.
const Root = "/"

// mostTwins bounds the folders that differ in the case or the code points of letters and are followed.
const mostTwins = 64

// Surroundings is what lies around the directory in the tree of the commit.
type Surroundings struct {
	Above string // the nearest folder above that is a fabric directory; empty when there is none
	Twin  string // a folder whose path differs in the case or the code points of letters alone; empty when there is none
}

// Surroundings looks at the tree of the commit. What a fabric directory is says its manifest.
func (s *Snapshot) Surroundings() (Surroundings, error) {
	if s.Directory == "" {
		return Surroundings{}, nil
	}
	above, err := s.above()
	if err != nil {
		return Surroundings{}, err
	}
	twin, err := s.twin()
	return Surroundings{Above: above, Twin: twin}, err
}

func (s *Snapshot) above() (nearest string, err error) {
	tree, at := s.Root, Root
	for _, name := range strings.Split(s.Directory, "/") {
		entries, err := s.Entries(tree)
		if err != nil {
			return "", err
		}
		owned, err := s.hasManifest(entries)
		if err != nil {
			return "", err
		}
		if owned {
			nearest = at
		}
		next, found := find(entries, name)
		if !found || !next.IsTree() {
			break
		}
		tree, at = next.Hash, strings.TrimPrefix(path.Join(at, name), "/")
	}
	return nearest, nil
}

// hasManifest reports whether a folder is a fabric directory.
func (s *Snapshot) hasManifest(entries []object.Entry) (bool, error) {
	folder, found := find(entries, layout.Metadata)
	if !found || !folder.IsTree() {
		return false, nil
	}
	inside, err := s.Entries(folder.Hash)
	if err != nil {
		return false, err
	}
	manifest, found := find(inside, path.Base(layout.Manifest))
	return found && !manifest.IsTree(), nil
}

// folderAt is a folder of the commit.
type folderAt struct {
	path string
	tree plumbing.Hash
}

// twin returns a folder that a checkout on Windows or macOS takes for the directory, or for one
// above it. Beside a directory that is there already, only another fabric directory is one.
func (s *Snapshot) twin() (string, error) {
	places := []folderAt{{tree: s.Root}}
	for i, name := range strings.Split(s.Directory, "/") {
		next, err := s.alike(places, name)
		if err != nil || len(next) == 0 {
			return "", err
		}
		prefix := strings.Join(strings.Split(s.Directory, "/")[:i+1], "/")
		if !has(next, prefix) {
			return next[0].path, nil
		}
		places = next
	}
	for _, p := range places {
		if p.path == s.Directory {
			continue
		}
		entries, err := s.Entries(p.tree)
		if err != nil {
			return "", err
		}
		if owned, err := s.hasManifest(entries); owned || err != nil {
			return p.path, err
		}
	}
	return "", nil
}

// alike returns the folders in places whose names differ from one in the case and the code points of letters at most.
func (s *Snapshot) alike(places []folderAt, name string) ([]folderAt, error) {
	var found []folderAt
	for _, p := range places {
		entries, err := s.Entries(p.tree)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.IsTree() && layout.Alike(e.Name, name) && len(found) < mostTwins {
				found = append(found, folderAt{path.Join(p.path, e.Name), e.Hash})
			}
		}
	}
	return found, nil
}

func has(places []folderAt, path string) bool {
	for _, p := range places {
		if p.path == path {
			return true
		}
	}
	return false
}
