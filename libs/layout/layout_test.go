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
		"README.md": true, "sub/README.md": true, "kustomization.yaml": true, "sub/kustomization.yaml": false,
		".gitignore":     true,
		".gitattributes": true, ".gitkeep": true, ".fgdignore": true, "notes.txt": true, "a.yaml": false, "sub/a.yml": false,
	} {
		if got := layout.StaysPut(path); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}
