package netboxdial_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/netboxdial"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const planted = "nbt_planted0key1.plantedsecret"

// site is something that answers over HTTP, and what it was shown.
type site struct {
	url, host string
	shown     atomic.Value
	asked     atomic.Int32
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.shown.Store(r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"netbox-version":"4.7.3","plugins":{}}`))
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.url, s.host = server.URL, u.Host
	return s
}

func dialer(t *testing.T, c netboxdial.Config, environment map[string]string) *netboxdial.Dialer {
	t.Helper()
	d, err := netboxdial.New(c, func(name string) (string, bool) { value, set := environment[name]; return value, set })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// loopback permits this machine, in clear.
func loopback() netboxdial.Config {
	return netboxdial.Config{AllowHTTP: true, AllowedPrivateNetworks: []string{"127.0.0.0/8"}}
}

// TestTheTokenIsReadAtEachConnect: a token that was put in the place of another one is used from then on.
func TestTheTokenIsReadAtEachConnect(t *testing.T) {
	t.Parallel()
	s, dir := newSite(t), t.TempDir()
	c := loopback()
	c.CredentialsDir = dir
	d := dialer(t, c, nil)
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("netbox.hosts", s.host+"\n")
	for _, token := range []string{planted, strings.Repeat("4", 40)} {
		write("netbox", token+"\n")
		client, err := d.Connect(s.url, "file:netbox", netboxdial.Bare)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Status(t.Context()); err != nil {
			t.Fatal(err)
		}
		if shown, _ := s.shown.Load().(string); !strings.HasSuffix(shown, " "+token) {
			t.Errorf("the token shown is not the one of %d characters that is there now", len(token))
		}
	}
}

// TestATokenGoesToItsNetBoxOnly: without the host in its list nothing is sent, whoever names the NetBox.
func TestATokenGoesToItsNetBoxOnly(t *testing.T) {
	t.Parallel()
	s, dir := newSite(t), t.TempDir()
	c := loopback()
	c.CredentialsDir = dir
	d := dialer(t, c, map[string]string{
		"HEDGEHOG_FGD_NETBOX_A": planted, "HEDGEHOG_FGD_NETBOX_A_HOSTS": "netbox.example.com",
		"HEDGEHOG_FGD_NETBOX_B": planted, "HEDGEHOG_FGD_GIT_A": planted, "HEDGEHOG_FGD_GIT_A_HOSTS": s.host,
		"HEDGEHOG_FGD_NETBOX_C": planted + "\n" + planted, "HEDGEHOG_FGD_NETBOX_C_HOSTS": s.host,
	})
	for reference, code := range map[string]errs.Code{
		"env:HEDGEHOG_FGD_NETBOX_A": errs.CredentialsForAnotherHost,
		"env:HEDGEHOG_FGD_NETBOX_B": errs.CredentialsForAnotherHost,
		"env:HEDGEHOG_FGD_NETBOX_C": errs.CredentialsUnreadable,
		"env:HEDGEHOG_FGD_GIT_A":    errs.CredentialsUnreadable,
		"file:../x":                 errs.CredentialsUnreadable,
		"":                          errs.CredentialsUnreadable,
	} {
		_, err := d.Connect(s.url, reference, netboxdial.Bare)
		e := errs.From(err)
		if e.Code.ID != code.ID || strings.Contains(e.Error()+e.RemedyText(), "planted") {
			t.Errorf("%q: %v", reference, err)
		}
	}
	if n := s.asked.Load(); n > 0 {
		t.Errorf("%d requests were made", n)
	}
}

// TestOnlyPermittedAddressesAreConnectedTo: neither http nor an address inside, unless the configuration says so.
func TestOnlyPermittedAddressesAreConnectedTo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := secret.New(planted)
	inside := dialer(t, netboxdial.Config{AllowHTTP: true}, nil)
	client, err := inside.ConnectWith(s.url, token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Status(t.Context()); !errs.HasCode(err, errs.RemoteRefused) {
		t.Errorf("loopback: %v", err)
	}
	encrypted := dialer(t, netboxdial.Config{AllowedPrivateNetworks: []string{"127.0.0.0/8"}}, nil)
	if _, err := encrypted.ConnectWith(s.url, token); !errs.HasCode(err, errs.RemoteRefused) {
		t.Errorf("http: %v", err)
	}
	for _, address := range []string{
		"", "netbox", "ftp://h", "https://", "https://u:p@h", "https://h?x=1", "https://h#x", "https://-h", "https://h:0",
	} {
		if _, err := inside.ConnectWith(address, token); errs.From(err).Meta[errs.FieldKey] == "" {
			t.Errorf("%q: %v", address, err)
		}
	}
	if n := s.asked.Load(); n > 0 {
		t.Errorf("%d requests were made", n)
	}
}

// TestNothingIsWaitedForForever: what Connect hands over to be wrapped ends a request that nobody answers.
func TestNothingIsWaitedForForever(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const name = "HEDGEHOG_FGD_NETBOX_T"
	d := dialer(t, loopback(), map[string]string{name: planted, name + "_HOSTS": s.host})
	var bounded bool
	_, err := d.Connect(s.url, "env:"+name, func(next http.RoundTripper) http.RoundTripper {
		_, endless := next.(*http.Transport)
		bounded = !endless
		return next
	})
	if err != nil || !bounded {
		t.Errorf("%v, bounded %v", err, bounded)
	}
}
