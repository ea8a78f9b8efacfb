package bridge_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge"
	"fgdsync.dev/testkit/oidcserver"
)

// federated is a bridge that takes JWTs of an issuer beside tokens.
type federated struct {
	*guarded
	issuer *oidcserver.Server
}

func setupFederated(t *testing.T) federated {
	t.Helper()
	f := federated{issuer: oidcserver.Start(t)}
	f.guarded = setupGuarded(t, f.trusts)
	return f
}

// trusts configures the issuer.
func (f federated) trusts(c *bridge.Config) {
	c.OIDC.Issuer, c.OIDC.Audience, c.OIDC.ClientID = f.issuer.URL(), oidcserver.Audience, oidcserver.ClientID
	c.OIDC.Grants = []map[string]any{
		{"group": "net-ops", "role": "operator", "fabric_ids": []any{35}},
		{"group": "admins", "role": "admin", "all_fabrics": true},
	}
}

// TestCallersWithAJWT have the grants of their groups, over HTTP as over gRPC, and a name from the issuer.
func TestCallersWithAJWT(t *testing.T) {
	t.Parallel()
	f := setupFederated(t)
	f.withSyncs(35, 36)
	text := f.issuer.AccessToken(t, "alice", "net-ops")
	got := f.ok("GET", "/api/v1/caller", "", bearer(text))
	if got["name"] != "alice@example.com" || got["method"] != "oidc" || got["subject"] != f.issuer.URL()+" alice" ||
		got["token_id"] != nil || got["expires_at"] == nil {
		t.Errorf("the caller is %v", got)
	}
	for path, status := range map[string]int{
		"/api/v1/syncs/sync-of-35": 200, "/api/v1/syncs/sync-of-36": 404, "/api/v1/tokens": 403,
		"/api/v1/caller?access_token=" + text: 400, // no secret belongs into a URL
	} {
		if a := f.call("GET", path, "", bearer(text)); a.status != status {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	}
	f.problem("GET", "/api/v1/caller?access_token="+text, "", 401, "FGD_1050")
	f.ok("GET", "/api/v1/tokens", "", bearer(f.issuer.AccessToken(t, "root", "admins")))
	refusal := f.problem("GET", "/api/v1/caller", "", 403, "FGD_1051", bearer(f.issuer.AccessToken(t, "bob", "staff")))
	if !strings.Contains(fmt.Sprint(refusal["remedy"]), "oidc_grants") {
		t.Errorf("who may nothing is told %v", refusal)
	}
	f.ok("GET", "/api/v1/caller", "", bearer(f.bootstrap))
}

// TestForgedJWTsAreGuesses: what is no proof is 401, and counted; one that is far too long is not even read.
func TestForgedJWTsAreGuesses(t *testing.T) {
	t.Parallel()
	f := setupFederated(t)
	forged := oidcserver.SignWith(t, oidcserver.NewRSA(t, "key-1"), f.issuer.Claims("root", "admins"), nil)
	for range 10 {
		f.problem("GET", "/api/v1/caller", "", 401, "FGD_1050", bearer(forged))
	}
	f.problem("GET", "/api/v1/caller", "", 429, "FGD_1055", bearer(forged))
	f.ok("GET", "/api/v1/caller", "", bearer(f.issuer.AccessToken(t, "root", "admins")))
	f.forgive()
	if a := f.call("GET", "/api/v1/caller", "", bearer("a."+strings.Repeat("A", 600_000)+".c")); a.status != 401 {
		t.Errorf("600 kB: %d", a.status)
	}
	if got := f.call("GET", "/api/v1/caller", "", bearer("a."+strings.Repeat("A", 2<<20)+".c")).status; got != 431 {
		t.Errorf("2 MB: %d", got)
	}
	unsigned := "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0."
	if a := f.call("GET", "/api/v1/caller", "", bearer(unsigned)); a.status != 401 {
		t.Errorf("alg none: %d %s", a.status, a.raw)
	}
}

// TestJWTsDoNotSpeakForPeople: whoever shows one is whom the issuer names, whatever else is said.
func TestJWTsDoNotSpeakForPeople(t *testing.T) {
	t.Parallel()
	f := setupFederated(t)
	text := f.issuer.AccessToken(t, "mallory", "admins")
	f.call("POST", "/api/v1/fabrics/35/syncs", "{}", bearer(text), header{"X-Requested-By", "alice"})
	f.backend.mu.Lock()
	md := f.backend.metadata
	f.backend.mu.Unlock()
	if got := fmt.Sprint(md.Get("fgd-principal-bin"), md.Get("fgd-via-bin")); got != "[mallory@example.com] []" {
		t.Errorf("asked by %s", got)
	}
	if len(md.Get("authorization")) > 0 {
		t.Error("the JWT goes on to other services")
	}
}

// TestAnExpiredJWTEndsItsStreams: what goes on ends with the JWT, also in the minute in which clocks may differ.
func TestAnExpiredJWTEndsItsStreams(t *testing.T) {
	t.Parallel()
	f := setupFederated(t)
	f.withSyncs(35)
	f.backend.mu.Lock()
	f.backend.events["sync-of-35"] = nil // goes on
	f.backend.mu.Unlock()
	claims := f.issuer.Claims("alice", "net-ops")
	claims["exp"] = time.Now().Add(-time.Second).Unix()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+f.issuer.Sign(t, claims, nil))
	stream, err := bridgev1.NewSyncServiceClient(f.self).
		StreamSyncEvents(ctx, &bridgev1.StreamSyncEventsRequest{SyncId: "sync-of-35"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); !errs.HasCode(err, errs.NotAuthenticated) || !strings.Contains(err.Error(), "while") {
		t.Errorf("the stream ended with %v", err)
	}
}

// TestTheIssuerMayBeAway: the bridge starts, says what is the matter, and goes on with tokens.
func TestTheIssuerMayBeAway(t *testing.T) {
	t.Parallel()
	f := federated{issuer: oidcserver.Start(t)}
	f.issuer.Set(oidcserver.Away)
	f.guarded = setupGuarded(t, f.trusts)
	text := f.issuer.AccessToken(t, "root", "admins")
	if a := f.call("GET", "/api/v1/caller", "", bearer(text)); a.status != 503 || !strings.Contains(a.raw, "FGD_5032") ||
		a.header.Get("Retry-After") == "" {
		t.Errorf("with a JWT: %d %s", a.status, a.raw)
	}
	health := f.ok("GET", "/api/v1/health", "", bearer(f.bootstrap))
	if part := issuerOf(health); health["status"] != "degraded" || part["status"] != "unhealthy" ||
		part["service"] != "bridge" || part["remedy"] == nil {
		t.Errorf("health: %v", health)
	}
	if got := f.call("GET", "/readyz", "").status; got != http.StatusOK {
		t.Errorf("ready: %d", got)
	}
	f.issuer.Set(oidcserver.None)
	f.forgive()
	f.ok("GET", "/api/v1/caller", "", bearer(f.issuer.AccessToken(t, "root", "admins")))
	if part := issuerOf(f.ok("GET", "/api/v1/health", "", bearer(f.bootstrap))); part["status"] != "healthy" {
		t.Errorf("when it is back: %v", part)
	}
}

func issuerOf(health map[string]any) map[string]any {
	for _, c := range health["components"].([]any) {
		if component := c.(map[string]any); component["name"] == "issuer" {
			return component
		}
	}
	return nil
}

// TestHowToSignIn is said to everybody, and that nobody can where there is no issuer.
func TestHowToSignIn(t *testing.T) {
	t.Parallel()
	f := setupFederated(t)
	got := f.ok("GET", "/api/v1/login", "")
	if got["issuer"] != f.issuer.URL() || got["client_id"] != oidcserver.ClientID ||
		got["audience"] != oidcserver.Audience || fmt.Sprint(got["scopes"]) != "[openid profile email offline_access]" {
		t.Errorf("sign in by %v", got)
	}
	f.ok("GET", "/api/v1/login/", "", bearer("nonsense"))
	f.problem("POST", "/api/v1/login", "{}", 405, "FGD_1010")
	g := setupGuarded(t)
	g.problem("GET", "/api/v1/login", "", 404, "FGD_1057")
	if a := g.call("GET", "/api/v1/caller", "", bearer(f.issuer.AccessToken(t, "root", "admins"))); a.status != 401 ||
		!strings.Contains(a.raw, "no issuer is configured") {
		t.Errorf("a JWT of nobody's: %d %s", a.status, a.raw)
	}
}
