// Package deploy holds the files that others run the system with to what the system is.
package deploy

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// rule is what the tests read of a rule: an alert, or a series that alerts are about.
type rule struct {
	Alert, Record, Expr, For string
	Labels, Annotations      map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal([]byte(text(t, "prometheus/alerts.yml")), &file); err != nil {
		t.Fatal(err)
	}
	var out []rule
	for _, group := range file.Groups {
		out = append(out, group.Rules...)
	}
	return out
}

func alerts(t *testing.T) []rule {
	t.Helper()
	out := slices.DeleteFunc(rules(t), func(r rule) bool { return r.Alert == "" })
	if len(out) < 20 {
		t.Fatalf("read %+v", out)
	}
	return out
}

// TestAlertsCanFireFromTheStart: a process that has just begun shows every series that an alert looks at. Of one that
// is born with its first event, no rate shows that event.
func TestAlertsCanFireFromTheStart(t *testing.T) {
	t.Parallel()
	shown := series(t, metrics(t))
	if missing := missing(t, `sum(rate(fgd_sync_total{status="no such state"}[5m])) > absent(fgd_nothing)`, shown); len(
		missing) != 2 {
		t.Fatalf("the test sees nothing: %q", missing)
	}
	shown = append(shown, recorded(t)...)
	for _, rule := range rules(t) {
		for _, selector := range missing(t, rule.Expr, shown) {
			if !onlyWhenConfigured(selector) {
				t.Errorf("%s%s looks at %s, which a process that has just begun does not show", rule.Alert, rule.Record,
					selector)
			}
		}
	}
}

// recorded are the series that rules make of others.
func recorded(t *testing.T) []labels.Labels {
	t.Helper()
	var out []labels.Labels
	for _, rule := range rules(t) {
		if rule.Record != "" {
			out = append(out, labels.FromStrings("__name__", rule.Record))
		}
	}
	return out
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
		"netbox": "FGDDeliveryStuck",
		"issuer": "", // the health alone tells of it
	}
	expressions := map[string]string{}
	for _, rule := range alerts(t) {
		expressions[rule.Alert] = rule.Expr
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

// TestEveryAlertIsWhole: it has a severity, says what to do, and is described.
func TestEveryAlertIsWhole(t *testing.T) {
	t.Parallel()
	page := text(t, "../docs/operations.md")
	for _, rule := range alerts(t) {
		if severity := rule.Labels["severity"]; !slices.Contains([]string{"critical", "warning", "info"}, severity) {
			t.Errorf("%s has the severity %q", rule.Alert, severity)
		}
		if rule.For == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
			t.Errorf("%s has no time, no summary or no description: %+v", rule.Alert, rule)
		}
		isShare := strings.Contains(rule.Expr, "/ sum") || strings.Contains(rule.Expr, ":ratio_")
		if isShare && !strings.Contains(rule.Expr, ">= 5") {
			t.Errorf("%s is a share of what may be one", rule.Alert)
		}
		if !strings.Contains(page, "[`"+rule.Alert+"`](runbooks/"+rule.Alert+".md)") {
			t.Errorf("docs/operations.md does not lead to what to do about %s", rule.Alert)
		}
	}
}

// TestEveryAlertIsTried: promtool sees it fire, and silent, and fire again after a restart of what it is about.
func TestEveryAlertIsTried(t *testing.T) {
	t.Parallel()
	var file struct {
		Tests []struct {
			Name   string
			Checks []struct {
				Alert  string `yaml:"alertname"`
				Alerts []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	if err := yaml.Unmarshal([]byte(text(t, "prometheus/alerts_test.yml")), &file); err != nil {
		t.Fatal(err)
	}
	fires, silent, again := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, check := range test.Checks {
			switch {
			case len(check.Alerts) == 0:
				silent[check.Alert] = true
			case strings.HasPrefix(test.Name, "a restart"):
				again[check.Alert] = true
			default:
				fires[check.Alert] = true
			}
		}
	}
	for _, rule := range alerts(t) {
		if !fires[rule.Alert] || !silent[rule.Alert] || !again[rule.Alert] {
			t.Errorf("%s is seen firing %v, silent %v, and firing after a restart %v", rule.Alert, fires[rule.Alert],
				silent[rule.Alert], again[rule.Alert])
		}
	}
}
