package helm

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
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

	corev1 "k8s.io/api/core/v1"
)

var programs = flag.String("programs", "", "the folder with the programs that were built")

// cluster runs what is in containers as processes: their arguments and variables, with folders in the place of volumes,
// and an address of this machine in the place of names.
type cluster struct {
	t      *testing.T
	root   string // has certs, keys, data and config
	host   string // a loopback address of which nobody else takes ports
	redis  string
	output *output
}

// TestWhatTheChartSaysRuns: five services that are started with the arguments, variables and files of the chart's
// defaults find each other, prove who they are, and answer the probes.
func TestWhatTheChartSaysRuns(t *testing.T) {
	t.Parallel()
	if *programs == "" {
		t.Skip("make lint-deploy runs this, with the programs that were built")
	}
	c := &cluster{
		t: t, root: t.TempDir(), output: &output{},
		host: fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254)),
	}
	o := parse(t, rendered(t, ""))
	c.makeFiles(o.configMaps[0].Data)
	c.startRedis()
	for _, w := range o.workloads {
		c.start(w.pod.Spec.Containers[0])
	}
	for _, w := range o.workloads {
		container := w.pod.Spec.Containers[0]
		for _, probe := range []*corev1.Probe{container.StartupProbe, container.LivenessProbe, container.ReadinessProbe} {
			c.await(container.Name, probe.HTTPGet.Path)
		}
	}
	c.await("bridge", "/readyz")
	c.requireHealth()
}

// makeFiles makes what the page for operators has made: certificates and keys; and the configuration.
func (c *cluster) makeFiles(configuration map[string]string) {
	c.t.Helper()
	c.run(filepath.Join(*programs, "fgd"), "certs", "init", c.in("certs"))
	if err := os.Mkdir(c.in("keys"), 0o700); err != nil {
		c.t.Fatal(err)
	}
	c.run("age-keygen", "-o", c.in("keys", "credentials.key"))
	for _, name := range []string{"token.peppers", "webhook.keys"} {
		c.write(c.in("keys", name), c.run("openssl", "rand", "-base64", "32"))
	}
	for name, content := range configuration {
		c.write(c.in("config", name), []byte(content))
	}
}

func (c *cluster) in(parts ...string) string {
	return filepath.Join(append([]string{c.root}, parts...)...)
}

func (c *cluster) write(path string, content []byte) {
	c.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) run(name string, args ...string) []byte {
	c.t.Helper()
	out, err := exec.CommandContext(c.t.Context(), name, args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return out
}

func (c *cluster) startRedis() {
	c.t.Helper()
	const configuration = "bind %s\nport 6379\nrequirepass secret\ndir %s\nappendonly yes\nmaxmemory-policy noeviction\n"
	c.write(c.in("redis", "redis.conf"), fmt.Appendf(nil, configuration, c.host, c.in("redis")))
	c.redis = "redis://:secret@" + c.host + ":6379/0"
	c.serve(exec.CommandContext(context.WithoutCancel(c.t.Context()), "redis-server", c.in("redis", "redis.conf")))
}

// start runs a container as a process.
func (c *cluster) start(container corev1.Container) {
	c.t.Helper()
	data := c.in("data", container.Name)
	if err := os.MkdirAll(data, 0o700); err != nil {
		c.t.Fatal(err)
	}
	places := strings.NewReplacer("/tls/", c.in("certs", container.Name)+"/", "/keys/", c.in("keys")+"/",
		"/data/", data+"/", "/config/", c.in("config")+"/")
	args := make([]string, len(container.Args))
	for i, arg := range container.Args {
		args[i] = places.Replace(arg)
	}
	service := regexp.MustCompile(`^fgd-sync-[a-z-]+:`)
	command := exec.CommandContext(context.WithoutCancel(c.t.Context()), filepath.Join(*programs, container.Name), args...)
	command.Dir, command.Env = data, []string{}
	for _, v := range container.Env {
		value := service.ReplaceAllString(places.Replace(v.Value), c.host+":")
		switch {
		case v.ValueFrom != nil:
			value = c.redis
		case strings.HasPrefix(value, ":"):
			value = c.host + value
		}
		command.Env = append(command.Env, v.Name+"="+value)
	}
	c.serve(command)
}

// serve runs a program until the test ends.
func (c *cluster) serve(command *exec.Cmd) {
	c.t.Helper()
	command.Stdout, command.Stderr = c.output, c.output
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			c.t.Errorf("%s: %v\n%s", command.Path, err, c.output)
		}
	})
}

// await waits until a service answers with 200 at a path.
func (c *cluster) await(service, path string) {
	c.t.Helper()
	c.until(service+path, func() bool {
		code, _ := c.get(service, path, "")
		return code == http.StatusOK
	})
}

// until waits until something holds that nothing announces.
func (c *cluster) until(what string, holds func() bool) {
	c.t.Helper()
	deadline := time.After(time.Minute)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-deadline:
			c.t.Fatalf("waited for %s:\n%s", what, c.output)
		case <-ticker.C:
		}
	}
}

// get asks a service at its HTTP port, by its address, as a kubelet does.
func (c *cluster) get(service, path, token string) (int, []byte) {
	c.t.Helper()
	ports := map[string]int{
		"bridge": 8080, "orchestrator": 9191, "ingestion": 9192, "directory": 9193, "github-sync": 9194,
	}
	url := fmt.Sprintf("http://%s:%d%s", c.host, ports[service], path)
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, text
}

// requireHealth shows the first token, which is where the chart has it, and has all components be healthy.
func (c *cluster) requireHealth() {
	c.t.Helper()
	c.until("everything to be healthy", func() bool {
		token, _ := os.ReadFile(c.in("data", "bridge", "bootstrap.token"))
		var health struct{ Status string }
		code, text := c.get("bridge", "/api/v1/health", string(bytes.TrimSpace(token)))
		return code == http.StatusOK && json.Unmarshal(text, &health) == nil && health.Status == "healthy"
	})
}

// output is what all processes write.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write takes what a process has written.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// String returns all of it so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
