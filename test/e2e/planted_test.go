package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/oidcserver"
)

// leastPlanted is how many secrets there have to be.
const leastPlanted = 200

// garden is a system into which secrets are put by every way that there is.
type garden struct {
	*sown
	*system.System
	t      *testing.T
	host   *host
	echo   *httptest.Server // a Git host that says what it is shown
	issuer *oidcserver.Server
	hooks  map[string]string
	answer strings.Builder
}

// TestPlantedSecrets puts secrets into everything that takes a text, at the most talkative of systems, lets syncs go
// well and go wrong, and finds none of them wherever something was written.
func TestPlantedSecrets(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]configured{"one": oneConfigured, "five": system.Binaries.FiveConfigured} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plant(t, how)
		})
	}
}

func plant(t *testing.T, how configured) {
	t.Helper()
	g := &garden{
		sown: &sown{}, t: t, host: newHost(t, fabric.PreInit(directory)), echo: newEcho(t), hooks: map[string]string{},
		issuer: oidcserver.Start(t),
	}
	traces, redis := system.Traces(t), system.Redis(t)
	g.System = how(programs, t, redis.URL(), g.trusting(""), append(g.environment(),
		"OTEL_EXPORTER_OTLP_ENDPOINT="+traces.URL))
	at, err := url.Parse(redis.URL())
	if err != nil {
		t.Fatal(err)
	}
	own, _ := at.User.Password()
	g.add(own, "the password of Redis")
	g.add(password, "the password of the Git host")
	g.add(strings.Split(g.Token(), "_")[2], "the first token")
	synced := g.syncs()
	g.credentials()
	g.netboxes()
	g.bodies()
	g.deliveries()
	g.targets()
	g.headers()
	g.metadata()
	synced = append(synced, g.people())
	g.logins()
	found := g.look(synced)
	for name, p := range g.Processes {
		p.Stop()
		found["log of "+name] = p.Output()
	}
	found["traces"], found["Redis"] = traces.Text(), redis.Written()
	g.keys()
	found["data folder"] = g.files()
	found["wrong starts"] = g.starts()
	found["answers"] = g.answer.String()
	if len(g.how) < leastPlanted {
		t.Errorf("%d secrets were planted, not %d", len(g.how), leastPlanted)
	}
	g.requireNowhere(t, found)
}

// newEcho runs a Git host that refuses everybody, and says aloud what it was shown.
func newEcho(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := r.Header.Get("Authorization")
		user, secret, _ := r.BasicAuth()
		status := http.StatusUnauthorized
		if shown != "" {
			status = http.StatusTeapot
		}
		w.Header().Set("Www-Authenticate", `Basic realm="`+secret+`"`)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "I was shown "+shown+", which is "+user+" and "+secret+"\n")
	}))
	t.Cleanup(server.Close)
	return server
}

// environment has the secrets that are configured.
func (g *garden) environment() []string {
	folder := g.t.TempDir()
	own := []string{
		"HEDGEHOG_FGD_LOG_LEVEL=debug", "HEDGEHOG_FGD_CREDENTIALS_DIR=" + folder,
		"HEDGEHOG_FGD_PASWORD=" + g.text("a variable that is no key"),
		"HEDGEHOG_FGD_OIDC_CLIENT_SECRET=" + g.text("a secret of the client, which has none"),
	}
	at, err := url.Parse(g.echo.URL)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, name := range []string{"A", "B", "C", "D"} {
		own = append(own, "HEDGEHOG_FGD_GIT_"+name+"="+g.text("a variable that is referred to"),
			"HEDGEHOG_FGD_GIT_"+name+"_HOSTS="+at.Host,
			"HEDGEHOG_FGD_NETBOX_"+name+"="+g.text("a variable with a token of NetBox"),
			"HEDGEHOG_FGD_NETBOX_"+name+"_HOSTS="+at.Host)
		if err := os.WriteFile(filepath.Join(folder, name), []byte(g.text("a file that is referred to")), 0o600); err != nil {
			g.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+".hosts"), []byte(at.Host), 0o600); err != nil {
			g.t.Fatal(err)
		}
	}
	for _, kind := range []string{"github", "gitlab", "gitea"} {
		g.hooks[kind] = g.text("a secret of webhooks")
		own = append(own, "HEDGEHOG_FGD_"+strings.ToUpper(kind)+"_WEBHOOK_SECRET="+g.hooks[kind]+","+
			g.text("the next secret of webhooks"))
	}
	return own
}

// syncs has syncs that go well and that fail, and gives the id of one of each.
func (g *garden) syncs() []string {
	g.t.Helper()
	var registered system.Accepted
	g.Call(http.MethodPost, "/api/v1/fabrics", g.host.fabric(), &registered)
	g.host.requireIngested(g.Ended(registered.SyncID))
	ids := []string{registered.SyncID}
	for i, credentials := range []map[string]any{
		{"token": g.text("a token that the host says aloud")},
		{"username": "alice", "password": g.text("a password that the host says aloud")},
		{"ref": "env:HEDGEHOG_FGD_GIT_A"},
		{"ref": "file:A"},
	} {
		g.Call(http.MethodPost, "/api/v1/fabrics", map[string]any{
			"name": fmt.Sprint("echoed-", i), "repository_url": fmt.Sprint(g.echo.URL, "/", i, ".git"), "branch": branch,
			"gitops_directory": "gitops", "credentials": credentials,
		}, &registered)
		if ended := g.Ended(registered.SyncID); ended.State != "failed" {
			g.t.Errorf("%v: %+v", credentials, ended)
		}
		ids = append(ids, registered.SyncID)
	}
	return ids
}

// to sends a request and keeps its answer.
func (g *garden) to(method, path string, header map[string]string, body string) {
	g.t.Helper()
	request, err := http.NewRequestWithContext(g.t.Context(), method, g.Base+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatalf("%s: %v", path, err)
	}
	request.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := g.Client().Do(request)
	if err != nil {
		return // cut off
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		g.t.Logf("%s %s: %v", method, path, err)
	}
	g.answer.WriteString(method + ": " + response.Status + "\n")
	_ = response.Header.Write(&g.answer)
	g.answer.Write(answer)
}

// takers are the calls that take a repository and credentials.
func takers() map[string]string {
	return map[string]string{
		"/api/v1/fabrics": http.MethodPost, "/api/v1/fabrics/2": http.MethodPatch,
		"/api/v1/connections:check": http.MethodPost,
	}
}

// credentials are given to a host that says them aloud, to one that is not there, and in a wrong way.
func (g *garden) credentials() {
	key := "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	for path, method := range takers() {
		for _, given := range []map[string]any{
			{"token": g.text("a token")},
			{"token": g.text("a token") + "\n" + g.text("its second line")},
			{"username": "alice", "password": g.text("a password")},
			{"username": "alice", "password": "é/ +%" + g.text("a password of many characters")},
			{"username": g.text("a password given as a name")},
			{"ssh_private_key": key + g.text("an SSH key")},
			{"github_app": map[string]any{"app_id": 1, "installation_id": 2, "private_key": key + g.text("a key of an app")}},
			{"token": g.text("one of two ways"), "username": "alice", "password": g.text("the other way")},
			{"ref": g.text("a secret given as a reference")},
			{"ref": "env:HEDGEHOG_FGD_GIT_B"},
			{"ref": "file:B"},
		} {
			for _, at := range []string{g.echo.URL + "/x.git", "http://127.0.0.1:1/x.git"} {
				g.to(method, path, nil, document(g.t, map[string]any{
					"name": "credentials", "repository_url": at, "gitops_directory": "gitops/x", "credentials": given,
				}))
			}
		}
		for _, at := range []string{
			"https://alice:" + g.text("a URL's password") + "@example.com/x.git",
			"https://" + g.text("a URL's name") + "@example.com/x.git",
			"ssh://git:" + g.text("an SSH URL's password") + "@example.com/x.git",
			"alice:" + g.text("an SCP URL's password") + "@example.com:x.git",
			"https://example.com/x.git?token=" + g.text("a URL's query"),
			"https://example.com/x.git#" + g.text("a URL's fragment"),
			"ftp://alice:" + g.text("a URL of another scheme") + "@example.com/x",
			"https://alice:" + g.text("a URL that is none") + "@exa mple.com:y/%zz",
		} {
			g.to(method, path, nil, document(g.t, map[string]any{
				"name": "url", "repository_url": at, "gitops_directory": "gitops/x",
			}))
		}
	}
}

func document(t *testing.T, value any) string {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// bodies are wrong in other ways.
func (g *garden) bodies() {
	for _, path := range []string{
		"/api/v1/fabrics", "/api/v1/tokens", "/api/v1/fabrics/1/syncs", "/api/v1/connections:check",
	} {
		for _, body := range []string{
			`{"credentials":{"token":"` + g.text("a body that is cut"),
			`{"credentials":{"password":"` + g.text("a body with more after it") + `"}} and`,
			`{"credentials":"` + g.text("a text for an object") + `"}`,
			`{"credentials":{"token":["` + g.text("a list for a text") + `"]}}`,
			`{"password":"` + g.text("a field that is not known") + `"}`,
			`{"credentials":{"pasword":"` + g.text("a field of credentials that is not known") + `"}}`,
			`{"credentials":{"token":"` + g.text("a field that is there twice") + `","token":"b"}}`,
			`{"credentials":{"token":"` + g.text("a text that is no UTF-8") + "\xff\"}}",
			`token=` + g.text("a form"),
			`{"credentials":{"token":"` + strings.Repeat(g.text("a body that is too large"), 80_000) + `"}}`,
		} {
			g.to(http.MethodPost, path, nil, body)
		}
		g.to(http.MethodPost, path, map[string]string{"Content-Type": "text/plain"}, g.text("a body that is no JSON"))
	}
}

// deliveries are webhooks that are believed, and that are not.
func (g *garden) deliveries() {
	for kind, secret := range g.hooks {
		for _, shown := range []string{secret, g.text("a wrong secret of a webhook")} {
			for _, body := range []string{
				`{"ref":"refs/heads/main","repository":{"clone_url":"https://a:` + g.text("a clone URL of a webhook") +
					`@example.com/x.git","git_http_url":"https://a:` + g.text("a Git URL of a webhook") +
					`@example.com/x.git"},"token":"` + g.text("a field of a webhook") + `"}`,
				`{"ref":"refs/heads/main","secret":"` + g.text("a webhook that is cut"),
			} {
				mac := hmac.New(sha256.New, []byte(shown))
				_, _ = io.WriteString(mac, body)
				signature := hex.EncodeToString(mac.Sum(nil))
				g.to(http.MethodPost, "/webhooks/"+kind, map[string]string{
					"X-Hub-Signature-256": "sha256=" + signature, "X-Gitea-Signature": signature, "X-Gitlab-Token": shown,
					"X-GitHub-Event": "push", "X-Gitea-Event": "push", "X-Gitlab-Event": "Push Hook",
					"X-GitHub-Delivery": "one", "X-Gitea-Delivery": "one",
				}, body)
			}
		}
	}
}

// targets have secrets in the path, where tokens are known by their form, and in the query.
func (g *garden) targets() {
	for _, grow := range []func(string) string{g.token, g.jwt} {
		for path, method := range map[string]string{
			"/api/v1/tokens/%": http.MethodDelete, "/api/v1/tokens/%:rotate": http.MethodPost, "/%": http.MethodGet,
			"/api/v1/fabrics/%": http.MethodGet, "/api/v1/fabrics/%/syncs": http.MethodPost,
			"/api/v1/syncs/%": http.MethodGet, "/api/v1/syncs/%/events": http.MethodGet,
			"/api/v1/syncs/%:cancel": http.MethodPost, "/api/sync-status/%": http.MethodGet,
			"/api/v1/fabrics/1/quarantine/%": http.MethodGet, "/webhooks/%": http.MethodPost,
		} {
			g.to(method, strings.ReplaceAll(path, "%", grow("the path "+path)), nil, "{}")
		}
	}
	for _, path := range []string{"/api/v1/caller", "/api/v1/fabrics", "/metrics", "/nothing"} {
		for _, name := range []string{"access_token", "token", "private_token", "api_key", "password", "credentials.token"} {
			g.to(http.MethodGet, path+"?"+name+"="+g.text("the query "+name), nil, "")
		}
	}
}

// headers have secrets that prove nothing, or are no place for one; tokens in names are known by their form.
func (g *garden) headers() {
	basic := base64.StdEncoding.EncodeToString([]byte("alice:" + g.text("Basic")))
	var shown []map[string]string
	for _, name := range []string{
		"X-Api-Key", "X-Auth-Token", "Private-Token", "Proxy-Authorization", "X-Gitlab-Token", "X-Vault-Token", "Cookie",
		"Grpc-Metadata-Authorization", "X-Forwarded-Authorization", "Authorization-2", "X-Amz-Security-Token",
	} {
		shown = append(shown, map[string]string{name: "a=" + g.text("the header "+name)})
	}
	for _, name := range []string{
		"X-Correlation-Id", "X-Requested-By", "X-Requested-By-Email", "Traceparent", "Referer",
	} {
		shown = append(shown, map[string]string{name: g.token("the header " + name)}, map[string]string{name: g.jwt(name)})
	}
	expired := g.token("a token that was revoked")
	mistyped := g.token("a token that is mistyped")
	for _, value := range []string{
		"Basic " + basic, "Bearer " + expired, "Bearer " + mistyped[:len(mistyped)-1] + "!",
		"Bearer " + g.token("a token that is cut")[:40], "Bearer " + g.jwt("a JWT"), g.token("a token without a scheme"),
		"Token " + g.token("a token with another scheme"), "Bearer " + g.text("what has no form"),
		"bearer  " + g.token("two blanks"),
		`Digest username="alice", response="` + g.text("a digest") + `"`,
	} {
		shown = append(shown, map[string]string{"Authorization": value})
	}
	for path, method := range map[string]string{
		"/api/v1/caller": http.MethodGet, "/api/v1/fabrics/1/syncs": http.MethodPost, "/nothing": http.MethodGet,
	} {
		for _, header := range shown {
			g.to(method, path, maps.Clone(header), "{}")
		}
	}
}

// metadata is that of gRPC, and requests beside it.
func (g *garden) metadata() {
	conn := g.Dial(g.t)
	for _, name := range []string{
		"x-api-key", "x-secret-bin", "fgd-principal-bin", "fgd-via-bin", "cookie", "proxy-authorization", "grpc-trace-bin",
	} {
		ctx := metadata.AppendToOutgoingContext(g.t.Context(), name, g.text("the metadata "+name))
		answer, err := bridgev1.NewFabricServiceClient(conn).CheckConnection(ctx, &bridgev1.CheckConnectionRequest{
			RepositoryUrl: g.echo.URL + "/x.git",
			Credentials:   &bridgev1.Credentials{Username: "alice", Password: g.text("a password over gRPC")},
		})
		g.answer.WriteString(answer.String())
		if err != nil {
			g.answer.WriteString(err.Error())
		}
	}
	for _, name := range []string{"x-correlation-id", "x-requested-by", "x-requested-by-bin", "authorization"} {
		ctx := metadata.AppendToOutgoingContext(g.t.Context(), name, g.token("the metadata "+name))
		_, err := bridgev1.NewSyncServiceClient(conn).TriggerSync(ctx, &bridgev1.TriggerSyncRequest{FabricId: 1})
		if err != nil {
			g.answer.WriteString(err.Error())
		}
	}
}

// look asks for everything that can be asked for.
func (g *garden) look(syncs []string) places {
	found := places{}
	for name, address := range g.Operations {
		found["metrics of "+name] = get(g.t, g.Client(), address+"/metrics", "")
	}
	paths := []string{
		"/api/v1/fabrics", "/api/v1/fabrics/1", "/api/v1/fabrics/1/syncs", "/api/v1/fabrics/1/files",
		"/api/v1/audit?limit=1000",
		"/api/v1/audit:verify", "/api/v1/audit:export", "/api/v1/health", "/api/v1/tokens", "/api/v1/dead-letters",
		"/api/v1/fabrics/1/commits",
	}
	for _, id := range syncs {
		paths = append(paths, "/api/v1/syncs/"+id, "/api/v1/syncs/"+id+"/events")
	}
	for _, path := range paths {
		code, body := g.Try(http.MethodGet, path, nil)
		if code != http.StatusOK {
			g.t.Errorf("%s: %d %s", path, code, body)
		}
		found["answer to "+path] = string(body)
	}
	for name, p := range g.Processes {
		found["arguments of "+name] = commandLine(g.t, p)
	}
	found["commits"] = g.host.Git(g.t, repository, "log", "-p", "--format=raw", branch)
	return found
}

// keys adds what the key files of the system have.
func (g *garden) keys() {
	err := filepath.WalkDir(g.Data, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !secretFile(path) {
			return err
		}
		raw, err := os.ReadFile(path)
		for line := range bytes.Lines(raw) {
			if text := strings.TrimSpace(string(line)); len(text) > 40 && !strings.HasPrefix(text, "#") {
				g.add(text[max(0, len(text)-40):], "the file "+entry.Name())
			}
		}
		return err
	})
	if err != nil {
		g.t.Fatal(err)
	}
}

// secretFile reports whether a file of the system is there for secrets.
func secretFile(path string) bool {
	switch filepath.Base(path) {
	case "key", "credentials.key", "peppers", "token.peppers", "audit.key", "webhook.keys", "bootstrap.token",
		"redis.conf":
		return true
	}
	return false
}

// files is what else lies in the data folder: the ledger, the audit, repositories.
func (g *garden) files() string {
	var b strings.Builder
	for name, content := range read(g.t, g.Data, "") {
		if !secretFile(name) {
			b.WriteString(name + "\n" + content + "\n")
		}
	}
	return b.String()
}

// starts are of programs with secrets in wrong settings.
func (g *garden) starts() string {
	var b strings.Builder
	for _, variable := range []string{
		"REDIS_URL=redis://:" + g.text("a Redis URL") + "@127.0.0.1:x/0",
		"REDIS_URL=http://:" + g.text("no Redis URL") + "@x/0",
		"REMOTES_PROXY_URL=ftp://a:" + g.text("a proxy") + "@x", "CREDENTIALS_KEY=" + g.text("a key"),
		"GITHUB_WEBHOOK_SECRET=" + g.text("a short secret")[:15],
		"OIDC_ISSUER=https://a:" + g.text("an issuer") + "@id.example.com",
		"TOKEN=" + g.token("a token of the command line"), "GIT_TOKEN=" + g.text("a token of a repository"),
	} {
		env := []string{"HEDGEHOG_FGD_" + variable}
		b.WriteString(programs.Run(g.t, env, "sync", "--repo", g.echo.URL+"/x.git", "--allow-http",
			"--allow-network=127.0.0.0/8", "--branch", branch).Output())
		b.WriteString(programs.Run(g.t, env, "token", "list", "--server", strings.TrimPrefix(g.echo.URL, "http://")).Output())
	}
	b.WriteString(programs.Run(g.t, nil, "check", "--repo", g.echo.URL+"/x.git", "--config",
		g.trusting("oidc_client_secret: "+g.text("a key that there is not"))).Output())
	return b.String()
}
