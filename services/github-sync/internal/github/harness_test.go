package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/remotehost"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/github"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/testkit/githubserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const planted = "ghp_a-token-nobody-guesses"

// clock is a time that a test moves.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// bench is the client, with the transport of Git remotes, and a GitHub.
type bench struct {
	t        *testing.T
	hub      *githubserver.Server
	client   *github.Client
	clock    *clock
	metrics  *prometheus.Registry
	key      *rsa.PrivateKey
	location remote.Location
	token    credentials.Login
}

var appKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func setup(t *testing.T) *bench {
	t.Helper()
	key, err := appKey()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, clock: &clock{}, metrics: prometheus.NewRegistry(), key: key, token: tokenLogin(planted)}
	b.hub = githubserver.Start(t, githubserver.Options{
		App: 7, Installation: 8, Key: &key.PublicKey, Owner: "Octo", Name: "fabrics", Tokens: []string{planted},
	})
	b.hub.SetBranch("main", githubserver.Branch{Commit: strings.Repeat("a", 40), Protected: true})
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "fgd_github_requests_total", Help: "h"},
		[]string{"operation", "code"})
	remaining := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "fgd_github_rate_limit_remaining", Help: "h"}, nil)
	b.metrics.MustRegister(requests, remaining)
	transport, err := remote.NewTransport(remote.Options{
		Policy: remote.Policy{AllowHTTP: true, Networks: loopback}, MaxPackBytes: 1 << 30,
		MaxObjects: 1000, Tracers: noop.NewTracerProvider(),
		Requests: requests,
		Breaker: remote.BreakerOptions{
			Failures: 100, Pause: time.Minute,
			State: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "c"}, []string{"target"}),
		},
		Limiter: remote.LimiterOptions{
			PerHost: 10, PerRepository: 10,
			Waiting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "w"}),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.Close)
	hosts, err := github.ParseHosts([]string{"git.example.com=" + b.hub.URL()}, true)
	if err != nil {
		t.Fatal(err)
	}
	b.client, err = github.New(github.Options{
		Hosts: hosts, Transport: transport.HTTP(), Remaining: remaining, Now: b.clock.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if b.location, err = remote.NewFactory(transport, b.client).
		Parse("https://Git.Example.com/Octo/fabrics.git"); err != nil {
		t.Fatal(err)
	}
	return b
}

// server is the GitHub of these tests.
var server = remotehost.Host{Scheme: "https", Name: "git.example.com", Port: "443"}

func tokenLogin(token string) credentials.Login {
	return credentials.Login{Basic: credentials.Token(secret.New(token)), Server: server}
}

func (b *bench) app() *credentials.App {
	raw := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(b.key)})
	return &credentials.App{ID: 7, Installation: 8, Key: secret.New(string(raw))}
}

func (b *bench) appLogin() credentials.Login { return credentials.Login{App: b.app(), Server: server} }

// ask asks about the repository.
func (b *bench) ask(login credentials.Login) error {
	_, err := b.client.Repository(b.t.Context(), b.location, login)
	return err
}

// requireCode holds an error to its code, and to having nothing secret in it.
func (b *bench) requireCode(err error, code errs.Code) {
	b.t.Helper()
	if !errs.HasCode(err, code) {
		b.t.Errorf("%v, not %s", err, code.Name)
		return
	}
	text := err.Error() + errs.From(err).RemedyText()
	for _, login := range append(b.hub.Tokens(), planted, "PRIVATE KEY", "ghs_", "eyJ") {
		if strings.Contains(text, login) {
			b.t.Errorf("the error has a secret: %s", text)
		}
	}
}

// failing makes the server answer with a status, headers and a body.
func (b *bench) failing(status int, headers map[string]string, body string) {
	b.hub.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(strings.ReplaceAll(body, "LOGIN",
			strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))))
		return true
	})
}

func (b *bench) gathered() string {
	b.t.Helper()
	text, err := testutil.GatherAndFormat(b.metrics, expfmt.TypeTextPlain, "fgd_github_requests_total",
		"fgd_github_rate_limit_remaining")
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
