package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/oidcserver"
)

// configured is a division of services that read a configuration file.
type configured func(b system.Binaries, t testing.TB, redisURL, file string, env []string) *system.System

func oneConfigured(b system.Binaries, t testing.TB, redisURL, file string, env []string) *system.System {
	t.Helper()
	return b.Up(t, append(env, "HEDGEHOG_FGD_REDIS_URL="+redisURL), "--config", file)
}

// trusting writes a configuration file that trusts the issuer, with one more line.
func (g *garden) trusting(line string) string {
	g.t.Helper()
	file := filepath.Join(g.t.TempDir(), "fgd.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, `
oidc_issuer: %s
oidc_audience: %s
oidc_client_id: %s
oidc_grants:
  - {group: admins, role: admin, all_fabrics: true}
%s
`, g.issuer.URL(), oidcserver.Audience, oidcserver.ClientID, line), 0o600); err != nil {
		g.t.Fatal(err)
	}
	return file
}

// signed is a JWT of the issuer's, or of a key of somebody else, with claims that are changed.
func (g *garden) signed(how string, key *oidcserver.Key, groups []string, changes map[string]any) string {
	g.t.Helper()
	claims := g.issuer.Claims("alice", groups...)
	claims["jti"], claims["secret_claim"] = g.text(how+", its number"), g.text(how+", a claim of it")
	for name, value := range changes {
		claims[name] = value
	}
	text := g.issuer.Sign(g.t, claims, nil)
	if key != nil {
		text = oidcserver.SignWith(g.t, *key, claims, nil)
	}
	return g.shown(text, how)
}

// shown plants what makes a JWT good: its signature.
func (g *garden) shown(jwt, how string) string {
	g.add(jwt[strings.LastIndex(jwt, ".")+1:], how+", its signature")
	return jwt
}

// people show JWTs that are good and that are not, everywhere. It gives the id of a sync that one of them asked for.
func (g *garden) people() string {
	g.t.Helper()
	admins, forger := []string{"admins"}, oidcserver.NewRSA(g.t, "key-1")
	good := g.signed("a good JWT", nil, admins, nil)
	for _, jwt := range []string{
		good, good[:len(good)-1],
		g.signed("a JWT of a stranger", nil, []string{"strangers"}, nil),
		g.signed("a JWT that has expired", nil, admins, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}),
		g.signed("a JWT for others", nil, admins, map[string]any{"aud": "others"}),
		g.signed("a JWT of another issuer", nil, admins, map[string]any{"iss": "https://id.example.com"}),
		g.signed("a JWT without a subject", nil, admins, map[string]any{"sub": ""}),
		g.signed("an ID token", nil, admins, map[string]any{"nonce": g.text("a nonce"), "typ": "ID"}),
		g.signed("a forged JWT", &forger, admins, nil),
	} {
		bearer := map[string]string{"Authorization": "Bearer " + jwt}
		g.to(http.MethodGet, "/api/v1/caller", bearer, "")
		g.to(http.MethodPost, "/api/v1/fabrics/77/syncs", bearer, "{}")
		g.to(http.MethodGet, "/api/v1/fabrics?access_token="+jwt, nil, "")
		g.to(http.MethodGet, "/api/v1/fabrics/"+jwt, bearer, "")
		ctx := metadata.AppendToOutgoingContext(g.t.Context(), "authorization", "Bearer "+jwt)
		_, err := bridgev1.NewSyncServiceClient(g.Anonymous(g.t)).TriggerSync(ctx, &bridgev1.TriggerSyncRequest{FabricId: 77})
		if err == nil {
			g.t.Error("a fabric that there is not was synced")
		} else {
			g.answer.WriteString(err.Error())
		}
	}
	if code := g.TryAs(good, http.MethodGet, "/api/v1/caller"); code != http.StatusOK {
		g.t.Errorf("a good JWT: %d", code)
	}
	started, err := bridgev1.NewSyncServiceClient(g.Anonymous(g.t)).TriggerSync(
		metadata.AppendToOutgoingContext(g.t.Context(), "authorization", "Bearer "+good),
		&bridgev1.TriggerSyncRequest{FabricId: 1})
	if err != nil {
		g.t.Fatal(err)
	}
	if ended := g.Ended(started.GetSyncId()); ended.State != "completed" {
		g.t.Errorf("a sync of a person: %+v", ended)
	}
	return started.GetSyncId()
}

// logins are those of the command line: one that goes well and is refreshed, and those that an issuer refuses, which
// says aloud what it was shown.
func (g *garden) logins() {
	g.t.Helper()
	home := g.t.TempDir()
	fgd := func(code int, args ...string) {
		g.t.Helper()
		result := programs.Run(g.t, []string{"XDG_CONFIG_HOME=" + home}, append(args, "--server", g.GRPC)...)
		if result.Code != code {
			g.t.Errorf("%v: exit %d, not %d\n%s", args, result.Code, code, result.Output())
		}
		g.answer.WriteString(result.Output())
	}
	g.issuer.Approve(time.Second, "alice", "admins") // and so it has to be refreshed
	fgd(0, "login")
	fgd(0, "token", "list")
	g.issuer.Approve(time.Second, "alice", "admins")
	fgd(0, "login", "-o=json")
	g.issuer.Set(oidcserver.Echo)
	fgd(1, "token", "list")
	fgd(1, "login")
	g.issuer.Set(oidcserver.None)
	if g.issuer.Refreshed() != 1 {
		g.t.Errorf("refreshed %d times", g.issuer.Refreshed())
	}
	for _, secret := range g.issuer.Given() {
		if strings.Count(secret, ".") == 2 {
			g.shown(secret, "an access token of a login")
		} else {
			g.add(secret, "a code or refresh token of a login")
		}
	}
}
