package githubsync_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
	githubsync "fgdsync.dev/services/github-sync"
)

// part returns what a part of the service says of itself.
func (b *bench) part(name string) error {
	b.t.Helper()
	for _, part := range b.service.Parts() {
		if part.Name == name {
			return part.Check(b.t.Context())
		}
	}
	b.t.Fatalf("there is no part %s", name)
	return nil
}

// TestWithoutAStoreItIsNotReady: a file stands where the folder has to be.
func TestWithoutAStoreItIsNotReady(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b := setup(t, func(c *githubsync.Config) { c.DataDir = filepath.Join(folder, "git") })
	for what, err := range map[string]error{
		"the store": b.part(health.Store), "the service": b.service.Ready(t.Context()),
	} {
		if !errs.HasCode(err, errs.StorageFailed) || !strings.Contains(errs.From(err).RemedyText(), "data_dir") {
			t.Errorf("%s says %v", what, err)
		}
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	if err := b.service.Ready(t.Context()); err != nil {
		t.Errorf("there is room again, and the service says %v", err)
	}
}

// TestASeriesIsThereBeforeItsFirstEvent: the first failure is an increase then.
func TestASeriesIsThereBeforeItsFirstEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	text, err := testutil.GatherAndFormat(b.metrics, expfmt.TypeTextPlain, "fgd_github_requests_total",
		"fgd_github_rate_limit_remaining")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`fgd_github_requests_total{code="error",operation="refs git-upload-pack"} 0`,
		`fgd_github_requests_total{code="503",operation="git-receive-pack"} 0`, `fgd_github_rate_limit_remaining NaN`,
	} {
		if !strings.Contains(string(text), line+"\n") {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}
