package deploy

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the page of metrics anew")

const metricsPage = "../docs/metrics.md"

// head is how the page begins.
const head = `# Metrics

This page is made of what "fgd up" shows before anything has happened, with a target of notifications; five processes
show the same, each its part. "make metrics-page" makes it anew. [Operations](operations.md#metrics) says which process
has which, and [the alerts](operations.md#alerts) look at them. Beside these there are those of the Go runtime ("go_…")
and of the process ("process_…"). Histograms of syncs, their stages and calls over gRPC
have ids of traces as exemplars.

| metric | type | what it says |
|---|---|---|
`

// later are the metrics whose series have labels that are not known before something happens, and what has to happen.
func later() map[string]string {
	return map[string]string{
		"fgd_circuit_state{target}":                  "a Git host, another service or a NetBox is asked",
		"fgd_directory_issues_total{code}":           "something is found in a directory",
		"fgd_http_request_duration_seconds{surface}": "a request is answered",
		"fgd_live_listeners{transport}":              "somebody listens to live progress",
		"fgd_redis_seconds{command,result}":          "Redis is called",
	}
}

// TestThePageOfMetricsIsThatOfTheProgram: it has each metric that a program shows, and each that the sources name.
func TestThePageOfMetricsIsThatOfTheProgram(t *testing.T) {
	t.Parallel()
	page := describe(t, metrics(t))
	if *update {
		if err := os.WriteFile(metricsPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if text(t, metricsPage) != page {
		t.Errorf("docs/metrics.md is another page; make metrics-page writes it:\n%s", page)
	}
	named := inSources(t)
	if len(named) < 30 {
		t.Fatalf("the sources name %q", named)
	}
	for _, name := range named {
		if !strings.Contains(page, "`"+name+"`") && !strings.Contains(page, "`"+name+"{") {
			t.Errorf("a program that has just begun does not show %s, and nobody says why", name)
		}
	}
}

// TestNamesOfMetricsAreGood, by the rules of Prometheus.
func TestNamesOfMetricsAreGood(t *testing.T) {
	t.Parallel()
	check := exec.Command("promtool", "check", "metrics")
	check.Stdin = strings.NewReader(metrics(t))
	if said, err := check.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("promtool: %v\n%s", err, said)
	}
}

// describe returns the page: of each metric of ours its name, its labels, its type and what it says.
func describe(t *testing.T, shown string) string {
	t.Helper()
	labels := map[string]map[string]bool{}
	for _, one := range series(t, shown) {
		family := regexp.MustCompile(`_(?:bucket|sum|count)$`).ReplaceAllString(one.Get("__name__"), "")
		for name := range one.Map() {
			if name != "__name__" && name != "le" {
				if labels[family] == nil {
					labels[family] = map[string]bool{}
				}
				labels[family][name] = true
			}
		}
	}
	var out strings.Builder
	out.WriteString(head)
	family := regexp.MustCompile(`(?m)^# HELP (fgd_\w+) (.*)\n# TYPE \w+ (\w+)$`)
	for _, match := range family.FindAllStringSubmatch(shown, -1) {
		name := match[1]
		if of := slices.Sorted(maps.Keys(labels[name])); len(of) > 0 {
			name += "{" + strings.Join(of, ",") + "}"
		}
		if later()[name] != "" { // it may be there by now
			continue
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s |\n", name, match[3], match[2])
	}
	out.WriteString("\nThese come with their first series:\n\n| metric | when |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(later())) {
		fmt.Fprintf(&out, "| `%s` | %s |\n", name, later()[name])
	}
	return out.String()
}

// inSources returns the names of metrics that the sources of the project have.
func inSources(t *testing.T) []string {
	t.Helper()
	found := map[string]bool{}
	for _, pattern := range []string{
		"../libs/*/*.go", "../services/*/*.go", "../services/*/internal/*/*.go",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, name := range words(text(t, file), `(?:Name:\s+|NewDesc\()"(fgd_\w+)"`) {
				found[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}
