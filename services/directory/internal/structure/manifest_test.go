package structure_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/directory/internal/structure"
)

func manifestOf(name string, id int32) structure.Manifest {
	return structure.Manifest{
		StructureVersion: layout.StructureVersion, FabricName: structure.Name(name), FabricID: id,
		Directories:         map[string]string{"raw": "raw"},
		KindFolders:         []string{"vpcs"},
		LastStructureChange: "2026-03-01T12:00:00Z",
	}
}

// TestRenderedManifestReadsBack: whatever a fabric is called, its manifest states it.
func TestRenderedManifestReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := manifestOf(rapid.StringN(1, 60, 240).Draw(t, "name"), rapid.Int32Range(1, 1<<31-1).Draw(t, "id"))
		got, err := structure.ParseManifest(want.Render())
		if err != nil {
			t.Fatalf("%v in\n%s", err, want.Render())
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("read %+v, want %+v", got, want)
		}
	})
}

func FuzzParseManifest(f *testing.F) {
	f.Add(manifestOf("fabric-1", 35).Render())
	f.Add([]byte("# HNP GitOps Manifest\n\n{\"fabric_id\": 35, \"directories\": {\"raw\": \"raw\"}}"))
	f.Add([]byte("a: &a [1]\nb: [*a, *a]\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := structure.ParseManifest(content)
		if err != nil {
			return
		}
		m.Render()
		want := manifestOf(string(m.FabricName), m.FabricID)
		if got, err := structure.ParseManifest(want.Render()); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v reads back as %+v, %v", want, got, err)
		}
	})
}

// TestPluginManifests: the manifests that the old plugin wrote are repaired, and kept beside the new one.
func TestPluginManifests(t *testing.T) {
	t.Parallel()
	for _, p := range pluginManifests(t) {
		content, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		f := right(t)
		f[layout.Manifest] = string(content)
		if got := codes(f.examine()); len(got) != 1 || got[0] != "FGD_2006 .hnp/manifest.yaml" {
			t.Errorf("%s: %v", p, got)
		}
		after := f.repaired(t)
		if after[".hnp/manifest.legacy.yaml"] != string(content) || len(after.examine().Issues) != 0 {
			t.Errorf("%s: not repaired: %v", p, after)
		}
	}
}

func pluginManifests(t *testing.T) []string {
	t.Helper()
	shared := os.Getenv("HEDGEHOG_FGD_TEST_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "..", "..", "shared")
	}
	var found []string
	_ = filepath.WalkDir(filepath.Join(shared, "corpus"), func(p string, _ os.DirEntry, err error) error {
		if err == nil && filepath.Base(p) == "manifest.yaml" {
			found = append(found, p)
		}
		return nil
	})
	if len(found) == 0 {
		t.Skip("no corpus beside the project")
	}
	return found
}
