package bridge_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/bridge"
)

// TestOnlyKnownHostsAreServed: a page that has its own name lead here is of the same origin to its browser.
func TestOnlyKnownHostsAreServed(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *bridge.Config) { c.PublicHosts = []string{"FGD.example", "192.0.2.7"} })
	id := b.fabric()
	const evil = "evil.example:8080"
	for _, host := range []string{
		evil, "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.8", "[2001:db8::1]:80",
	} {
		from := []header{{"Host", host}, {"Origin", "http://" + host}, {"Sec-Fetch-Site", "same-origin"}}
		for _, path := range []string{
			"/", "/docs", "/openapi.json", "/metrics", "/healthz", "/readyz", "/api/v1/fabrics", "/nothing", "//",
			"/api/v1/syncs/" + id + "/events", "/ws/sync-progress/" + id,
		} {
			b.problem("GET", path, "", http.StatusMisdirectedRequest, errs.HostRefused.ID, from...)
		}
		b.problem("POST", "/api/v1/fabrics/35/syncs", "{}", http.StatusMisdirectedRequest, errs.HostRefused.ID, from...)
	}
	_, response, err := websocket.Dial(t.Context(), b.server.URL+"/ws/sync-progress/"+id+"/", &websocket.DialOptions{
		Host: evil, HTTPHeader: http.Header{"Origin": {"http://" + evil}},
	})
	if err == nil || response.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("a WebSocket for another host: %v, %v", response, err)
	}
	for _, host := range []string{
		"localhost", "LOCALHOST:8080", "localhost.", "127.0.0.1", "127.1.2.3:99", "[::1]:8080", "[::ffff:127.0.0.1]",
		"fgd.example", "fgd.EXAMPLE.:443", "192.0.2.7:80",
	} {
		b.ok("GET", "/api/v1/fabrics", "", header{"Host", host})
	}
}

func TestPublicHostsAreNames(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{
		"", "https://fgd.example", "fgd.example:8080", "fgd.example/api", "*.example", "a b",
		"[::1]",
	} {
		cfg := bridge.DefaultConfig()
		cfg.PublicHosts = []string{"fgd.example", odd}
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "public_hosts") {
			t.Errorf("%q: %v", odd, err)
		}
	}
	cfg := bridge.DefaultConfig()
	cfg.PublicHosts = []string{"bridge", "fgd_1.example", "192.0.2.7", "2001:db8::1"}
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
}
