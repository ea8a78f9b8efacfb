package drill

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fgdsync.dev/test/system"
)

// prometheus is a real one that looks at a system each second.
type prometheus struct {
	address string
	config  string // the file
	targets []string
	all     []string          // alerts that it has
	runbook map[string]string // where each alert that has fired leads
	command *exec.Cmd
}

// watch runs one with our rules until the test ends.
func watch(t *testing.T, operations map[string]string) *prometheus {
	t.Helper()
	folder, shipped := t.TempDir(), rules(t)
	p := &prometheus{
		address: system.FreeAddress(t), config: filepath.Join(folder, "prometheus.yml"), all: alerts(t, shipped),
		runbook: map[string]string{},
	}
	for _, base := range slices.Sorted(maps.Values(operations)) {
		p.targets = append(p.targets, strings.TrimPrefix(base, "http://"))
	}
	write(t, filepath.Join(folder, "alerts.yml"), hastened(shipped))
	p.scrape(t, "fgd-sync")
	var said bytes.Buffer
	p.command = exec.Command("prometheus", "--config.file="+p.config, "--log.level=warn",
		"--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+p.address,
		"--query.lookback-delta=5s") // what is not scraped any more is gone after that, and not after five minutes
	p.command.Stdout, p.command.Stderr = &said, &said
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.command.Start(); err != nil {
		t.Fatalf("start Prometheus (make drill installs it): %v", err)
	}
	t.Cleanup(func() {
		_ = p.command.Process.Signal(syscall.SIGTERM)
		_ = p.command.Wait()
		if t.Failed() {
			t.Logf("Prometheus said:\n%s", &said)
		}
	})
	p.awaitReady(t)
	return p
}

func (p *prometheus) awaitReady(t *testing.T) {
	t.Helper()
	ticker := time.NewTicker(pollPeriod)
	defer ticker.Stop()
	for began := time.Now(); time.Since(began) < patience; <-ticker.C {
		response, err := http.Get("http://" + p.address + "/-/ready")
		if err != nil {
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatal("Prometheus is not ready")
}

// scrape writes the configuration: the system is looked at as a job of a name.
func (p *prometheus) scrape(t *testing.T, job string) {
	t.Helper()
	write(t, p.config, fmt.Sprintf(`global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [alerts.yml]
scrape_configs:
  - job_name: %s
    static_configs: [{targets: ["%s"]}]
`, job, strings.Join(p.targets, `", "`)))
}

// firing returns the names of the alerts that fire.
func (p *prometheus) firing(t *testing.T) []string {
	t.Helper()
	response, err := http.Get("http://" + p.address + "/api/v1/alerts")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Data struct {
			Alerts []struct {
				Labels, Annotations map[string]string
				State               string
			}
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, alert := range answer.Data.Alerts {
		if alert.State == "firing" {
			out = append(out, alert.Labels["alertname"])
			p.runbook[alert.Labels["alertname"]] = alert.Annotations["runbook_url"]
		}
	}
	return out
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
