package issuer_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/services/bridge/internal/issuer"
	"fgdsync.dev/testkit/oidcserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bundle is an issuer, and what verifies its JWTs.
type bundle struct {
	*issuer.Issuer
	server *oidcserver.Server
	ahead  atomic.Int64 // how far the clock is
	log    bytes.Buffer
}

func (b *bundle) now() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }

func (b *bundle) pass(d time.Duration) { b.ahead.Add(int64(d)) }

func setup(t testing.TB, change ...func(*issuer.Config)) *bundle {
	t.Helper()
	b := &bundle{server: oidcserver.Start(t)}
	b.build(t, change...)
	return b
}

func (b *bundle) build(t testing.TB, change ...func(*issuer.Config)) {
	t.Helper()
	cfg := issuer.DefaultConfig()
	cfg.Issuer, cfg.Audience, cfg.ClientID = b.server.URL(), oidcserver.Audience, oidcserver.ClientID
	cfg.Grants = []map[string]any{
		{"group": "net-ops", "role": "operator", "fabric_ids": []any{35, 36}},
		{"subject": "root", "role": "admin", "all_fabrics": true},
	}
	for _, c := range change {
		c(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	var err error
	b.Issuer, err = issuer.NewImpatient(cfg, slog.New(slog.NewTextHandler(&b.log, nil)), b.now, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks that a text proves nothing.
func (b *bundle) refused(t *testing.T, what, text string, code errs.Code) {
	t.Helper()
	person, err := b.Identify(text)
	if !errs.HasCode(err, code) {
		t.Errorf("%s: %+v, %v", what, person, err)
	}
}

// TestWhoShowsAJWT: the name, what it stays the same by, the grants of the groups and of the subject, and the end.
func TestWhoShowsAJWT(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got, err := b.Identify(b.server.AccessToken(t, "alice", "staff", "net-ops"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "alice@example.com" || got.Subject != b.server.URL()+" alice" || len(got.Grants) != 1 ||
		len(got.Grants[0].GetFabricIds()) != 2 || time.Until(got.Expires) > time.Hour {
		t.Errorf("alice is %+v", got)
	}
	if got, err = b.Identify(b.server.AccessToken(t, "root", "net-ops")); err != nil || len(got.Grants) != 2 {
		t.Errorf("root is %+v, %v", got, err)
	}
}

// TestNames: that of the first claim that says one, in one line, cut; never one that anybody can choose.
func TestNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	chosen := setup(t, func(c *issuer.Config) { c.NameClaim = "upn" })
	for _, c := range []struct {
		claims map[string]any
		want   string
		of     *bundle
	}{
		{map[string]any{"email": "a@example.com"}, "root@example.com", b},
		{map[string]any{"preferred_username": nil, "email": "a@example.com"}, "a@example.com", b},
		{map[string]any{"preferred_username": nil, "email": "a@example.com", "email_verified": false}, "root", b},
		{map[string]any{"preferred_username": " \n"}, "root", b},
		{map[string]any{"preferred_username": "a\r\nSigned-off-by: b"}, "a  Signed-off-by: b", b},
		{map[string]any{"preferred_username": strings.Repeat("é", 101)}, strings.Repeat("é", 99) + "…", b},
		{map[string]any{"upn": "r.root"}, "r.root", chosen},
		{map[string]any{"upn": 7}, "root", chosen},
	} {
		claims := c.of.server.Claims("root")
		for name, value := range c.claims {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
		if got, err := c.of.Identify(c.of.server.Sign(t, claims, nil)); err != nil || got.Name != c.want {
			t.Errorf("%v: %+v, %v", c.claims, got, err)
		}
	}
}

// TestGroupsMatchExactly: none that is like it, and no claim that is no list of names.
func TestGroupsMatchExactly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, groups := range []any{
		[]any{"Net-Ops", "net-ops ", "net-op", "/net-ops", "net-ops/sub", ""},
		[]any{},
		"net-ops,x", 7, nil,
		map[string]any{"net-ops": true},
		[]any{"net-ops", 7},
		[][]string{{"net-ops"}},
	} {
		claims := b.server.Claims("bob")
		claims["groups"] = groups
		b.refused(t, "groups", b.server.Sign(t, claims, nil), errs.NotAllowed)
	}
	claims := b.server.Claims("bob")
	claims["groups"] = "net-ops" // issuers write one group so
	if _, err := b.Identify(b.server.Sign(t, claims, nil)); err != nil {
		t.Error(err)
	}
	claims["groups"], claims["roles"] = nil, []string{"net-ops"}
	b.refused(t, "another claim", b.server.Sign(t, claims, nil), errs.NotAllowed)
	_, err := b.Identify(b.server.AccessToken(t, "bob", "x"))
	if e := errs.From(err); !strings.Contains(e.RemedyText(), "oidc_grants") || !strings.Contains(e.Message, `"bob"`) {
		t.Errorf("who may nothing is told: %v, %s", err, e.RemedyText())
	}
}

// TestClocksMayDiffer by a minute, and not by more.
func TestClocksMayDiffer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := func(claim string, d time.Duration) string {
		claims := b.server.Claims("root")
		claims[claim] = time.Now().Add(d).Unix()
		return b.server.Sign(t, claims, nil)
	}
	for _, text := range []string{in("exp", -50*time.Second), in("nbf", 50*time.Second)} {
		if _, err := b.Identify(text); err != nil {
			t.Error(err)
		}
	}
	b.refused(t, "expired", in("exp", -61*time.Second), errs.NotAuthenticated)
	b.refused(t, "not valid yet", in("nbf", 70*time.Second), errs.NotAuthenticated)
}

// TestAFloodOfNamesOfKeys: whoever makes up names of keys has the issuer asked once in ten seconds, and others go on.
func TestAFloodOfNamesOfKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Refresh()
	b.pass(10 * time.Second)
	flood := func() {
		for range 50 {
			b.refused(t, "made up", b.server.Sign(t, b.server.Claims("root"), map[string]any{"kid": time.Now().String()}),
				errs.NotAuthenticated)
		}
	}
	for want := 2; want <= 4; want++ {
		if flood(); b.server.KeyRequests() != want {
			t.Errorf("the keys were asked for %d times, not %d", b.server.KeyRequests(), want)
		}
		if _, err := b.Identify(b.server.AccessToken(t, "root")); err != nil {
			t.Error(err)
		}
		b.pass(10 * time.Second)
	}
}

// TestRotatedKeys: a new key is taken when it is first seen, and an old one no more; of what was verified, a minute
// later.
func TestRotatedKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := b.server.AccessToken(t, "root")
	if _, err := b.Identify(old); err != nil {
		t.Fatal(err)
	}
	b.pass(11 * time.Second)
	b.server.Rotate(oidcserver.NewECDSA(t, "key-2"), oidcserver.NewRSA(t, "key-3"))
	if _, err := b.Identify(b.server.AccessToken(t, "root")); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if _, err := b.Identify(old); err != nil {
		t.Errorf("verified eleven seconds ago: %v", err)
	}
	b.pass(50 * time.Second)
	b.refused(t, "a key that was withdrawn", old, errs.NotAuthenticated)
}

// TestTheIssuerIsAway: at the start nothing is known, later what is known stays good, and the health says both.
func TestTheIssuerIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.server.Set(oidcserver.Away)
	text := b.server.AccessToken(t, "root")
	b.refused(t, "at the start", text, errs.IssuerUnavailable)
	if got := b.Health(t.Context()); got.Name != health.Issuer || got.Status != health.Unhealthy || got.Remedy == "" {
		t.Errorf("at the start: %+v", got)
	}
	b.server.Set(oidcserver.None)
	b.refused(t, "it was just asked", text, errs.IssuerUnavailable)
	b.pass(11 * time.Second)
	if _, err := b.Identify(text); err != nil {
		t.Errorf("when it is back: %v", err)
	}
	if got := b.Health(t.Context()); got.Status != health.Healthy {
		t.Errorf("when it is back: %+v", got)
	}
	b.server.Set(oidcserver.Away)
	b.Refresh()
	b.pass(45 * time.Minute)
	if _, err := b.Identify(b.server.AccessToken(t, "root")); err != nil {
		t.Errorf("while it is away: %v", err)
	}
	if got := b.Health(t.Context()); got.Status != health.Degraded {
		t.Errorf("while it is away: %+v", got)
	}
	b.refused(t, "a key that can't be asked for",
		b.server.Sign(t, b.server.Claims("root"), map[string]any{"kid": "key-9"}), errs.IssuerUnavailable)
	if n := strings.Count(b.log.String(), "\n"); n != 3 {
		t.Errorf("each change is one line:\n%s", b.log.String())
	}
}

// TestASlowIssuer: while it is asked, JWTs of keys that are known are taken. All who wait for the answer share it,
// however long it took.
func TestASlowIssuer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, err := b.Identify(b.server.AccessToken(t, "root")); err != nil {
		t.Fatal(err)
	}
	fresh := b.server.AccessToken(t, "root") // not seen yet, of a known key
	b.pass(11 * time.Second)
	b.server.Rotate(oidcserver.NewECDSA(t, "key-2"))
	began, release := b.server.Hold()
	var waiting sync.WaitGroup
	for range 50 {
		text := b.server.AccessToken(t, "root")
		waiting.Go(func() {
			if _, err := b.Identify(text); err != nil {
				t.Errorf("one who waited: %v", err)
			}
		})
	}
	<-began
	if _, err := b.Identify(fresh); err != nil {
		t.Errorf("a key that is known: %v", err)
	}
	b.pass(11 * time.Second)
	release()
	waiting.Wait()
	if n := b.server.KeyRequests(); n != 2 {
		t.Errorf("the keys were asked for %d times, not 2", n)
	}
}

// TestAMisbehavingIssuer leads nobody anywhere, and takes no more time and memory than it may.
func TestAMisbehavingIssuer(t *testing.T) {
	t.Parallel()
	for says, fault := range map[string]oidcserver.Fault{
		"can't be read":                         oidcserver.Junk,
		"status 302":                            oidcserver.Redirect,
		"bytes":                                 oidcserver.Large,
		"does not answer":                       oidcserver.Hang,
		"none of its 0 keys":                    oidcserver.NoKeys,
		`calls itself "https://other`:           oidcserver.Foreign,
		"localhost:1, which oidc_key_hosts":     oidcserver.Lured,
		"does not answer: Get \"http://127.0.0": oidcserver.Away,
	} {
		b := &bundle{server: oidcserver.Start(t)}
		cfg := issuer.DefaultConfig()
		cfg.Issuer, cfg.Audience = b.server.URL(), oidcserver.Audience
		patience := 5 * time.Second
		if fault == oidcserver.Hang {
			patience = 50 * time.Millisecond
		}
		var err error
		if b.Issuer, err = issuer.NewImpatient(cfg, slog.New(slog.DiscardHandler), b.now, patience); err != nil {
			t.Fatal(err)
		}
		b.server.Set(fault)
		b.refused(t, says, b.server.AccessToken(t, "root"), errs.IssuerUnavailable)
		if got := b.Health(t.Context()); !strings.Contains(got.Reason, says) || strings.ContainsAny(got.Reason, "\x1b\n") {
			t.Errorf("%s: %q", says, got.Reason)
		}
	}
}

// TestKeysAtAnotherHost: those that are listed may have them.
func TestKeysAtAnotherHost(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *issuer.Config) { c.KeyHosts = []string{"localhost:1"} })
	b.server.Set(oidcserver.Lured)
	b.refused(t, "nobody is there", b.server.AccessToken(t, "root"), errs.IssuerUnavailable)
	if got := b.Health(t.Context()).Reason; !strings.Contains(got, "localhost:1/keys") {
		t.Errorf("the keys were not asked for: %s", got)
	}
}

// TestNoIssuer: without one nobody signs in, and no JWT is taken.
func TestNoIssuer(t *testing.T) {
	t.Parallel()
	var none *issuer.Issuer
	if _, err := none.Identify("a.b.c"); !errs.HasCode(err, errs.NotAuthenticated) {
		t.Error(err)
	}
	if _, err := none.Login(); !errs.HasCode(err, errs.LoginNotOffered) {
		t.Error(err)
	}
	b := setup(t, func(c *issuer.Config) { c.ClientID = "" })
	if _, err := b.Login(); !errs.HasCode(err, errs.LoginNotOffered) {
		t.Error(err)
	}
	if login, err := setup(t).Login(); err != nil || login.ClientID != oidcserver.ClientID || len(login.Scopes) != 4 {
		t.Errorf("%+v, %v", login, err)
	}
}
