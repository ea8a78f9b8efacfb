package access

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/bridge/internal/issuer"
	"fgdsync.dev/services/bridge/internal/token"
	"fgdsync.dev/testkit/oidcserver"
)

// FuzzAuthorization: whatever a caller sends, nobody is admitted who shows neither a token nor a JWT of the issuer, and
// what is said of it is one line.
func FuzzAuthorization(f *testing.F) {
	server := oidcserver.Start(f)
	cfg := issuer.DefaultConfig()
	cfg.Issuer, cfg.Audience = server.URL(), oidcserver.Audience
	jwts, err := issuer.New(cfg, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		f.Fatal(err)
	}
	peppers, err := token.PepperFile(f.TempDir() + "/peppers")
	if err != nil {
		f.Fatal(err)
	}
	tokens := NewTokens(peppers, time.Now)
	tokens.Update(nil)
	nobody := func(context.Context, string) (int32, error) { return 0, nil }
	for _, text := range []string{
		"", "Bearer", "bearer  a.b.c", "Basic YTpi", "Bearer fgd_0123456789ab_x", "Bearer eyJhbGciOiJub25lIn0..",
		"Bearer a.b.c\n", "Bearer\ta.b.c", "several", "Bearer " + server.AccessToken(f, "alice", "x"),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := New(Deps{
			Tokens: tokens, Issuer: jwts, FabricOf: nobody, Metrics: prometheus.NewRegistry(), Now: time.Now,
		}) // the address has failed at nothing yet
		if err != nil {
			t.Fatal(err)
		}
		p, err := a.Authenticate(text, netip.Addr{})
		if err == nil {
			t.Fatalf("%q is %+v", text, p)
		}
		if e := errs.From(err); e.Code.Kind == errs.Internal || strings.ContainsAny(e.Message, "\n\x1b") {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// TestOnlyTheLoginIsPublic: whoever reaches the bridge may call it, and nothing else.
func TestOnlyTheLoginIsPublic(t *testing.T) {
	t.Parallel()
	policy, err := newPolicy("fgd.bridge.v1")
	if err != nil {
		t.Fatal(err)
	}
	for method := range policy {
		if policy.isPublic(method) != (method == "/fgd.bridge.v1.AccessService/GetLogin") {
			t.Errorf("%s: public %t", method, policy.isPublic(method))
		}
	}
	if policy.isPublic("/fgd.bridge.v1.AccessService/Nothing") {
		t.Error("what nobody knows is public")
	}
}
