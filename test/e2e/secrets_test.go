package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// places are texts in which no secret may be, by name.
type places map[string]string

// requireNoSecret looks for the credentials, as they are and as they travel, and for others.
func (p places) requireNoSecret(t *testing.T, others ...string) {
	t.Helper()
	for _, secret := range append(others, password, base64.StdEncoding.EncodeToString([]byte(username+":"+password))) {
		for name, text := range p {
			if text == "" {
				t.Errorf("%s: there is nothing to look at", name)
			}
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s has a secret: …%q…", name, text[max(0, at-100):min(len(text), at+100)])
			}
		}
	}
}

// TestSecretsStaySecret gives credentials to all services, at their most talkative, lets everything go well once and
// go wrong once, with a server that says the credentials aloud, and then looks for them wherever something was written.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	h := newHost(t, fabric.PreInit(directory))
	h.Hook(t, repository, "pre-receive", "test -e allowed && exit 0\necho 'no: "+password+"' >&2\nexit 1\n")
	traces := system.Traces(t)
	redis := system.Redis(t)
	knownHosts := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(knownHosts, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := programs.Five(t, redis.URL(), []string{
		"HEDGEHOG_FGD_LOG_LEVEL=debug", "HEDGEHOG_FGD_SSH_KNOWN_HOSTS_FILE=" + knownHosts, "OTEL_EXPORTER_OTLP_ENDPOINT=" +
			traces.URL,
	})
	var registered, triggered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	declined := s.Ended(registered.SyncID)
	if declined.State != "failed" || declined.Errors[0].Code != "FGD_4010" {
		t.Errorf("declined: %+v", declined)
	}
	h.Break(gitserver.Fault{On: gitserver.Receive, Times: 1, Status: http.StatusOK, Text: refusal("I know " + password)})
	s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &triggered)
	if refused := s.Ended(triggered.SyncID); refused.State != "failed" ||
		!strings.Contains(refused.Errors[0].Message, "I know [redacted]") {
		t.Errorf("refused: %+v", refused)
	}
	h.Break(gitserver.Fault{Status: http.StatusTeapot, Text: "I know " + password})
	s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &triggered)
	s.Ended(triggered.SyncID)
	h.Mend()
	if err := os.WriteFile(filepath.Join(h.Path(repository), "allowed"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &triggered)
	h.requireIngested(s.Ended(triggered.SyncID))
	planted := plantKeys(t, s, h)
	found := places{}
	for name, address := range s.Operations {
		found["metrics of "+name] = get(t, s.Client(), address+"/metrics", "")
	}
	for _, path := range []string{"/api/v1/fabrics", "/api/v1/fabrics/1/syncs", "/api/v1/syncs/" + registered.SyncID +
		"/events", "/api/v1/fabrics/1/files", "/metrics"} {
		_, body := s.Try(http.MethodGet, path, nil)
		found["answer to "+path] = string(body)
	}
	for name, p := range s.Processes {
		found["arguments of "+name] = commandLine(t, p)
		p.Stop()
		found["log of "+name] = p.Output()
	}
	found["traces"] = traces.Text()
	found["Redis"] = redis.Written()
	planted = append(planted, s.Token())
	if err := os.Remove(s.TokenFile); err != nil { // the one place where it is
		t.Fatal(err)
	}
	found["data folder"] = all(read(t, s.Data, ""))
	found["commits"] = h.Git(t, repository, "log", "-p", "--format=raw", branch)
	found.requireNoSecret(t, planted...)
	if !strings.Contains(found["Redis"], "age-encryption.org") {
		t.Error("the sealed credentials are not in Redis: this test looks in the wrong place")
	}
}

// plantKeys registers fabrics that sign in with keys, which the Git host refuses or nobody serves, and gives what of
// the keys may be nowhere.
func plantKeys(t *testing.T, s *system.System, h *host) []string {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	app := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}))
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	deploy := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	for name, signed := range map[string]struct {
		url         string
		credentials map[string]any
	}{
		"deploy-key": {"ssh://git@" + h.Address() + "/" + repository, map[string]any{"ssh_private_key": deploy}},
		"app": {h.url(), map[string]any{"github_app": map[string]any{
			"app_id": 1, "installation_id": 2,
			"private_key": app,
		}}},
	} {
		var registered system.Accepted
		s.Call(http.MethodPost, "/api/v1/fabrics", map[string]any{
			"name": name, "repository_url": signed.url, "gitops_directory": "elsewhere/" + name,
			"credentials": signed.credentials,
		}, &registered)
		if status := s.Ended(registered.SyncID); status.State != "failed" {
			t.Errorf("%s: %+v", name, status)
		}
	}
	return []string{strings.Split(app, "\n")[3], strings.Split(deploy, "\n")[1], "PRIVATE KEY"}
}

// refusal is a server's report that it did not take a push, in packets on the first sideband.
func refusal(reason string) string {
	packet := func(text string) string { return fmt.Sprintf("%04x%s", len(text)+4, text) }
	return packet("\x01"+packet("unpack ok\n")+packet("ng refs/heads/"+branch+" "+reason+"\n")+"0000") + "0000"
}

func commandLine(t *testing.T, p *system.Process) string {
	t.Helper()
	line, err := os.ReadFile(filepath.Join("/proc", p.ID(), "cmdline"))
	if err != nil {
		t.Fatal(err)
	}
	return string(line)
}

func all(files map[string]string) string {
	var b strings.Builder
	for name, content := range files {
		b.WriteString(name + "\n" + content + "\n")
	}
	return b.String()
}

// TestSecretsOfTheCommandLine does the same for fgd sync.
func TestSecretsOfTheCommandLine(t *testing.T) {
	t.Parallel()
	h := newHost(t, fabric.PreInit(directory))
	h.Hook(t, repository, "pre-receive", "echo 'no: "+password+"' >&2\nexit 1\n")
	file := filepath.Join(t.TempDir(), "credentials.yaml")
	if err := os.WriteFile(file, []byte("username: "+username+"\npassword: "+password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("username: [ "+password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	redis := system.Redis(t)
	args := []string{
		"sync", "--repo", h.url(), "--branch", branch, "--dir", directory, "--allow-http", "--allow-network=127.0.0.0/8",
		"--redis", redis.URL(),
	}
	found := places{
		"declined":     programs.Run(t, credentials(), args...).Output(),
		"with -o json": programs.Run(t, credentials(), append(args, "-o=json")...).Output(),
		"by file":      programs.Run(t, nil, append(args, "--credentials-file", file)...).Output(),
		"broken file":  programs.Run(t, nil, append(args, "--credentials-file", broken)...).Output(),
		"in the URL": programs.Run(t, nil, "sync", "--repo", "https://"+username+":"+password+"@example.com/x.git").
			Output(),
		"in an SCP URL": programs.Run(t, nil, "sync", "--repo", username+":"+password+"@example.com:x.git").Output(),
		"Redis":         redis.Written(),
	}
	found.requireNoSecret(t)
	h.requireCommits(1)
}
