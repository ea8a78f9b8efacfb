package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
)

type settings struct {
	SyncTimeout     time.Duration `koanf:"sync_timeout"`
	SyncConcurrency int           `koanf:"sync_concurrency"`
	AllowedPaths    []string      `koanf:"allowed_local_paths"`
	RedisURL        string        `koanf:"redis_url"`
}

func (s *settings) Validate() error {
	if s.SyncConcurrency < 1 {
		return config.Invalid("sync_concurrency", s.SyncConcurrency, "1 or more")
	}
	return nil
}

func load(t *testing.T, yaml string, environ ...string) (settings, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fgd.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	got := settings{SyncTimeout: time.Minute, SyncConcurrency: 7}
	source, err := config.Load(path, environ)
	if err == nil {
		err = source.Into(&got)
	}
	return got, err
}

func TestEnvironmentWinsOverFileWinsOverDefaults(t *testing.T) {
	got, err := load(t, "sync_timeout: 90s\nredis_url: redis://file\n", "HEDGEHOG_FGD_REDIS_URL=redis://env",
		"HEDGEHOG_FGD_ALLOWED_LOCAL_PATHS=/a,/b", "HEDGEHOG_FGD_GIT_TOKEN=not a key")
	if err != nil {
		t.Fatal(err)
	}
	if got.SyncTimeout != 90*time.Second || got.RedisURL != "redis://env" || got.SyncConcurrency != 7 ||
		len(got.AllowedPaths) != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestBadSettingsNameTheKeyAndWhatIsAllowed(t *testing.T) {
	for name, c := range map[string]struct{ yaml, env, want string }{
		"unknown key":  {"sync_timeuot: 1s\n", "", `"sync_timeuot"`},
		"not a number": {"sync_concurrency: many\n", "", "sync_concurrency"},
		"out of range": {"", "HEDGEHOG_FGD_SYNC_CONCURRENCY=0", "allowed is 1 or more"},
		"no duration":  {"", "HEDGEHOG_FGD_SYNC_TIMEOUT=soon", "sync_timeout"},
		"no YAML":      {"a: [\n", "", "can't be read"},
	} {
		_, err := load(t, c.yaml, c.env)
		if !errs.HasCode(err, errs.ConfigurationInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s in it", name, err, c.want)
		}
	}
}

func TestSampleIsAccepted(t *testing.T) {
	if _, err := load(t, string(config.Sample())); err != nil {
		t.Fatal(err)
	}
}
