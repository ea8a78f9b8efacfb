package console

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fgdsync.dev/testkit/oidcserver"
)

// TestSigningInAtAnIssuer: from the button to the issuer, which is another site, and back to the page that was asked
// for; the session is there at once. Then out again.
func TestSigningInAtAnIssuer(t *testing.T) {
	t.Parallel()
	issuer := oidcserver.Start(t)
	file := filepath.Join(t.TempDir(), "fgd.yaml")
	must(t, os.WriteFile(file, fmt.Appendf(nil, "oidc_issuer: %s\noidc_audience: %s\noidc_client_id: %s\noidc_grants:\n"+
		"  - {group: net-ops, role: operator, all_fabrics: true}\n",
		issuer.URL(), oidcserver.Audience, oidcserver.ClientID), 0o600))
	s := newSite(t, "--config", file)
	s.ends(s.register(), "completed")
	issuer.AllowRedirect(s.Base + "/sign-in/return") // another host than the issuer's, and so another site
	issuer.Approve(time.Hour, "alice", "net-ops")
	for _, scripts := range []bool{true, false} {
		s.Scripts(scripts)
		s.Go("/fabrics/1/history")
		s.Click("a[href^='/sign-in/issuer']")
		s.awaitPath("/fabrics/1/history")
		s.Sees("alice@example.com")
		s.Click("form[action='/sign-out'] button")
		s.awaitPath("/sign-in")
	}
	s.Scripts(true)
	issuer.Deny("access_denied")
	s.Click("a[href^='/sign-in/issuer']")
	s.Sees("has not let you in")
}
