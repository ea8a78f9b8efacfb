package hosts_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hosts"
)

// asked returns a request for a host that has come in at an address of this machine.
func asked(host, at string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Host = host
	local := &net.TCPAddr{IP: net.ParseIP(at), Port: 9191}
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
}

// TestWhichHostsAreOurs: the names of loopback, the address that was reached, and what is said to be public.
func TestWhichHostsAreOurs(t *testing.T) {
	t.Parallel()
	public := hosts.New([]string{"FGD.example", "192.0.2.7"})
	for host, ours := range map[string]bool{
		"localhost": true, "LOCALHOST:8080": true, "localhost.": true, "127.1.2.3:99": true, "[::1]:8080": true,
		"fgd.EXAMPLE.:443": true, "192.0.2.7": true, "[::ffff:192.0.2.7]:80": true,
		"198.51.100.1:9191": true, "198.51.100.1": true,
		"": false, "evil.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false,
		"198.51.100.2:9191": false, "198.51.100.1.evil.example": false, "[2001:db8::1]:9191": false,
	} {
		if got := public.Allows(asked(host, "198.51.100.1")); got != ours {
			t.Errorf("%q: allowed %v", host, got)
		}
	}
	if !public.Allows(asked("[2001:db8::1]:9191", "2001:db8::1")) {
		t.Error("an address of IPv6 that was reached is refused")
	}
	if r := httptest.NewRequest(http.MethodGet, "/", nil); public.Allows(r) {
		t.Errorf("%q is allowed by a server that does not know where it is reached", r.Host)
	}
}

func TestARefusalNamesTheHostInOneLine(t *testing.T) {
	t.Parallel()
	err := hosts.Refusal(asked("evil\x1b[2J"+strings.Repeat("x", 1000), "127.0.0.1"))
	if !errs.HasCode(err, errs.HostRefused) || strings.Contains(err.Error(), "\x1b") || len(err.Error()) > 250 ||
		!strings.Contains(errs.From(err).RemedyText(), hosts.Key) {
		t.Errorf("%v", err)
	}
}
