package deploy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

var program = flag.String("fgd", "", "the program whose metrics are looked at")

// running is the program, until stop is called or the test ends.
type running struct {
	address string // of its JSON API
	stop    func()
}

// up runs fgd up at an address, with an environment beside its own.
func up(t *testing.T, address string, env ...string) running {
	t.Helper()
	if *program == "" {
		t.Skip("make lint-deploy runs this, with the program that was built")
	}
	run := exec.CommandContext(context.WithoutCancel(t.Context()), *program, "up", "--data", t.TempDir(),
		"--http", address, "--grpc", "127.0.0.1:0")
	run.Env = append(os.Environ(), env...)
	log, err := run.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			var line struct{ Msg, HTTP string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "started" {
				said <- line.HTTP
			}
		}
		close(said)
	}()
	stop := sync.OnceFunc(func() {
		_ = run.Process.Signal(syscall.SIGTERM)
		<-read
		if err := run.Wait(); err != nil {
			t.Errorf("the program ended with %v", err)
		}
	})
	t.Cleanup(stop)
	started := <-said
	if started == "" {
		t.Fatal("the program did not start")
	}
	return running{started, stop}
}

// metrics returns what a program shows before anything has happened, with a target of notifications.
func metrics(t *testing.T) string {
	t.Helper()
	targets := filepath.Join(t.TempDir(), "targets.yaml")
	if err := os.WriteFile(targets, []byte("targets: [{name: pager, form: slack, url: \"http://127.0.0.1:1/\"}]\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	p := up(t, "127.0.0.1:0", "HEDGEHOG_FGD_NOTIFICATIONS_FILE="+targets, "HEDGEHOG_FGD_ALLOW_HTTP=true",
		"HEDGEHOG_FGD_ALLOWED_PRIVATE_NETWORKS=127.0.0.0/8")
	response, err := http.Get("http://" + p.address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v: %s", response.Status, err, text)
	}
	return string(text)
}

// series returns the series of a page of metrics.
func series(t *testing.T, page string) []labels.Labels {
	t.Helper()
	var out []labels.Labels
	for _, match := range regexp.MustCompile(`(?m)^(\w+(?:\{.*\})?) \S+$`).FindAllStringSubmatch(page, -1) {
		one, err := parser.NewParser(parser.Options{}).ParseMetric(match[1])
		if err != nil {
			t.Fatalf("%s: %v", match[1], err)
		}
		out = append(out, one)
	}
	return out
}

func text(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// words returns what a regular expression with one group finds in a text.
func words(text, expression string) []string {
	var out []string
	for _, match := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
		out = append(out, strings.TrimSpace(match[1]))
	}
	return out
}

// background runs a program until the test ends.
func background(t *testing.T, name string, args ...string) {
	t.Helper()
	if *program == "" {
		t.Skip("make lint-deploy runs this, and installs " + name)
	}
	var said bytes.Buffer
	run := exec.Command(name, args...)
	run.Stdout, run.Stderr = &said, &said
	run.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Signal(syscall.SIGTERM)
		_ = run.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, &said)
		}
	})
}

func read(t *testing.T, path string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text(t, path)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t *testing.T, folder, name string, content map[string]any) string {
	t.Helper()
	raw, err := yaml.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// free returns an address at which nothing listens.
func free(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func answers(address string) bool {
	response, err := http.Get(address)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func get(t *testing.T, address string, answer any) {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
}

// await waits until something holds that nothing announces.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("waited a minute for %s", what)
		}
	}
}
