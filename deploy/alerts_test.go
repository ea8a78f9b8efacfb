// Package deploy holds the files that others run the system with to what the system is.
package deploy

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

var program = flag.String("fgd", "", "the program whose metrics are looked at")

// rules is what the tests read of the file of alerts.
type rules struct {
	Groups []struct {
		Rules []struct {
			Alert, Expr, For string
			Labels           map[string]string
			Annotations      map[string]string
		}
	}
}

func alerts(t *testing.T) rules {
	t.Helper()
	raw, err := os.ReadFile("prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var out rules
	if err := yaml.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Groups) == 0 || len(out.Groups[0].Rules) < 10 {
		t.Fatalf("read %+v", out)
	}
	return out
}

// TestAlertsCanFireFromTheStart: a process that has just begun shows every series that an alert looks at. Of one that
// is born with its first event, no rate shows that event.
func TestAlertsCanFireFromTheStart(t *testing.T) {
	t.Parallel()
	shown := metrics(t)
	if missing := missing(t, `sum(rate(fgd_sync_total{status="no such state"}[5m])) > absent(fgd_nothing)`, shown); len(
		missing) != 2 {
		t.Fatalf("the test sees nothing: %q", missing)
	}
	for _, group := range alerts(t).Groups {
		for _, rule := range group.Rules {
			for _, selector := range missing(t, rule.Expr, shown) {
				if onlyWhenConfigured(selector) {
					continue
				}
				t.Errorf("%s looks at %s, which a process that has just begun does not show", rule.Alert, selector)
			}
		}
	}
}

// onlyWhenConfigured reports whether a selector is of a part that a process has when its configuration says so alone.
// Such a part is there from the start of the process too.
func onlyWhenConfigured(selector string) bool {
	return strings.Contains(selector, `component="service-certificate"`) ||
		strings.Contains(selector, `component="callers-certificate"`)
}

// TestEveryPartHasAnAlert: what the metrics tell of as a part of a service is in an alert.
func TestEveryPartHasAnAlert(t *testing.T) {
	t.Parallel()
	own := map[string]string{
		"redis": "FGDRedisDown", "queue": "FGDWorkIsOld", "dead-letters": "FGDDeadLetters",
		"issuer": "", // the health alone tells of it
	}
	expressions := map[string]string{}
	for _, group := range alerts(t).Groups {
		for _, rule := range group.Rules {
			expressions[rule.Alert] = rule.Expr
		}
	}
	raw, err := os.ReadFile("../libs/health/component.go")
	if err != nil {
		t.Fatal(err)
	}
	parts := regexp.MustCompile(`(?m)^\t\w+ += "([a-z-]+)"`).FindAllSubmatch(raw, -1)
	if len(parts) < 10 {
		t.Fatalf("read %q", parts)
	}
	for _, match := range parts {
		part := string(match[1])
		alert, has := own[part]
		switch {
		case has && alert != "" && expressions[alert] == "":
			t.Errorf("%s is said to have the alert %s, which is not there", part, alert)
		case !has && !regexp.MustCompile(`["|]`+part+`["|]`).MatchString(expressions["FGDComponentUnwell"]):
			t.Errorf("no alert looks at %s", part)
		}
	}
}

// missing returns the selectors of an expression that no series matches. Each word of an alternative has to be matched.
func missing(t *testing.T, expression string, shown []labels.Labels) []string {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		selector, is := node.(*parser.VectorSelector)
		if !is || selector.Name == "up" { // which Prometheus makes
			return nil
		}
		for _, wanted := range alternatives(selector.LabelMatchers) {
			if !slices.ContainsFunc(shown, func(l labels.Labels) bool { return matches(wanted, l) }) {
				out = append(out, fmt.Sprint(wanted))
			}
		}
		return nil
	})
	return out
}

func matches(matchers []*labels.Matcher, series labels.Labels) bool {
	return !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(series.Get(m.Name)) })
}

// alternatives returns matchers without alternatives, for each combination of those that there are.
func alternatives(matchers []*labels.Matcher) [][]*labels.Matcher {
	out := [][]*labels.Matcher{nil}
	for _, m := range matchers {
		values, kind := []string{m.Value}, m.Type
		if m.Type == labels.MatchRegexp {
			values, kind = strings.Split(m.Value, "|"), labels.MatchEqual
		}
		var more [][]*labels.Matcher
		for _, before := range out {
			for _, value := range values {
				one := labels.MustNewMatcher(kind, m.Name, value)
				more = append(more, append(slices.Clone(before), one))
			}
		}
		out = more
	}
	return out
}

// metrics returns the series that fgd up shows before anything has happened.
func metrics(t *testing.T) []labels.Labels {
	t.Helper()
	if *program == "" {
		t.Skip("make lint-deploy runs this, with the program that was built")
	}
	response, err := http.Get(start(t) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v: %s", response.Status, err, text)
	}
	var out []labels.Labels
	series := regexp.MustCompile(`(?m)^(\w+(?:\{.*\})?) \S+$`)
	for _, match := range series.FindAllSubmatch(text, -1) {
		one, err := parser.NewParser(parser.Options{}).ParseMetric(string(match[1]))
		if err != nil {
			t.Fatalf("%s: %v", match[1], err)
		}
		out = append(out, one)
	}
	return out
}

// start runs the program until the test ends, and returns where it is.
func start(t *testing.T) string {
	t.Helper()
	run := exec.CommandContext(context.WithoutCancel(t.Context()), *program, "up", "--data", t.TempDir(),
		"--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
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
	t.Cleanup(func() {
		_ = run.Process.Signal(syscall.SIGTERM)
		<-read
		if err := run.Wait(); err != nil {
			t.Errorf("the program ended with %v", err)
		}
	})
	address := <-said
	if address == "" {
		t.Fatal("the program did not start")
	}
	return "http://" + address
}

// TestEveryAlertIsWhole: it has a severity, says what to do, is tested for firing and silence, and is described.
func TestEveryAlertIsWhole(t *testing.T) {
	t.Parallel()
	tests, page := text(t, "prometheus/alerts_test.yml"), text(t, "../docs/operations.md")
	for _, group := range alerts(t).Groups {
		for _, rule := range group.Rules {
			if severity := rule.Labels["severity"]; severity != "critical" && severity != "warning" {
				t.Errorf("%s has the severity %q", rule.Alert, severity)
			}
			if rule.For == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("%s has no time, no summary or no description: %+v", rule.Alert, rule)
			}
			if strings.Contains(rule.Expr, "/ sum") && !strings.Contains(rule.Expr, ">= 5") {
				t.Errorf("%s is a share of what may be one", rule.Alert)
			}
			silent := regexp.MustCompile(`alertname: ` + rule.Alert + `, exp_alerts: \[\]`)
			fires := regexp.MustCompile(`alertname: ` + rule.Alert + `\n\s+exp_alerts:\n`)
			if !silent.MatchString(tests) || !fires.MatchString(tests) {
				t.Errorf("%s is not seen firing, or not seen silent", rule.Alert)
			}
			if !strings.Contains(page, "`"+rule.Alert+"`") {
				t.Errorf("docs/operations.md does not say what to do about %s", rule.Alert)
			}
		}
	}
}

func text(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
