package bridge_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	"fgdsync.dev/services/bridge"
	"fgdsync.dev/testkit/redistest"
)

// visitor is a browser without JavaScript.
type visitor struct {
	*guarded

	host    string
	cookies map[string]*http.Cookie
}

var formToken = regexp.MustCompile(`name="form_token" value="([^"]*)"`)

// visiting returns a browser in which nobody has signed in, and the Redis that sessions are in.
func visiting(t *testing.T, change ...func(*bridge.Config)) (*visitor, *redistest.Server) {
	t.Helper()
	server := redistest.Start(t)
	g := setupGuarded(t, append(change, func(c *bridge.Config) { c.RedisURL = server.URL() })...)
	return &visitor{guarded: g, host: "localhost", cookies: map[string]*http.Cookie{}}, server
}

// request asks for a page, with the cookies that it has.
func (v *visitor) request(method, path, body string, headers ...header) answer {
	v.t.Helper()
	var cookies []string
	for _, cookie := range v.cookies {
		cookies = append(cookies, cookie.Name+"="+cookie.Value)
	}
	all := append([]header{{"Host", v.host}}, headers...)
	if len(cookies) > 0 {
		all = append(all, header{"Cookie", strings.Join(cookies, "; ")})
	}
	if method == http.MethodPost {
		all = append(all, header{"Content-Type", "application/x-www-form-urlencoded"})
	}
	a := v.call(method, path, body, all...)
	for _, cookie := range (&http.Response{Header: a.header}).Cookies() {
		if cookie.MaxAge < 0 {
			delete(v.cookies, cookie.Name)
			continue
		}
		v.cookies[cookie.Name] = cookie
	}
	return a
}

// post sends a form, with what pages of ours give it.
func (v *visitor) post(path string, values url.Values) answer {
	v.t.Helper()
	found := formToken.FindStringSubmatch(v.request("GET", "/sign-in", "").raw)
	if found == nil {
		v.t.Fatal("the form has no token")
	}
	values.Set("form_token", found[1])
	return v.request("POST", path, values.Encode())
}

// signIn signs in with a token.
func (v *visitor) signIn(token string) {
	v.t.Helper()
	if a := v.post("/sign-in", url.Values{"token": {token}, "next": {"/me"}}); a.status != 303 ||
		a.header.Get("Location") != "/me" {
		v.t.Fatalf("sign in: %d %v %s", a.status, a.header, a.raw)
	}
}

// page asks for a page that has to be there.
func (v *visitor) page(path string) string {
	v.t.Helper()
	a := v.request("GET", path, "")
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		v.t.Fatalf("%s: %d %v %s", path, a.status, a.header, a.raw)
	}
	return a.raw
}

// register registers fabrics.
func (v *visitor) register(fabrics ...int) {
	v.t.Helper()
	for _, id := range fabrics {
		v.ok("POST", "/api/v1/fabrics", fmt.Sprintf(`{"fabric_id":%d,"name":"fabric-%d","repository_url":"https://git.example/r.git",`+
			`"gitops_directory":"gitops/f%d"}`, id, id, id), bearer(v.bootstrap))
	}
}

// toSignIn checks that a page leads to where one signs in.
func (v *visitor) toSignIn(path string) {
	v.t.Helper()
	if a := v.request("GET", path, ""); a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "/sign-in?next=") {
		v.t.Errorf("%s: %d %v", path, a.status, a.header)
	}
}

// TestASessionBeginsAndEnds: who has shown a token sees pages, until they sign out. A cookie that is kept is no use
// then.
func TestASessionBeginsAndEnds(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	v.toSignIn("/")
	v.toSignIn("/fabrics/35?a=b")
	if a := v.post("/sign-in", url.Values{"token": {v.bootstrap + "x"}}); a.status != 401 ||
		!strings.Contains(a.raw, "FGD_1050") || strings.Contains(a.raw, v.bootstrap) {
		t.Errorf("a wrong token: %d %s", a.status, a.raw)
	}
	v.signIn(v.bootstrap)
	session := v.cookies["fgd-session"]
	if session == nil || !session.HttpOnly || session.SameSite != http.SameSiteStrictMode || session.MaxAge != 0 {
		t.Fatalf("session %v", session)
	}
	if me := v.page("/me"); !strings.Contains(me, "bootstrap") {
		t.Errorf("me: %s", me)
	}
	if a := v.post("/sign-out", url.Values{}); a.status != 303 || v.cookies["fgd-session"] != nil {
		t.Errorf("sign out: %d %v", a.status, a.header)
	}
	v.cookies["fgd-session"] = session
	v.toSignIn("/me")
	for _, secret := range []string{v.bootstrap[17:], session.Value} {
		if strings.Contains(v.log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
}

// TestWhoIsSignedOutIsNoStranger: pages that lead to where one signs in refuse nobody anything, and leave no line in
// the audit. A token that is not taken does.
func TestWhoIsSignedOutIsNoStranger(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	for _, path := range []string{"/", "/fabrics/35", "/syncs/x/live", "/me"} {
		v.toSignIn(path)
	}
	if a := v.post("/fabrics/35/sync", url.Values{}); a.status != 303 {
		t.Errorf("an action: %d %s", a.status, a.raw)
	}
	v.post("/sign-in", url.Values{"token": {v.bootstrap + "x"}})
	if got := v.stages("GetCaller"); !slices.Equal(got, []string{"denied FGD_1050"}) {
		t.Errorf("the audit says %q", got)
	}
}

// sessions returns under which keys sessions are kept.
func sessions(t *testing.T, server *redistest.Server) []string {
	t.Helper()
	keys, err := server.Conn(t).Main.Keys(t.Context(), "fgd:bridge:session:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestSigningInAgainEndsTheSessionBefore: nothing of it is left, nor is it of use to who has kept its cookie.
func TestSigningInAgainEndsTheSessionBefore(t *testing.T) {
	t.Parallel()
	v, server := visiting(t)
	v.signIn(v.bootstrap)
	before := v.cookies["fgd-session"]
	v.signIn(v.grant("viewer", "35"))
	if kept := sessions(t, server); len(kept) != 1 {
		t.Errorf("sessions %v", kept)
	}
	v.cookies["fgd-session"] = before
	v.toSignIn("/me")
}

// TestSessionsAreSealed: who reads all of Redis finds neither what a session shows nor what a browser has, and what was
// changed there is no session.
func TestSessionsAreSealed(t *testing.T) {
	t.Parallel()
	v, server := visiting(t)
	v.signIn(v.bootstrap)
	client, keys := server.Conn(t).Main, sessions(t, server)
	if len(keys) != 1 {
		t.Fatalf("keys %v", keys)
	}
	sealed, err := client.Get(t.Context(), keys[0]).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{v.bootstrap, v.bootstrap[17:], v.cookies["fgd-session"].Value} {
		if strings.Contains(keys[0]+sealed, secret) {
			t.Error("a secret is in Redis")
		}
	}
	if left, err := client.TTL(t.Context(), keys[0]).Result(); err != nil || left <= 0 {
		t.Errorf("it stays for ever: %v, %v", left, err)
	}
	other, _ := visiting(t)
	other.cookies = v.cookies // of another installation
	other.toSignIn("/me")
	flipped := []byte(sealed)
	flipped[len(flipped)-1] ^= 1
	if err := client.Set(t.Context(), keys[0], flipped, 0).Err(); err != nil {
		t.Fatal(err)
	}
	v.toSignIn("/me")
}

// TestAFormIsOneOfOurs: nothing is done for a form that does not bring back what a page of ours gave it, nor for one of
// another site.
func TestAFormIsOneOfOurs(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	v.register(35)
	v.signIn(v.bootstrap)
	token := formToken.FindStringSubmatch(v.request("GET", "/sign-in", "").raw)[1]
	for name, c := range map[string]struct {
		body    string
		headers []header
	}{
		"without its token": {"", nil},
		"with another one":  {"form_token=" + strings.Repeat("A", len(token)), nil},
		"of another origin": {"form_token=" + token, []header{{"Origin", "https://evil.example"}}},
		"of another site":   {"form_token=" + token, []header{{"Sec-Fetch-Site", "cross-site"}}},
	} {
		if a := v.request("POST", "/fabrics/35/sync", c.body, c.headers...); a.status != 403 ||
			!strings.Contains(a.raw, "FGD_1023") {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	if a := v.request("POST", "/fabrics/35/sync", "form_token="+token); a.status != 303 {
		t.Errorf("the form of the page: %d %s", a.status, a.raw)
	}
}

// TestSigningInLeadsNowhereElse: whatever address somebody was given, they stay here.
func TestSigningInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/\t/evil.example", "evil", ""} {
		a := v.post("/sign-in", url.Values{"token": {v.bootstrap}, "next": {next}})
		if a.status != 303 || a.header.Get("Location") != "/" {
			t.Errorf("%q: %d %v", next, a.status, a.header)
		}
	}
}

// TestAViewerSeesNoAction: pages offer what a visitor may do, and what is tried all the same is refused.
func TestAViewerSeesNoAction(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	v.register(35, 36)
	v.withSyncs(35)
	v.signIn(v.grant("viewer", "35"))
	for _, path := range []string{
		"/", "/fabrics/35", "/fabrics/35/quarantine", "/fabrics/35/structure", "/fabrics/35/history",
		"/fabrics/35/conflicts", "/fabrics/35/resources", "/syncs/sync-of-35", "/syncs/sync-of-35/plan", "/health", "/me",
	} {
		forms := strings.Count(v.page(path), `method="post"`)
		if signOut := 1; forms != signOut {
			t.Errorf("%s offers %d forms", path, forms-signOut)
		}
	}
	for _, path := range []string{"/fabrics/new", "/dead-letters"} {
		if a := v.request("GET", path, ""); a.status != 403 || !strings.Contains(a.raw, "FGD_1051") {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	}
	for _, path := range actions(t) {
		a := v.post(path, url.Values{
			"commit": {"HEAD"}, "id": {"1-1"}, "action": {"retry_all"}, "name": {"x"},
			"repository_url": {"https://git.example/x.git"},
		})
		if a.status != 403 || !strings.Contains(a.raw, "FGD_1051") {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	}
	if a := v.request("GET", "/fabrics/36", ""); a.status != 404 {
		t.Errorf("somebody else's fabric: %d", a.status)
	}
}

var (
	postRoute = regexp.MustCompile(`"POST (/[^"]*)"`)
	postForm  = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	inTheirs  = regexp.MustCompile(`\{\{[^}]*\}\}`)
)

// actions returns the path of each action that the console serves, of fabric 35 and a sync of it. It is read out of the
// sources, so that no action that comes is forgotten; and each form of a page has to lead to one of them.
func actions(t *testing.T) []string {
	t.Helper()
	fill := strings.NewReplacer("{fabric}", "35", "{sync}", "sync-of-35", "{id}", "x")
	var paths []string
	for _, found := range postRoute.FindAllStringSubmatch(sourcesIn(t, "internal/console/*.go"), -1) {
		if !strings.HasPrefix(found[1], "/sign-") { // everybody may sign in and out
			paths = append(paths, fill.Replace(found[1]))
		}
	}
	forms := postForm.FindAllStringSubmatch(sourcesIn(t, "internal/console/templates/*.html"), -1)
	if len(paths) < 10 || len(forms) < 10 {
		t.Fatalf("%d actions and %d forms are not all", len(paths), len(forms))
	}
	for _, form := range forms {
		shape := regexp.MustCompile("^" + inTheirs.ReplaceAllString(form[1], "[^/]+") + "$")
		if !slices.ContainsFunc(paths, shape.MatchString) && !strings.HasPrefix(form[1], "/sign-") {
			t.Errorf("a form leads to %s, which is no action", form[1])
		}
	}
	return paths
}

// sourcesIn returns what files say, one after another.
func sourcesIn(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(raw)
	}
	return all.String()
}

// TestARevokedTokenEndsItsSessions: a session is never more than the token that it shows.
func TestARevokedTokenEndsItsSessions(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	text := v.grant("viewer", "35")
	v.signIn(text)
	v.page("/me")
	v.change(text, func(t *accessv1.Token) { t.RevokedAt = timestamppb.Now() })
	v.until("the token not to be taken", func() bool { return v.request("GET", "/me", "").status == 303 })
}

// TestCookiesOfOthersAreSecure: whoever does not come from this machine comes over https, and no neighbour of the host
// can set what it has.
func TestCookiesOfOthersAreSecure(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t, func(c *bridge.Config) { c.PublicHosts = []string{"fgd.example.com"} })
	v.host = "fgd.example.com"
	v.signIn(v.bootstrap)
	for _, name := range []string{"__Host-fgd-session", "__Host-fgd-form"} {
		if cookie := v.cookies[name]; cookie == nil || !cookie.Secure || cookie.Path != "/" || cookie.Domain != "" {
			t.Errorf("%s: %v", name, cookie)
		}
	}
}

// TestPagesOfTheConsoleAreStrict: nothing but what comes from here, and nothing inline.
func TestPagesOfTheConsoleAreStrict(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	v.signIn(v.bootstrap)
	a := v.request("GET", "/", "")
	csp := a.header.Get("Content-Security-Policy")
	if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") ||
		!strings.Contains(csp, "frame-ancestors 'none'") || a.header.Get("Cache-Control") == "" {
		t.Errorf("headers %v", a.header)
	}
	for _, asset := range regexp.MustCompile(`(?:src|href)="(/assets/[^"]*)"`).FindAllStringSubmatch(a.raw, -1) {
		got := v.call("GET", asset[1], "")
		if got.status != 200 || !strings.Contains(got.header.Get("Cache-Control"), "immutable") ||
			got.header.Get("Content-Type") == "" {
			t.Errorf("%s: %d %v", asset[1], got.status, got.header)
		}
	}
	if a := v.call("GET", "/assets/000000000000/console.css", ""); a.status != 404 {
		t.Errorf("an asset that is not there: %d", a.status)
	}
}

// TestWithoutRedisNobodySignsIn: it says why, and what to do.
func TestWithoutRedisNobodySignsIn(t *testing.T) {
	t.Parallel()
	v, server := visiting(t)
	v.signIn(v.bootstrap)
	server.Kill(t)
	if a := v.request("GET", "/me", ""); a.status != 503 || !strings.Contains(a.raw, "FGD_5003") {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

// TestALivePageDrawsASync: each picture is whole, and the stream ends with the sync.
func TestALivePageDrawsASync(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	v.withSyncs(35)
	v.signIn(v.bootstrap)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.server.URL+"/syncs/sync-of-35/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = v.host
	request.AddCookie(v.cookies["fgd-session"])
	response, err := v.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	a := read(t, response)
	if a.status != 200 || a.header.Get("Content-Type") != "text/event-stream" || !strings.Contains(a.raw, `class="stages"`) {
		t.Errorf("%d %v %s", a.status, a.header, a.raw)
	}
}
