package githubsync_test

import (
	"testing"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	githubsync "fgdsync.dev/services/github-sync"
)

// TestDefinition: a process builds the service from its configuration alone, for services and not for callers.
func TestDefinition(t *testing.T) {
	t.Parallel()
	definition := githubsync.Definition()
	if definition.Name != githubsync.Name || definition.Audience != rpc.Services || len(definition.Peers) != 0 {
		t.Errorf("%+v", definition)
	}
	for setting, want := range map[string]*errs.Code{
		"HEDGEHOG_FGD_HOST_CONCURRENCY=40": nil, "HEDGEHOG_FGD_HOST_CONCURRENCY=0": &errs.ConfigurationInvalid,
	} {
		source, err := config.Load("", []string{setting, "HEDGEHOG_FGD_DATA_DIR=" + t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		p := process(nil)
		p.Source = source
		service, handler, err := definition.Build(p)
		if want != nil {
			if !errs.HasCode(err, *want) {
				t.Errorf("%s: %v", setting, err)
			}
			continue
		}
		if err != nil || service == nil || handler != nil {
			t.Errorf("%s: %v, %v, %v", setting, service, handler, err)
		}
	}
}
