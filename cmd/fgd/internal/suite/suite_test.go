package suite_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"go.uber.org/goleak"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/services/bridge"
	"fgdsync.dev/services/directory"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/services/ingestion"
	"fgdsync.dev/services/orchestrator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// configs are those of all services.
type configs struct {
	Orchestrator orchestrator.Config
	Ingestion    ingestion.Config
	Directory    directory.Config
	GithubSync   githubsync.Config
	Bridge       bridge.Config
}

// TestSampleIsTheDefault: the commented sample says of every key what holds without it.
func TestSampleIsTheDefault(t *testing.T) {
	t.Parallel()
	sample := filepath.Join(t.TempDir(), "fgd.yaml")
	if err := os.WriteFile(sample, config.Sample(), 0o600); err != nil {
		t.Fatal(err)
	}
	defaults, sampled := load(t, ""), load(t, sample)
	lists := &sampled.GithubSync // empty ones
	lists.AllowedLocalPaths, lists.AllowedPrivateNetworks, lists.CommitEmails = nil, nil, nil
	hooks := &sampled.Bridge
	hooks.GithubWebhookSecret, hooks.GitlabWebhookSecret, hooks.GiteaWebhookSecret = nil, nil, nil
	hooks.NetboxWebhookSecret, hooks.NetBox.AllowedPrivateNetworks = nil, nil
	hooks.NetboxWebhookSecret = nil
	if !reflect.DeepEqual(sampled, defaults) {
		t.Errorf("the sample has %+v, the code %+v", sampled, defaults)
	}
}

func load(t *testing.T, path string) configs {
	t.Helper()
	source, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := configs{
		orchestrator.DefaultConfig(), ingestion.DefaultConfig(), directory.DefaultConfig(), githubsync.DefaultConfig(),
		bridge.DefaultConfig(),
	}
	for _, target := range []any{&cfg.Orchestrator, &cfg.Ingestion, &cfg.Directory, &cfg.GithubSync, &cfg.Bridge} {
		if err := source.Into(target); err != nil {
			t.Fatal(err)
		}
	}
	return cfg
}
