package cli_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/cmd/fgd/internal/cli"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/redistest"
)

// leastPlanted is how many secrets there have to be.
const leastPlanted = 20

// planted are secrets, each with where it was put.
type planted struct {
	how    map[string]string
	folder string
}

// text plants one that nobody chose, plain one of small letters, which looks like any word, and word one of many
// characters.
func (p *planted) text(how string) string { return p.add(rand.Text(), how) }

func (p *planted) plain(how string) string {
	letters := strings.Map(func(r rune) rune { return 'a' + r%26 }, rand.Text()[:12])
	return p.add("horse"+letters, how)
}

func (p *planted) word(how string) string {
	return p.add("Correct-"+rand.Text()[:6]+"/é\" +horse", how)
}

func (p *planted) add(secret, how string) string {
	p.how[secret] = how
	return secret
}

func (p *planted) file(t *testing.T, name, content string) string {
	t.Helper()
	at := filepath.Join(p.folder, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return at
}

// requireNowhere looks for each secret as it is, and as it is written in other places.
func (p *planted) requireNowhere(t *testing.T, files map[string]string) {
	t.Helper()
	if len(p.how) < leastPlanted {
		t.Errorf("%d secrets were planted", len(p.how))
	}
	for secret, how := range p.how {
		for _, written := range ways(secret) {
			for name, content := range files {
				if at := strings.Index(strings.ToLower(content), strings.ToLower(written)); at >= 0 {
					t.Errorf("%s has %s: …%q…", name, how, content[max(0, at-120):min(len(content), at+60)])
				}
			}
		}
	}
}

// ways are the ways in which a secret is written.
func ways(secret string) []string {
	quoted, _ := json.Marshal(secret) // of a text
	all := []string{
		secret, strings.Trim(string(quoted), `"`), strings.Trim(fmt.Sprintf("%q", secret), `"`), url.QueryEscape(secret),
		url.PathEscape(secret), hex.EncodeToString([]byte(secret)),
	}
	for shift := range 3 {
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + secret))
		all = append(all, encoded[4:len(encoded)-4])
	}
	return all
}

// bundled runs fgd support-bundle, and returns the files of the bundle.
func bundled(t *testing.T, environ []string, args ...string) (files map[string]string, stdout string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "bundle.tar.gz")
	var out, errors bytes.Buffer
	code := cli.Run(t.Context(), cli.Environment{
		Args: append([]string{"support-bundle", "--out", name}, args...), Environ: environ, Stdout: &out, Stderr: &errors,
	})
	if code != 0 {
		t.Fatalf("exit %d\n%s%s", code, &out, &errors)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	return unpacked(t, name), out.String()
}

func unpacked(t *testing.T, name string) map[string]string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	files, archive := map[string]string{}, tar.NewReader(unzipped)
	for {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[path.Base(head.Name)] = string(content)
	}
}

// echo runs a Git host that refuses everybody, and says aloud what it was shown, and a secret of its own.
func echo(t *testing.T, own string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "shown "+r.Header.Get("Authorization")+" which is "+password+" and here it is "+own+"\n")
	}))
	t.Cleanup(server.Close)
	return server
}

// TestSupportBundleHasNoSecret puts secrets wherever a person may have put one, lets things go wrong, and finds none of
// them in the bundle, which has all that helps.
func TestSupportBundleHasNoSecret(t *testing.T) {
	t.Parallel()
	p := &planted{how: map[string]string{}, folder: t.TempDir()}
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{
		"f/raw/a.yaml": document + "---\nkind: " + p.plain("a file of a repository") + "\n---\nkind: [ " +
			p.plain("no YAML") + "\n",
		"f/raw/b.yaml": strings.NewReplacer("10.0.0.0/16", p.plain("a value"), "name: default",
			"name: other").Replace(document) +
			"  " + p.text("a field") + ": 1\n",
	})
	host.CommitSaying(t, "r.git", "main", "The password is "+p.plain("a commit message"),
		map[string]string{"f/x.txt": "x"})
	host.Hook(t, "r.git", "pre-receive",
		"test -e allowed && exit 0\necho 'no: "+p.plain("words of a hook")+"' >&2\nexit 1\n")
	echoing := echo(t, p.plain("words of a Git host"))
	secrets := filepath.Dir(p.file(t, "secrets/A", p.word("a file that is referred to")))
	p.file(t, "secrets/A.hosts", strings.TrimPrefix(echoing.URL, "http://"))
	environ := []string{
		"USER=alice", "HEDGEHOG_FGD_LOG_LEVEL=debug", "HEDGEHOG_FGD_CREDENTIALS_DIR=" + secrets,
		"HEDGEHOG_FGD_GIT_A=" + p.word("a variable that is referred to"),
		"HEDGEHOG_FGD_GIT_A_HOSTS=" + strings.TrimPrefix(echoing.URL, "http://"),
		"HEDGEHOG_FGD_NETBOX_A=" + p.word("a token of NetBox"), "HEDGEHOG_FGD_PASWORD=" + p.word("a variable that is no key"),
		"HEDGEHOG_FGD_GITHUB_WEBHOOK_SECRET=" + p.text("a secret of webhooks") + "," + p.text("the next one"),
		"HEDGEHOG_FGD_NOTIFY_SLACK=" + echoing.URL + "/services/" + p.plain("an address of Slack"),
		"GITHUB_TOKEN=" + p.word("a variable of somebody else"), "AWS_SECRET_ACCESS_KEY=" + p.text("another one"),
		"HEDGEHOG_FGD_NOTIFICATIONS_FILE=" + p.file(t, "targets.yaml", "targets:\n- name: team\n  form: slack\n"+
			"  url_ref: env:HEDGEHOG_FGD_NOTIFY_SLACK\n"),
	}
	redis := redistest.Start(t).URL()
	if at, err := url.Parse(redis); err == nil && at.User != nil {
		password, _ := at.User.Password()
		p.add(password, "the password of Redis")
	}
	data := filepath.Join(p.folder, "data")
	at, log := up(t, environ, "--data", data, "--redis", redis, "--allow-http", "--allow-network=127.0.0.0/8")
	p.add(strings.Split(at.token, "_")[2], "the first token")
	failed := p.things(t, at, host, echoing.URL)
	p.keys(t, data)
	config := p.file(t, "fgd.yaml",
		"# "+p.plain("a comment")+"\nlog_level: debug\nredis_url: redis://:"+p.plain("of redis_url")+
			"@redis.example.com:6379/0\nremotes_proxy_url: http://u:"+p.plain("of a proxy")+"@proxy.example.com:3128\n"+
			"gitlab_webhook_secret: ["+p.plain("of webhooks in a file")+"]\n"+
			"oidc_client_secret: "+p.word("a key that nobody knows")+
			"\noidc_issuer: https://a:"+p.plain("of an issuer")+"@id.example.com\nsync_timeout: 90s\n")
	known := p.word("a token of a person")
	logged := p.file(t, "fgd.log", log.String()+p.noise(known))
	files, stdout := bundled(t, append(environ, "HEDGEHOG_FGD_REDIS_URL="+redis, "MY_API_TOKEN="+known),
		"--server", at.GRPC,
		"--token-file", at.tokenFile, "--http", "http://"+at.HTTP, "--data", data, "--config", config, "--log", logged)
	p.requireNowhere(t, files)
	p.requireNowhere(t, map[string]string{"what is printed": stdout})
	for file, parts := range map[string][]string{
		"server.json": {`"caller_method": "token"`}, "health.json": {`"name": "git-hosts"`}, "metrics.txt": {"fgd_build_info"},
		"fabrics.json":      {`"name": "good"`, `"state": "suspended"`, `"repository_url": "` + host.URL("r.git")},
		"syncs.json":        {failed, `"state": "failed"`},
		"reports.json":      {failed, `"code": "FGD_4010"`, `"file": "raw/b.yaml"`, "The Git host"},
		"dead-letters.json": {"["}, "conflicts.json": {"["}, "quarantine.json": {`"FGD_1001": 1`},
		"notifications.json": {`"name": "team"`},
		"audit.json":         {`"intact": true`}, "config.txt": {
			"log_level: debug", "redis_url: redis://redis.example.com:6379",
			"sync_timeout: 90s", "oidc_client_secret: (a key that nobody knows", "gitlab_webhook_secret: (set)",
		},
		"environment.txt": {"GITHUB_TOKEN\n", "HEDGEHOG_FGD_LOG_LEVEL=debug\n"}, "data.txt": {"audit/audit.jsonl"},
		"log.txt": {`"msg":"started"`, `"level":"DEBUG"`, failed}, "redis-info.txt": {"redis_version:"},
		"index.txt":     {"redis-log.txt            not there: ", "Look at it before you send it"},
		"client.txt":    {"fgd "},
		"redis-log.txt": nil,
	} {
		for _, part := range parts {
			if !strings.Contains(files[file], part) {
				t.Errorf("%s has no %q:\n%s", file, part, files[file][:min(len(files[file]), 3000)])
			}
		}
	}
}

// things registers fabrics whose syncs go wrong in several ways, and has callers give secrets in wrong places. It
// returns the ID of a sync that failed.
func (p *planted) things(t *testing.T, at started, host *gitserver.Server, echoing string) (failed string) {
	t.Helper()
	for name, of := range map[string]map[string]any{
		"good": {"repository_url": host.URL("r.git")},
		"password": {
			"repository_url": echoing + "/1.git",
			"credentials":    map[string]any{"username": "u", "password": p.word("a password")},
		},
		"token":    {"repository_url": echoing + "/2.git", "credentials": map[string]any{"token": p.text("a token")}},
		"file":     {"repository_url": echoing + "/3.git", "credentials": map[string]any{"ref": "file:A"}},
		"variable": {"repository_url": echoing + "/4.git", "credentials": map[string]any{"ref": "env:HEDGEHOG_FGD_GIT_A"}},
		"url":      {"repository_url": "https://alice:" + p.plain("a URL's password") + "@git.example.com/x.git"},
		"query":    {"repository_url": "https://git.example.com/x.git?token=" + p.plain("a URL's query")},
		"key": {
			"repository_url": echoing + "/5.git",
			"credentials":    map[string]any{"ssh_private_key": p.text("an SSH key")},
		},
	} {
		of["name"], of["gitops_directory"] = name, "f"
		body, err := json.Marshal(of)
		if err != nil {
			t.Fatal(err)
		}
		_, answer := at.call(t, http.MethodPost, "/api/v1/fabrics", string(body), "")
		var registered struct {
			SyncID string `json:"sync_id"`
			Fabric struct {
				ID int `json:"fabric_id"`
			}
		}
		if json.Unmarshal([]byte(answer), &registered) != nil || registered.SyncID == "" {
			continue // refused
		}
		at.ended(t, registered.SyncID)
		if name == "good" {
			failed = registered.SyncID
			p.more(t, at, host, registered.Fabric.ID)
		}
	}
	at.call(t, http.MethodGet, "/api/v1/fabrics?access_token="+p.plain("a query"), "", p.text("a correlation id"))
	at.call(t, http.MethodPost, "/webhooks/github", `{"token":"`+p.plain("a webhook")+`"}`, "")
	return failed
}

// more has a hook take the push, so that something is in quarantine, and lets no sync publish afterwards.
func (p *planted) more(t *testing.T, at started, host *gitserver.Server, fabric int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(host.Path("r.git"), "allowed"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var triggered struct {
		SyncID string `json:"sync_id"`
	}
	_, answer := at.call(t, http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", fabric), "{}", "")
	if err := json.Unmarshal([]byte(answer), &triggered); err != nil {
		t.Fatal(answer, err)
	}
	at.ended(t, triggered.SyncID)
	at.call(t, http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d:suspend", fabric),
		`{"reason": "the new password is `+p.plain("a reason")+`"}`, "")
}

// ended waits until a sync has ended, and returns its ID.
func (at started) ended(t *testing.T, id string) string {
	t.Helper()
	stream, err := bridgev1.NewSyncServiceClient(at.dial(t)).StreamSyncEvents(t.Context(),
		&bridgev1.StreamSyncEventsRequest{SyncId: id})
	for err == nil {
		_, err = stream.Recv()
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return id
}

// keys adds what is in the files that are there for secrets.
func (p *planted) keys(t *testing.T, data string) {
	t.Helper()
	for _, name := range []string{"credentials.key", "token.peppers", "audit/audit.key"} {
		raw, err := os.ReadFile(filepath.Join(data, name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			if line = strings.TrimSpace(line); len(line) > 40 && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "-") {
				p.add(line, "the file "+name)
			}
		}
	}
}

// noise is lines of a log that no program of ours would write.
func (p *planted) noise(known string) string {
	return `{"level":"INFO","msg":"x","authorization":"Basic ` + base64.StdEncoding.EncodeToString([]byte("u:"+known)) + `"}` +
		"\nGET /x?q=" + url.QueryEscape(known) + "&private_token=" + p.plain("a query of a log") + "\n" +
		"Authorization: Bearer " + p.plain("a header of a log") + "\nclone https://u:" + p.plain("a URL of a log") +
		"@h/x\n" +
		"x-auth-token: " + p.plain("another header") + "\nthe word " + known + " and " + fmt.Sprintf("%q", known) + "\n" +
		"-----BEGIN OPENSSH PRIVATE KEY-----\n" + p.plain("a key of a log") + "\n-----END OPENSSH PRIVATE KEY-----\n"
}

// TestSupportBundleOfNothing: where nothing can be reached and nothing is here, the bundle says so, part by part.
func TestSupportBundleOfNothing(t *testing.T) {
	t.Parallel()
	files, stdout := bundled(t, nil, "--server", "127.0.0.1:1", "--data", filepath.Join(t.TempDir(), "none"))
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, []string{"client.txt", "environment.txt", "index.txt"}) {
		t.Errorf("it has %v", got)
	}
	for _, part := range []string{"health.json", "not there: FGD_5005 SERVICE_UNAVAILABLE: Nothing can be reached at 127.0.0.1:1"} {
		if !strings.Contains(files["index.txt"], part) || !strings.Contains(stdout, part) {
			t.Errorf("no %q in\n%s\n%s", part, files["index.txt"], stdout)
		}
	}
	name := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(name, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := run(t.Context(), t, "support-bundle", "--out", name); code != 2 ||
		!strings.Contains(stderr, "is there already") {
		t.Errorf("exit %d\n%s", code, stderr)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	gone := filepath.Join(t.TempDir(), "gone")
	if code, _, stderr := run(ctx, t, "support-bundle", "--out", gone); code != 130 {
		t.Errorf("exit %d\n%s", code, stderr)
	}
	if _, err := os.Stat(gone); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not whole stays: %v", err)
	}
}

// TestSupportBundleOfAViewer has what a viewer may see, and says what they may not.
func TestSupportBundleOfAViewer(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document, "g/raw/a.yaml": document})
	at, _ := up(t, nil, "--redis", redistest.Start(t).URL(), "--allow-http", "--allow-network=127.0.0.0/8")
	for id, name := range []string{"f", "g"} {
		at.call(t, http.MethodPost, "/api/v1/fabrics", fmt.Sprintf(`{"fabric_id":%d,"name":"fabric-%s","repository_url":"%s",`+
			`"gitops_directory":"%s"}`, id+1, name, host.URL("r.git"), name), "")
	}
	token := filepath.Join(t.TempDir(), "token")
	if code, stdout, stderr := run(t.Context(), t, "token", "create", "viewer", "--role", "viewer", "--fabric", "1",
		"--out", token,
		"--server", at.GRPC, "--token-file", at.tokenFile); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	files, _ := bundled(t, nil, "--server", at.GRPC, "--token-file", token, "--data", t.TempDir())
	if !strings.Contains(files["fabrics.json"], "fabric-f") || strings.Contains(files["fabrics.json"], "fabric-g") {
		t.Errorf("fabrics: %s", files["fabrics.json"])
	}
	for _, name := range []string{"dead-letters.json", "notifications.json", "audit.json"} {
		if !strings.Contains(files["index.txt"], fmt.Sprintf("%-24s not there: FGD_1051", name)) || files[name] != "" {
			t.Errorf("%s is there:\n%s%s", name, files["index.txt"], files[name])
		}
	}
}
