package remotehost_test

import (
	"testing"

	"fgdsync.dev/libs/remotehost"
)

// TestIdentity: what certainly is one server has one identity, whatever it is called, and nothing else shares it.
func TestIdentity(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for identity, names := range map[string][]string{
		"127.0.0.1": {
			"localhost", "LOCALHOST", "localhost.", "git.localhost", "127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0x7f000001",
			"2130706433", "017700000001", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "0.0.0.0", "::", "0",
		},
		"127.0.0.2":     {"127.0.0.2", "127.2", "::ffff:127.0.0.2"},
		"192.0.2.1":     {"192.0.2.1", "192.0.513", "0xc0.0.2.1", "::ffff:192.0.2.1"},
		"[2001:db8::1]": {"2001:db8::1", "2001:DB8:0::1"},
		"example.com":   {"example.com", "EXAMPLE.com."},
		"localhost.example": {
			"localhost.example",
		},
		"0xg.1":     {"0xg.1"},
		"256.0.0.1": {"256.0.0.1"},
		"1.2.3.4.5": {"1.2.3.4.5"},
	} {
		for _, name := range names {
			h, ok := remotehost.New("https", name, "")
			if got := h.Identity(); !ok || got != identity {
				t.Errorf("%s is %q, not %q", name, got, identity)
			}
			if other, taken := seen[name]; taken {
				t.Errorf("%s is %s and %s", name, other, identity)
			}
			seen[name] = identity
		}
	}
	for _, port := range []string{"8443", "80"} {
		if h, _ := remotehost.New("https", "127.1", port); h.Identity() != "127.0.0.1:"+port {
			t.Errorf("with a port: %s", h.Identity())
		}
	}
}
