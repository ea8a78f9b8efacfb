package remote_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/remotehost"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/remote"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noApps makes no tokens.
type noApps struct{ t *testing.T }

func (n noApps) Token(_ context.Context, host string, _ *credentials.App) (credentials.Basic, error) {
	n.t.Errorf("a token was asked for at %s", host)
	return credentials.Basic{}, nil
}

func (n noApps) Refused(context.Context, string, *credentials.App, credentials.Basic) {}

// TestARemoteTakesItsLoginAlone: whatever hands a login over, no remote is made with one that is for another server.
func TestARemoteTakesItsLoginAlone(t *testing.T) {
	t.Parallel()
	transport, err := remote.NewTransport(remote.Options{
		Policy:  remote.Policy{KnownHosts: "/dev/null"},
		Tracers: noop.NewTracerProvider(),
		Breaker: remote.BreakerOptions{
			Failures: 1, Pause: time.Minute,
			State: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "state"}, []string{"target"}),
		},
		Limiter: remote.LimiterOptions{PerHost: 1, PerRepository: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.Close)
	factory := remote.NewFactory(transport, noApps{t})
	parse := func(url string) remote.Location {
		t.Helper()
		location, err := factory.Parse(url)
		if err != nil {
			t.Fatal(err)
		}
		return location
	}
	home := parse("https://git.example.com/o/r")
	for name, login := range map[string]credentials.Login{
		"a token": {Basic: credentials.Token(secret.New("secret"))}, "a key": {SSHKey: secret.New("key")},
		"an app": {App: &credentials.App{ID: 1, Installation: 2, Key: secret.New("key")}},
	} {
		for _, login.Server = range []remotehost.Host{{}, home.Server} {
			for _, url := range []string{
				"https://git.example.com:8443/o/r", "https://example.com/o/r", "ssh://git@git.example.com/o/r",
				"git@git.example.com:o/r", "https://git.example.com.evil.example/o/r",
			} {
				if _, err := factory.Open(parse(url), login); !errs.HasCode(err, errs.CredentialsForAnotherHost) {
					t.Errorf("%s of %v at %s: %v", name, login.Server, url, err)
				}
			}
		}
	}
	login := credentials.Login{Basic: credentials.Token(secret.New("secret")), Server: home.Server}
	if _, err := factory.Open(parse("https://GIT.example.com.:443/other"), login); err != nil {
		t.Errorf("at home: %v", err)
	}
}
