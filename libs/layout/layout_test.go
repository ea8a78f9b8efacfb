package layout_test

import (
	"testing"

	"fgdsync.dev/libs/layout"
)

func TestPart(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"raw/a.yaml": layout.Raw, "raw/sub/a.yaml": layout.Raw, "managed/vpcs/a.yaml": layout.Managed,
		"unmanaged/a":        layout.Unmanaged,
		".hnp/manifest.yaml": layout.Metadata, "raw": "", "rawer/a": "", "a.yaml": "", "sub/raw/a.yaml": "", "": "",
		"Raw/a": "",
	} {
		if got := layout.Part(path); got != want {
			t.Errorf("%q is in %q, want %q", path, got, want)
		}
	}
}

func TestIsYAML(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"a.yaml": true, "a.yml": true, "d/A.YAML": true, "a.YmL": true, "a.json": false, "yaml": false, ".yaml": true,
		"a.yaml.bak": false, "a.yaml/b": false, "": false,
	} {
		if got := layout.IsYAML(path); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}

func TestStaysPut(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"README.md": true, "sub/README.md": true, "kustomization.yaml": true, "sub/kustomization.yml": true,
		"managed/Kustomization": true, ".gitlab-ci.yml": true, ".github/workflows/ci.yaml": true, "sub/.x/a.yaml": true,
		".gitignore":     true,
		".gitattributes": true, ".gitkeep": true, ".fgdignore": true, "notes.txt": true, "a.yaml": false, "sub/a.yml": false,
	} {
		if got := layout.StaysPut(path); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}

func TestHidden(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		".sops.yaml": true, "raw/.DS_Store": true, "raw/.git/x": true, "managed/.argocd/a.yaml": true,
		"sub/.hnp/manifest.yaml": true, "sub/.fgdignore": true, ".hnp": true,
		".fgdignore": false, ".hnp/manifest.yaml": false, "raw/a.yaml": false, "a.b/c.yaml": false, "": false,
	} {
		if got := layout.Hidden(path); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}

func TestIsInput(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"raw/a.yaml": true, "a.yml": true, "managed/vpcs/a.yaml": true, "unmanaged/a.yaml": false,
		".hnp/manifest.yaml": false, "raw/.a.yaml": false, "raw/kustomization.yaml": false, "raw/a.txt": false,
	} {
		if got := layout.IsInput(path); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}

// TestNamesThatAreOneElsewhere: case does not count, nor whether an accent is part of its letter or follows it.
func TestNamesThatAreOneElsewhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b  string
		alike bool
	}{
		{"fabric", "Fabric", true},
		{"caf\u00e9", "cafe\u0301", true},
		{"CAF\u00c9", "cafe\u0301", true},
		{"\u212aelvin", "kelvin", true},
		{"\u03a3\u03c2", "\u03c3\u03c3", true},
		{"cafe", "caf\u00e9", false},
		{"f1", "f2", false},
	} {
		if got := layout.Alike(c.a, c.b); got != c.alike {
			t.Errorf("%+q and %+q: %v", c.a, c.b, got)
		}
	}
	if name := "raw/a-1_~.yaml"; layout.Folded(name) != name {
		t.Errorf("%q is folded to %q", name, layout.Folded(name))
	}
}
