package suite_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/config"
)

// TestSampleIsTheDefault: the commented sample says of every key what holds without it.
func TestSampleIsTheDefault(t *testing.T) {
	sample := filepath.Join(t.TempDir(), "fgd.yaml")
	if err := os.WriteFile(sample, config.Sample(), 0o600); err != nil {
		t.Fatal(err)
	}
	defaults, sampled := load(t, ""), load(t, sample)
	sampled.GithubSync.AllowedLocalPaths = nil // an empty list
	if !reflect.DeepEqual(sampled, defaults) {
		t.Errorf("the sample gives %+v, the code %+v", sampled, defaults)
	}
}

func load(t *testing.T, path string) suite.Config {
	t.Helper()
	source, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := suite.Load(source)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}
