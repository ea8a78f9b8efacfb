package gitea

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/test/system"
)

const (
	owner    = "alice"
	password = "a-password-nobody-guesses"

	readyTimeout = 2 * time.Minute
	pollPeriod   = 100 * time.Millisecond
)

// gitea is a Gitea of its own on loopback ports, with one user.
type gitea struct {
	t      *testing.T
	folder string
	http   string
	ssh    string
	token  string
}

// start starts a Gitea that was built in a folder, and stops it with the test.
func start(t *testing.T, built string) *gitea {
	t.Helper()
	addresses := system.FreeAddresses(t, "127.0.0.1", 2)
	g := &gitea{t: t, folder: t.TempDir(), http: addresses[0], ssh: addresses[1]}
	config := g.configure(built)
	begin := func(args ...string) *system.Process {
		return system.Binaries(built).Start(t, nil, "gitea", append(args, "--config", config)...)
	}
	for _, command := range [][]string{
		{"migrate"},
		{
			"admin", "user", "create", "--username", owner, "--password", password, "--email", "alice@example.com", "--admin",
			"--must-change-password=false",
		},
	} {
		process := begin(command...)
		process.Wait()
		process.Stop()
	}
	begin("web")
	g.await()
	var made struct {
		SHA1 string `json:"sha1"`
	}
	g.call(http.MethodPost, "/users/"+owner+"/tokens", map[string]any{"name": "fgd", "scopes": []string{"all"}}, &made)
	g.token = made.SHA1
	return g
}

// configure writes its configuration file.
func (g *gitea) configure(built string) string {
	g.t.Helper()
	port := func(address string) string {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			g.t.Fatal(err)
		}
		return port
	}
	path := filepath.Join(g.folder, "app.ini")
	text := fmt.Sprintf(`RUN_MODE = prod
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = %[1]s
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[2]s
ROOT_URL = http://127.0.0.1:%[2]s/
STATIC_ROOT_PATH = %[4]s
START_SSH_SERVER = true
BUILTIN_SSH_SERVER_USER = git
SSH_LISTEN_HOST = 127.0.0.1
SSH_LISTEN_PORT = %[3]s
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
[security]
INSTALL_LOCK = true
SECRET_KEY = a-secret-of-the-test
[service]
DISABLE_REGISTRATION = true
[log]
LEVEL = warn
`, g.folder, port(g.http), port(g.ssh), built)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	return path
}

func (g *gitea) await() {
	g.t.Helper()
	for deadline := time.Now().Add(readyTimeout); ; <-time.After(pollPeriod) {
		response, err := http.Get("http://" + g.http + "/api/healthz")
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("gitea does not answer: %v", err)
		}
	}
}

// call calls its API.
func (g *gitea) call(method, path string, body, answer any) {
	g.t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		g.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(g.t.Context(), method, "http://"+g.http+"/api/v1"+path,
		bytes.NewReader(content))
	if err != nil {
		g.t.Fatal(err)
	}
	request.SetBasicAuth(owner, password)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		g.t.Fatalf("gitea: %s %s: %s %s", method, path, response.Status, text)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(text, answer); err != nil {
		g.t.Fatalf("gitea: %s %s: %v in %s", method, path, err, text)
	}
}

// knownHosts is the file by which clients know its SSH server.
func (g *gitea) knownHosts() string {
	g.t.Helper()
	key, err := os.ReadFile(filepath.Join(g.folder, "data", "ssh", "gitea.rsa.pub"))
	if err != nil {
		g.t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(g.ssh)
	if err != nil {
		g.t.Fatal(err)
	}
	path := filepath.Join(g.folder, "known_hosts")
	if err := os.WriteFile(path, fmt.Appendf(nil, "[%s]:%s %s\n", host, port, strings.TrimSpace(string(key))),
		0o600); err != nil {
		g.t.Fatal(err)
	}
	return path
}
