package githubsync_test

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/gitserver"
)

// tlsFront serves a host over TLS, with a certificate of an authority of its own. It gives the address and the file of
// the authority.
func tlsFront(t *testing.T, host *gitserver.Server) (address, caFile string) {
	t.Helper()
	behind, err := url.Parse(host.URL(""))
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind) },
	})
	front.EnableHTTP2 = true
	front.StartTLS()
	t.Cleanup(front.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	if err := os.WriteFile(caFile, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	return front.Listener.Addr().String(), caFile
}

// TestCAFile: a host with a certificate of the company's own authority is believed when the authority is named, and
// only then.
func TestCAFile(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	host.Create(t, repository, branch, content)
	address, caFile := tlsFront(t, host)
	b := replica(t, host, func(cfg *githubsync.Config) { cfg.RemotesCAFile = caFile })
	b.url = func(r string) string { return "https://" + address + "/" + r }
	s := b.open("f")
	if _, err := b.publish(s, b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})); err != nil {
		t.Error(err)
	}
	b.requireCommits(2)
	without := replica(t, host)
	without.url = b.url
	err := without.tryOpen(without.location("f"))
	without.requireCode(err, errs.CertificateUntrusted)
	if !strings.Contains(errs.From(err).RemedyText(), "remotes_ca_file") || errs.KindOf(err) != errs.Precondition {
		t.Errorf("%v: %s", err, errs.From(err).RemedyText())
	}
}

// connectProxy is a proxy that connects to one address, whatever name is asked for, as a resolver inside of a company
// would.
type connectProxy struct {
	*httptest.Server
	target string
	status int // what it answers instead of connecting, when it is not 0

	mu      sync.Mutex
	asked   []string
	tunnels sync.WaitGroup
}

const proxyPassword = "a-proxy-password-nobody-guesses"

func startProxy(t *testing.T, target string) *connectProxy {
	t.Helper()
	p := &connectProxy{target: target}
	p.Server = httptest.NewServer(p)
	t.Cleanup(func() { p.Close(); p.tunnels.Wait() })
	return p
}

// url is the proxy's URL with a password.
func (p *connectProxy) url(password string) secret.String {
	return secret.New(strings.Replace(p.URL, "http://", "http://worker:"+password+"@", 1))
}

func (p *connectProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.Host)
	status := p.status
	p.mu.Unlock()
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("worker:"+proxyPassword))
	switch {
	case r.Header.Get("Proxy-Authorization") != want:
		http.Error(w, "who are you", http.StatusProxyAuthRequired)
	case status != 0:
		http.Error(w, "no", status)
	default:
		p.tunnel(w)
	}
}

func (p *connectProxy) tunnel(w http.ResponseWriter) {
	p.tunnels.Add(1)
	defer p.tunnels.Done()
	there, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		http.Error(w, "no way", http.StatusBadGateway)
		return
	}
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = there.Close()
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	var both sync.WaitGroup
	for from, to := range map[net.Conn]net.Conn{here: there, there: here} {
		both.Go(func() {
			_, _ = io.Copy(to, from)
			_ = to.Close()
		})
	}
	both.Wait()
}

// TestProxy: an HTTPS host is reached through the proxy, by a name that only the proxy can resolve, also where private
// addresses are not permitted. The proxy's password is shown nowhere.
func TestProxy(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	host.Create(t, repository, branch, content)
	address, caFile := tlsFront(t, host)
	proxy := startProxy(t, address)
	b := replica(t, host, func(cfg *githubsync.Config) {
		cfg.RemotesCAFile, cfg.RemotesProxyURL = caFile, proxy.url(proxyPassword)
		cfg.AllowHTTP, cfg.AllowedPrivateNetworks = false, nil
	})
	b.url = func(r string) string { return "https://example.com/" + r } // a name in the certificate of httptest
	s := b.open("f")
	if _, err := b.publish(s, b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})); err != nil {
		t.Error(err)
	}
	b.requireCommits(2)
	proxy.mu.Lock()
	if len(proxy.asked) == 0 || proxy.asked[0] != "CONNECT example.com:443" {
		t.Errorf("the proxy was asked %v", proxy.asked)
	}
	asked := len(proxy.asked)
	proxy.mu.Unlock()
	for _, private := range []string{
		"127.0.0.1", "10.0.0.1", "[::1]", "localhost", "x.localhost", "2130706433",
		"0x7f000001", "127.1", "[::ffff:10.0.0.1]", "169.254.169.254",
	} {
		location := &gitv1.Location{RepositoryUrl: "https://" + private + "/r.git", Branch: branch}
		b.requireCode(b.tryOpen(location), errs.RemoteRefused)
	}
	if len(proxy.asked) != asked {
		t.Errorf("the proxy was asked for private addresses: %v", proxy.asked[asked:])
	}
}

// TestProxyRefuses: what the proxy says is told apart from what the host says.
func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	address, caFile := tlsFront(t, host)
	for status, word := range map[int]string{
		http.StatusProxyAuthRequired: "credentials", http.StatusForbidden: "permit",
		http.StatusBadGateway: "502",
	} {
		proxy := startProxy(t, address)
		proxy.status = status
		password := proxyPassword
		if status == http.StatusProxyAuthRequired {
			password = "a-wrong-one"
		}
		b := replica(t, host, func(cfg *githubsync.Config) {
			cfg.RemotesCAFile, cfg.RemotesProxyURL = caFile,
				proxy.url(password)
		})
		b.url = func(r string) string { return "https://example.com/" + r }
		err := b.tryOpen(b.location("f"))
		code := errs.ProxyRefused
		if status == http.StatusBadGateway {
			code = errs.GitHubConnectionFailed
		}
		b.requireCode(err, code)
		if e := errs.From(err); !strings.Contains(e.Message, word) || !strings.Contains(e.Message, "proxy") {
			t.Errorf("%d: %v", status, err)
		}
		if text := err.Error() + b.log.String(); strings.Contains(text, password) {
			t.Errorf("the password of the proxy was shown: %s", text)
		}
	}
}

// TestCorporateSettingsAreJudged: a bad file or URL stops the start, and no password is quoted.
func TestCorporateSettingsAreJudged(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*githubsync.Config){
		"no CA file":    func(c *githubsync.Config) { c.RemotesCAFile = "/nowhere/ca.pem" },
		"no PEM":        func(c *githubsync.Config) { c.RemotesCAFile = empty },
		"no URL":        func(c *githubsync.Config) { c.RemotesProxyURL = secret.New("http://u:" + password + "@ bad") },
		"no host":       func(c *githubsync.Config) { c.RemotesProxyURL = secret.New("http://u:" + password + "@") },
		"another kind":  func(c *githubsync.Config) { c.RemotesProxyURL = secret.New("socks4://u:" + password + "@proxy") },
		"without kind":  func(c *githubsync.Config) { c.RemotesProxyURL = secret.New("u:" + password + "@proxy:3128") },
		"with a folder": func(c *githubsync.Config) { c.RemotesProxyURL = secret.New("http://u:" + password + "@proxy/x") },
	} {
		cfg := githubsync.DefaultConfig()
		cfg.DataDir, cfg.CredentialsKeyFile = t.TempDir(), ""
		change(&cfg)
		_, err := githubsync.New(cfg, process(nil))
		if !errs.HasCode(err, errs.ConfigurationInvalid) || strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
