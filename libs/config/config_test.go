package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
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
	t.Parallel()
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

// TestABadSettingSaysWhatToCorrect: the key, the value, what is allowed, and the line of the file or the variable.
func TestABadSettingSaysWhatToCorrect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		yaml, env    string
		want, remedy string
	}{
		"unknown key":        {"sync_timeuot: 1s\n", "", `"sync_timeuot" of /`, "sync_timeout"},
		"nothing like it":    {"colour: red\n", "", `"colour" of /`, "Take it out"},
		"not a number":       {"sync_concurrency: many\n", "", `is "many", which is no whole number`, "fgd.yaml"},
		"number of env":      {"", "HEDGEHOG_FGD_SYNC_CONCURRENCY=1x", `"1x"`, "HEDGEHOG_FGD_SYNC_CONCURRENCY"},
		"out of range":       {"", "HEDGEHOG_FGD_SYNC_CONCURRENCY=0", "is 0; allowed is 1 or more", "HEDGEHOG_FGD_SYNC_C"},
		"range of a file":    {"sync_concurrency: 0\n", "", "allowed is 1 or more", "sync_concurrency in /"},
		"no duration":        {"", "HEDGEHOG_FGD_SYNC_TIMEOUT=soon", `is "soon", which is no duration; an`, "SYNC_T"},
		"no unit":            {"sync_timeout: 300\n", "", `is "300", which is no duration`, "sync_timeout in /"},
		"no YAML":            {"a: [\n", "", "can't be read", "sample"},
		"what may be secret": {"redis_url: {pass: s3cret}\n", "", "redis_url", "fgd.yaml"},
	} {
		_, err := load(t, c.yaml, c.env)
		text, remedy := fmt.Sprint(err), errs.From(err).RemedyText()
		if !errs.HasCode(err, errs.ConfigurationInvalid) || !strings.Contains(text, c.want) ||
			!strings.Contains(remedy, c.remedy) {
			t.Errorf("%s: got %v; %s", name, err, remedy)
		}
		if strings.Contains(text+remedy, "\n") || len(text+remedy) > 300 || strings.Contains(text, "s3cret") ||
			strings.Contains(text, "strconv") {
			t.Errorf("%s: not one that a person can read: %s %s", name, text, remedy)
		}
	}
}

// TestUnknownVariables are told with what was perhaps meant; those that are read and are no keys are not among them.
func TestUnknownVariables(t *testing.T) {
	t.Parallel()
	source, err := config.Load("", []string{
		"HEDGEHOG_FGD_SYNK_TIMEOUT=1s", "HEDGEHOG_FGD_PUSH_LIMIT=x", "HEDGEHOG_FGD_COLOUR=red",
		"HEDGEHOG_FGD_SYNC_TIMEOUT=1s",
		"HEDGEHOG_FGD_GIT_TOKEN=x", "HEDGEHOG_FGD_GIT_USERNAME=x", "HEDGEHOG_FGD_GIT_ACME_HOSTS=x", "HEDGEHOG_FGD_GIT_ACME=x",
		"HEDGEHOG_FGD_GIT_PASSWORT=x", "HEDGEHOG_FGD_GIT_OTHER=x", "HEDGEHOG_FGD_GIT_OTHER_HOST=x",
		"HEDGEHOG_FGD_GIT_TOKENS=x", "HEDGEHOG_FGD_GIT_TOKENS_HOSTS=x", "HEDGEHOG_FGD_GIT_WHATEVER=x",
		"HEDGEHOG_FGD_CREDENTIALS_KEY=x", "HEDGEHOG_FGD_TOKEN=x", "HEDGEHOG_FGD_SERVER=x", "HEDGEHOG_FGD_CONTEXT=x",
		"HOME=/",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Variable{
		{"HEDGEHOG_FGD_SYNK_TIMEOUT", "HEDGEHOG_FGD_SYNC_TIMEOUT"},
		{"HEDGEHOG_FGD_PUSH_LIMIT", "HEDGEHOG_FGD_PUSH_LIMITS"},
		{"HEDGEHOG_FGD_COLOUR", ""},
		{"HEDGEHOG_FGD_GIT_PASSWORT", "HEDGEHOG_FGD_GIT_PASSWORD"},
		{"HEDGEHOG_FGD_GIT_OTHER_HOST", "HEDGEHOG_FGD_GIT_OTHER_HOSTS"},
	}
	if got := source.Unknown(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// TestWithDefaults: a key that is said to be empty was said.
func TestWithDefaults(t *testing.T) {
	t.Parallel()
	source, err := config.Load("", []string{"HEDGEHOG_FGD_REDIS_URL="})
	if err != nil {
		t.Fatal(err)
	}
	with, err := source.WithDefaults(map[string]any{"redis_url": "redis://default", "sync_concurrency": 3})
	if err != nil {
		t.Fatal(err)
	}
	got := settings{RedisURL: "none", SyncConcurrency: 7}
	if err := with.Into(&got); err != nil || got.RedisURL != "" || got.SyncConcurrency != 3 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSampleIsAccepted(t *testing.T) {
	t.Parallel()
	if _, err := load(t, string(config.Sample())); err != nil {
		t.Fatal(err)
	}
}

// TestWith: keys that are set win over the environment and the file, leave the source they are set on as it is, and are
// known.
func TestWith(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "fgd.yaml")
	if err := os.WriteFile(path, []byte("sync_timeout: 90s\nallowed_local_paths: /a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := config.Load(path, []string{"HEDGEHOG_FGD_REDIS_URL=redis://env"})
	if err != nil {
		t.Fatal(err)
	}
	with, err := source.With(map[string]any{
		"redis_url": "redis://set", "allowed_local_paths": []string{"/b,c", "/d"}, "sync_concurrency": 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		source *config.Source
		want   settings
	}{
		"with": {with, settings{90 * time.Second, 3, []string{"/b,c", "/d"}, "redis://set"}},
		"left": {source, settings{90 * time.Second, 7, []string{"/a"}, "redis://env"}},
	} {
		got := settings{SyncConcurrency: 7}
		if err := c.source.Into(&got); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := source.With(map[string]any{"redis_ulr": "x"}); !errs.HasCode(err, errs.ConfigurationInvalid) ||
		!strings.Contains(err.Error(), "redis_ulr") {
		t.Errorf("an unknown key: %v", err)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	source, err := config.Load("", []string{"HEDGEHOG_FGD_DIRECTORY_ADDRESS=d:1", "HEDGEHOG_FGD_INGESTION_ADDRESS="})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"directory_address": "d:1", "ingestion_address": "default", "github_sync_address": "default",
	} {
		if got := source.Text(key, "default"); got != want {
			t.Errorf("%s is %q, not %q", key, got, want)
		}
	}
}
