package githubsync_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/gitserver"
)

// circuit is the metric's value for a host.
func (b *bench) circuit(host *gitserver.Server) string {
	b.t.Helper()
	text, err := testutil.GatherAndFormat(b.metrics, expfmt.TypeTextPlain, "fgd_circuit_state")
	if err != nil {
		b.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), fmt.Sprintf("fgd_circuit_state{target=%q} ", host.Address()))
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

// TestW12BreakerOpensForOneHost: a host that keeps failing is asked no more for a while, and others go on. Refusals are
// no failures, and after the pause one request finds out that the host is back.
func TestW12BreakerOpensForOneHost(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *githubsync.Config) { c.BreakerFailures, c.BreakerPause = 3, time.Second })
	b.host.Create(t, repository, branch, map[string]string{"f/a.yaml": "a\n"})
	location := b.location("f")
	b.host.Break(gitserver.Fault{Status: http.StatusForbidden, Times: 5})
	for range 5 {
		if err := b.tryOpen(location); !errs.HasCode(err, errs.GitHubAuthenticationFailed) {
			t.Fatal(err)
		}
	}
	b.host.Break(gitserver.Fault{Status: http.StatusServiceUnavailable})
	for range 3 {
		if err := b.tryOpen(location); !errs.HasCode(err, errs.GitHubConnectionFailed) {
			t.Fatal(err)
		}
	}
	asked := b.host.Requests(gitserver.Refs)
	err := b.tryOpen(location)
	if e := errs.From(err); e.Code.Kind != errs.Unavailable || !errs.HasCode(err, errs.GitHubConnectionFailed) ||
		e.RetryAfter <= 0 || !strings.Contains(e.Message, "left alone") {
		t.Errorf("%+v", e)
	}
	if now := b.host.Requests(gitserver.Refs); now != asked || b.circuit(b.host) != "2" {
		t.Errorf("%d requests to a host that is left alone; the circuit is %q", now-asked, b.circuit(b.host))
	}
	var trouble *health.Trouble
	if err := b.part(health.GitHosts); !errors.As(err, &trouble) || trouble.Status != health.Degraded ||
		!strings.Contains(trouble.Reason, b.host.Address()) || trouble.Details["hosts"] != b.host.Address() {
		t.Errorf("a host is left alone, and the health says %v", err)
	}
	other := newHost(t)
	other.Create(t, repository, branch, map[string]string{"f/a.yaml": "a\n"})
	elsewhere := b.location("f")
	elsewhere.RepositoryUrl = other.URL(repository)
	elsewhere.Credentials = b.sealFor(elsewhere.GetRepositoryUrl(), b.login)
	if err := b.tryOpen(elsewhere); err != nil || b.circuit(other) != "0" {
		t.Errorf("another host: %v; its circuit is %q", err, b.circuit(other))
	}
	b.host.Mend()
	b.until(func() bool { return b.tryOpen(location) == nil })
	if b.circuit(b.host) != "0" {
		t.Errorf("the circuit of a host that is back is %q", b.circuit(b.host))
	}
	if err := b.part(health.GitHosts); err != nil {
		t.Errorf("the host is back, and the health says %v", err)
	}
}
