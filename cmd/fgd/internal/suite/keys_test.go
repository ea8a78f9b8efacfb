package suite_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/config"
)

// TestSampleNamesEveryKey: each key that some code of the project reads is in the sample, and the other way round.
func TestSampleNamesEveryKey(t *testing.T) {
	t.Parallel()
	documented := regexp.MustCompile(`(?m)^([a-z_]+):`)
	sample := map[string]bool{}
	for _, match := range documented.FindAllSubmatch(config.Sample(), -1) {
		sample[string(match[1])] = true
	}
	read := keysInCode(t, "../../../..")
	for _, def := range suite.Definitions() {
		for _, peer := range def.Peers {
			read[peer.AddressKey()] = "the definition of " + def.Name
		}
	}
	for _, key := range slices.Sorted(maps.Keys(read)) {
		if !sample[key] {
			t.Errorf("%s reads the key %q, which fgd.yaml does not name", read[key], key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(sample)) {
		if read[key] == "" {
			t.Errorf("fgd.yaml names the key %q, which nothing reads", key)
		}
	}
}

// keysInCode finds the keys in struct tags, and the file that each one is in.
func keysInCode(t *testing.T, root string) map[string]string {
	t.Helper()
	tag := regexp.MustCompile("koanf:\"([a-z_]+)\"")
	keys := map[string]string{}
	for _, part := range []string{"libs", "services", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, part), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, match := range tag.FindAllSubmatch(source, -1) {
				keys[string(match[1])] = path
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return keys
}
