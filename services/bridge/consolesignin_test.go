package bridge_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/services/bridge"
	"fgdsync.dev/testkit/oidcserver"
	"fgdsync.dev/testkit/redistest"
)

// visitingWith returns a browser in front of a console where one can sign in at an issuer.
func visitingWith(t *testing.T, change ...func(*bridge.Config)) (*visitor, *oidcserver.Server) {
	t.Helper()
	v, issuer, _ := visitingOver(t, change...)
	return v, issuer
}

// visitingOver is visitingWith, with the Redis that sessions are in.
func visitingOver(
	t *testing.T, change ...func(*bridge.Config),
) (*visitor, *oidcserver.Server, *redistest.Server) {
	t.Helper()
	issuer := oidcserver.Start(t)
	v, server := visiting(t, append(change, federated{issuer: issuer}.trusts)...)
	issuer.AllowRedirect("http://localhost/sign-in/return")
	issuer.AllowRedirect("https://fgd.example.com/sign-in/return")
	issuer.Approve(time.Hour, "alice", "net-ops")
	return v, issuer, server
}

// atIssuer follows the button to the issuer, and returns where that sends the browser back to.
func (v *visitor) atIssuer(next string) *url.URL {
	v.t.Helper()
	begun := v.request("GET", "/sign-in/issuer?next="+url.QueryEscape(next), "")
	if begun.status != http.StatusSeeOther {
		v.t.Fatalf("to the issuer: %d %s", begun.status, begun.raw)
	}
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, begun.header.Get("Location"), http.NoBody)
	if err != nil {
		v.t.Fatal(err)
	}
	sent, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		v.t.Fatal(err)
	}
	_ = sent.Body.Close()
	back, err := sent.Location()
	if err != nil {
		v.t.Fatalf("the issuer: %d, %v", sent.StatusCode, err)
	}
	return back
}

// comesBack comes back from the issuer, as a browser does: without the cookies that are for this site alone.
func (v *visitor) comesBack(at *url.URL) answer {
	v.t.Helper()
	kept := v.cookies
	v.cookies = map[string]*http.Cookie{}
	for name, cookie := range kept {
		if cookie.SameSite == http.SameSiteLaxMode {
			v.cookies[name] = cookie
		}
	}
	a := v.request("GET", at.RequestURI(), "", header{"Sec-Fetch-Site", "cross-site"})
	for name, cookie := range kept {
		if v.cookies[name] == nil && cookie.SameSite != http.SameSiteLaxMode {
			v.cookies[name] = cookie
		}
	}
	return a
}

// TestSigningInAtTheIssuer: whoever has signed in there has the session that their access token gives, goes on where
// they wanted to be, and is out when they sign out.
func TestSigningInAtTheIssuer(t *testing.T) {
	t.Parallel()
	v, issuer := visitingWith(t)
	v.register(35, 36)
	if form := v.page("/sign-in?next=/fabrics/35"); !strings.Contains(form, "Sign in with 127.0.0.1") ||
		!strings.Contains(form, "/sign-in/issuer?next=%2ffabrics%2f35") {
		t.Errorf("where one signs in: %s", form)
	}
	back := v.atIssuer("/fabrics/35?a=b&c=d")
	a := v.comesBack(back)
	if a.status != 200 || !regexp.MustCompile(`content="0; url=/fabrics/35\?a=b(&amp;|%26)c=d"`).MatchString(a.raw) {
		t.Fatalf("back: %d %s", a.status, a.raw)
	}
	if me := v.page("/me"); !strings.Contains(me, "alice@example.com") || !strings.Contains(me, "oidc") {
		t.Errorf("me: %s", me)
	}
	if a := v.request("GET", "/fabrics/36", ""); a.status != 404 {
		t.Errorf("a fabric that is not theirs: %d", a.status)
	}
	if a := v.post("/fabrics/35/sync", url.Values{}); a.status != 303 {
		t.Errorf("an action: %d %s", a.status, a.raw)
	}
	session := v.cookies["fgd-session"]
	if a := v.post("/sign-out", url.Values{}); a.status != 303 {
		t.Errorf("sign out: %d", a.status)
	}
	v.cookies["fgd-session"] = session
	v.toSignIn("/me")
	for _, secret := range append(issuer.Given(), back.Query().Get("code"), back.Query().Get("state")) {
		if strings.Contains(v.log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
}

// TestSignInsThatAreRefused: in words, with what to do; and nobody has a session.
func TestSignInsThatAreRefused(t *testing.T) {
	t.Parallel()
	claim := func(name string, value any) func(*visitor, *oidcserver.Server, *url.URL) {
		return func(_ *visitor, issuer *oidcserver.Server, _ *url.URL) {
			issuer.ChangeIDTokens(func(claims map[string]any) { claims[name] = value })
		}
	}
	query := func(name, value string) func(*visitor, *oidcserver.Server, *url.URL) {
		return func(_ *visitor, _ *oidcserver.Server, back *url.URL) {
			all := back.Query()
			all.Set(name, value)
			back.RawQuery = all.Encode()
		}
	}
	for name, c := range map[string]struct {
		change func(*visitor, *oidcserver.Server, *url.URL)
		status int
		says   string
	}{
		"a wrong state":      {query("state", "other"), 400, "belongs to another sign-in"},
		"no state":           {query("state", ""), 400, "belongs to another sign-in"},
		"another issuer":     {query("iss", "https://evil.example"), 400, "Another issuer"},
		"a code of nobody":   {query("code", "x"), 400, "was used already"},
		"an issuer's no":     {query("error", "access_denied"), 400, "has not let you in"},
		"a broken client":    {query("error", "server_error"), 400, "server_error"},
		"a foreign ID token": {claim("iss", "https://evil.example"), 400, "is not taken"},
		"for others":         {claim("aud", "others"), 400, "is not taken"},
		"for the API":        {claim("aud", oidcserver.Audience), 400, "is not taken"},
		"an expired one":     {claim("exp", time.Now().Add(-2*time.Minute).Unix()), 400, "has expired"},
		"another nonce":      {claim("nonce", "other"), 400, "another sign-in"},
		"no nonce":           {claim("nonce", nil), 400, "another sign-in"},
		"another person":     {claim("sub", "bob"), 400, "another person"},
		"another access":     {claim("at_hash", "AAAA"), 400, "another access token"},
		"without its cookie": {func(v *visitor, _ *oidcserver.Server, _ *url.URL) {
			clear(v.cookies)
		}, 400, "No sign-in is under way"},
		"another browser": {func(v *visitor, _ *oidcserver.Server, _ *url.URL) {
			v.atIssuer("/")
		}, 400, "belongs to another sign-in"},
		"nothing granted": {func(_ *visitor, issuer *oidcserver.Server, _ *url.URL) {
			issuer.Approve(time.Hour, "alice", "strangers")
		}, 403, "FGD_1051"},
		"an expired access token": {func(_ *visitor, issuer *oidcserver.Server, _ *url.URL) {
			issuer.Approve(-time.Hour, "alice", "net-ops")
		}, 401, "has expired"},
		"an issuer that is away": {func(_ *visitor, issuer *oidcserver.Server, _ *url.URL) {
			issuer.Set(oidcserver.Away)
		}, 503, "FGD_5032"},
		"forged": {func(_ *visitor, issuer *oidcserver.Server, _ *url.URL) {
			issuer.Rotate(oidcserver.NewRSA(t, "key-1"))
		}, 400, "is not taken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, issuer := visitingWith(t)
			back := v.atIssuer("/me")
			c.change(v, issuer, back)
			a := v.comesBack(back)
			if a.status != c.status || !strings.Contains(a.raw, c.says) || !strings.Contains(a.raw, `class="remedy"`) ||
				strings.Contains(a.raw, "<script>alert") || v.cookies["fgd-session"] != nil ||
				strings.Contains(a.raw, `name="token"`) || !strings.Contains(a.raw, "Sign in with a token") { // by a page of its own
				t.Errorf("%d %s", a.status, a.raw)
			}
			v.toSignIn("/me")
			for _, secret := range issuer.Given() {
				if strings.Contains(v.log.String(), secret) {
					t.Error("a secret is in the log")
				}
			}
		})
	}
}

// TestSigningInAtTheIssuerEndsTheSessionBefore: its cookie does not come back from another site with the browser.
func TestSigningInAtTheIssuerEndsTheSessionBefore(t *testing.T) {
	t.Parallel()
	v, _, server := visitingOver(t)
	v.signIn(v.bootstrap)
	before := v.cookies["fgd-session"]
	v.comesBack(v.atIssuer("/me"))
	if me := v.page("/me"); !strings.Contains(me, "alice@example.com") {
		t.Errorf("me: %s", me)
	}
	if kept := sessions(t, server); len(kept) != 1 {
		t.Errorf("sessions %v", kept)
	}
	v.cookies["fgd-session"] = before
	v.toSignIn("/me")
}

// TestASignInEndsOnce: what has brought somebody in brings nobody in again, not even who has kept all of it.
func TestASignInEndsOnce(t *testing.T) {
	t.Parallel()
	v, _ := visitingWith(t)
	back := v.atIssuer("/me")
	kept := v.cookies["fgd-sign-in"]
	if a := v.comesBack(back); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	if v.cookies["fgd-sign-in"] != nil {
		t.Error("the browser keeps what it has used")
	}
	clear(v.cookies)
	if a := v.comesBack(back); a.status != 400 {
		t.Errorf("again: %d %s", a.status, a.raw)
	}
	v.cookies["fgd-sign-in"] = kept
	if a := v.comesBack(back); a.status != 400 || !strings.Contains(a.raw, "was used already") {
		t.Errorf("again, with its cookie: %d %s", a.status, a.raw)
	}
	v.toSignIn("/me")
}

// TestTheReturnIsToAPublicHost: over https to the name that was asked for, which is one of public_hosts; its cookies
// are for that host alone.
func TestTheReturnIsToAPublicHost(t *testing.T) {
	t.Parallel()
	v, _ := visitingWith(t, func(c *bridge.Config) { c.PublicHosts = []string{"fgd.example.com"} })
	v.host = "fgd.example.com"
	back := v.atIssuer("/")
	if at := back.Scheme + "://" + back.Host + back.Path; at != "https://fgd.example.com/sign-in/return" {
		t.Errorf("back to %s", at)
	}
	if cookie := v.cookies["__Host-fgd-sign-in"]; cookie == nil || !cookie.Secure || !cookie.HttpOnly ||
		cookie.MaxAge > 600 {
		t.Errorf("cookie %v", cookie)
	}
	if a := v.comesBack(back); a.status != 200 || v.cookies["__Host-fgd-session"] == nil {
		t.Errorf("%d %v", a.status, a.header)
	}
	v.host = "evil.example"
	if a := v.request("GET", "/sign-in/issuer", ""); a.status != 421 {
		t.Errorf("another host: %d", a.status)
	}
}

// TestWithoutAnIssuerNobodySignsInThere: nothing is offered, and what is tried says so.
func TestWithoutAnIssuerNobodySignsInThere(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	v.signIn(v.bootstrap)
	if form := v.page("/sign-in"); strings.Contains(form, "/sign-in/issuer") {
		t.Error("it is offered")
	}
	for _, path := range []string{"/sign-in/issuer", "/sign-in/return?code=x&state=y"} {
		v.cookies["fgd-sign-in"] = &http.Cookie{Name: "fgd-sign-in", Value: "x.Lw", SameSite: http.SameSiteLaxMode}
		if a := v.request("GET", path, ""); a.status != 404 || !strings.Contains(a.raw, "FGD_1057") {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	}
	v.page("/me") // nobody is signed out by it
}
