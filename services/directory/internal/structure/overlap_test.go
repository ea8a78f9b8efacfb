package structure_test

import (
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/directory/internal/structure"
)

// TestOverlapsNameTheOther: a directory around another fabric's, inside one, or like one but for the case of letters is
// refused, nothing of the refusal is repaired, and it says which directory the other one is.
func TestOverlapsNameTheOther(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		place structure.Place
		set   files
		named string
	}{
		"below":    {structure.Place{Directory: "gitops"}, files{"fab1/.hnp/manifest.yaml": "a: 1"}, "gitops/fab1"},
		"the root": {structure.Place{}, files{"gitops/fab1/.hnp/manifest.yaml": "a: 1"}, "gitops/fab1"},
		"above":    {structure.Place{Directory: "gitops/fab1/raw", Above: "gitops/fab1"}, nil, "gitops/fab1."},
		"a twin":   {structure.Place{Directory: "gitops/FAB", Twin: "gitops/fab"}, nil, "gitops/fab "},
	} {
		f := right(t)
		for p, content := range c.set {
			f[p] = content
		}
		dir := f.directory()
		dir.Place = c.place
		report := examine(dir, testFabric)
		remaining := report.Remaining()
		if len(remaining) != 1 || remaining[0].Code.ID != errs.DirectoryOverlap.ID || !remaining[0].Error ||
			len(remaining[0].Changes) > 0 || !strings.Contains(remaining[0].Message, c.named) {
			t.Errorf("%s: %+v", name, report.Issues)
		}
	}
}

// TestOwner: the owner is the one that the manifest names, also one of the plugin or one that lacks the rest.
func TestOwner(t *testing.T) {
	t.Parallel()
	for manifest, want := range map[string]structure.Owner{
		right(t)[".hnp/manifest.yaml"]:                                          {ID: 35, Name: "fabric-1"},
		"{\"fabric_id\": 7, \"fabric_name\": \"x y\", \"crd_directories\": []}": {ID: 7, Name: "x y"},
		"fabric_id: 7\n":                           {},
		"fabric_id: -7\nfabric_name: x\n":          {},
		"fabric_id: 99999999999\nfabric_name: x\n": {},
		"<<<<<<< HEAD\nfabric_id: 7\n":             {},
	} {
		f := files{".hnp/manifest.yaml": manifest}
		if got := f.examine().Owner; got != want {
			t.Errorf("%q: %v, not %v", manifest, got, want)
		}
	}
}
