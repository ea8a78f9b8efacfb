// Package corpus finds YAML of the field that tests may use when it is at hand: definitions in crds/, cases in
// corpus/cases/, under a folder named by HEDGEHOG_FGD_TEST_SHARED or called "shared" beside the project.
package corpus

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir returns the path of a part of the shared folder, or skips the test when there is none.
func Dir(t testing.TB, parts ...string) string {
	t.Helper()
	root := os.Getenv("HEDGEHOG_FGD_TEST_SHARED")
	if root == "" {
		root = search(t)
	}
	dir := filepath.Join(append([]string{root}, parts...)...)
	if _, err := os.Stat(dir); root == "" || err != nil {
		t.Skip("no shared test data at hand (HEDGEHOG_FGD_TEST_SHARED)")
	}
	return dir
}

func search(t testing.TB) string {
	at, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; at != filepath.Dir(at); at = filepath.Dir(at) {
		candidate := filepath.Join(at, "shared")
		if info, err := os.Stat(filepath.Join(candidate, "crds")); err == nil && info.IsDir() {
			return candidate
		}
	}
	return ""
}
