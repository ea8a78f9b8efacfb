package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/deploy/dashboards"
)

// TestDashboardsAreInFiles: Grafana reads files, which are what the tables say.
func TestDashboardsAreInFiles(t *testing.T) {
	t.Parallel()
	files := map[string]bool{}
	for _, d := range dashboards.All() {
		content, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("grafana", "dashboards", d.UID+".json")
		files[filepath.Base(path)] = true
		if *update {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if kept, err := os.ReadFile(path); err != nil || string(kept) != string(content) {
			t.Errorf("%s is not what it is made of (go -C deploy test -run Dashboards . -args -update): %v", path, err)
		}
	}
	entries, err := os.ReadDir("grafana/dashboards")
	if err != nil || len(entries) != len(files) {
		t.Errorf("there are %d files, %v", len(entries), err)
	}
}

// queries returns what the dashboards ask, by the panel, with a window in place of Grafana's.
func queries() map[string]string {
	out := map[string]string{}
	for _, d := range dashboards.All() {
		for _, row := range d.Rows {
			for _, p := range row.Panels {
				for _, q := range p.Queries {
					out[d.Title+": "+p.Title+": "+q.Legend] = strings.ReplaceAll(q.Expr, "$__rate_interval", "1m")
				}
			}
		}
	}
	return out
}

// afterwards reports whether a query is of a metric that is there when something has happened.
func afterwards(query string) bool {
	for metric := range later() {
		name, _, _ := strings.Cut(metric, "{")
		if strings.Contains(query, name) {
			return true
		}
	}
	return false
}

// TestDashboardsAskForWhatIsThere: a process that has just begun shows every series that a panel
// asks for, but for those that something has to make.
func TestDashboardsAskForWhatIsThere(t *testing.T) {
	t.Parallel()
	shown := series(t, metrics(t))
	for panel, query := range queries() {
		if missing := missing(t, query, shown); len(missing) != 0 && !afterwards(query) {
			t.Errorf("%s asks for %q", panel, missing)
		}
	}
}

// TestNoPanelIsEmpty: a real Prometheus has something for each query after the demonstration, whose repository is on no
// Git host.
func TestNoPanelIsEmpty(t *testing.T) {
	t.Parallel()
	address := free(t)
	demonstrate(t, address)
	prometheus := prometheus(t, free(t), []string{address})
	for panel, query := range queries() {
		if strings.Contains(query, "fgd_circuit_state") {
			continue
		}
		await(t, panel, func() bool { return value(t, prometheus, query) != "" })
	}
}

// demonstrate runs the demonstration until the test ends.
func demonstrate(t *testing.T, address string) {
	t.Helper()
	background(t, *program, "demo", "--http", address, "--grpc", "127.0.0.1:0")
	await(t, "the demonstration", func() bool { return answers("http://" + address + "/readyz") })
	_ = answers("http://" + address + "/api/v1/health") // a request of the API
}
