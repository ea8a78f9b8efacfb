package drill

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/test/system"
)

// How much shorter a drill is than an outage: windows and limits in seconds by the first, the time that something has
// to be so by the second, and none is longer than the last.
const (
	shorterWindows = 60
	shorterFor     = 120
	longestWindow  = time.Minute
	longestLimit   = 30 // seconds
)

// rules returns the text of the rules that are shipped.
func rules(t *testing.T) string {
	t.Helper()
	root, err := system.Root()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(root, "deploy", "prometheus", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// alerts returns the names of the alerts of rules.
func alerts(t *testing.T, rules string) []string {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []struct{ Alert string } }
	}
	if err := yaml.Unmarshal([]byte(rules), &file); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if rule.Alert != "" {
				out = append(out, rule.Alert)
			}
		}
	}
	return out
}

var (
	windows = regexp.MustCompile(`\[(\d+[mhd])(?::(\d+m))?\]`)
	waits   = regexp.MustCompile(`(?m)^(\s+for: )(\d+[mhd])$`)
	limits  = regexp.MustCompile(`(seconds[^>\n]*) > (\d+)`)
)

// hastened returns rules in which times are shorter, and nothing else differs.
func hastened(rules string) string {
	rules = windows.ReplaceAllStringFunc(rules, func(window string) string {
		parts := windows.FindStringSubmatch(window)
		short := min(max(duration(parts[1])/shorterWindows, 5*time.Second), longestWindow)
		if parts[2] == "" {
			return fmt.Sprintf("[%s]", short)
		}
		return fmt.Sprintf("[%s:1s]", short)
	})
	rules = waits.ReplaceAllStringFunc(rules, func(wait string) string {
		parts := waits.FindStringSubmatch(wait)
		return parts[1] + max(duration(parts[2])/shorterFor, time.Second).Round(time.Second).String()
	})
	return limits.ReplaceAllStringFunc(rules, func(limit string) string {
		parts := limits.FindStringSubmatch(limit)
		seconds, _ := strconv.ParseFloat(parts[2], 64)
		return fmt.Sprintf("%s > %g", parts[1], min(seconds/shorterWindows, longestLimit))
	})
}

// duration reads one of Prometheus, of one number and one unit.
func duration(text string) time.Duration {
	number, _ := strconv.Atoi(text[:len(text)-1])
	return time.Duration(number) * map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[text[len(
		text)-1]]
}

// TestADrillHasTheRulesThatAreShipped, but for times: what is left of both without times is the same.
func TestADrillHasTheRulesThatAreShipped(t *testing.T) {
	t.Parallel()
	shipped := rules(t)
	fast := hastened(shipped)
	timeless := func(text string) string {
		text = regexp.MustCompile(`\[[\w.]+(?::\w+)?\]`).ReplaceAllString(text, "[]")
		text = regexp.MustCompile(`(?m)for: \w+$`).ReplaceAllString(text, "for:")
		return regexp.MustCompile(`> [\d.]+`).ReplaceAllString(text, ">")
	}
	if timeless(fast) != timeless(shipped) {
		t.Errorf("the rules of a drill are others:\n%s", fast)
	}
	for _, want := range []string{
		"[5s]", "[1m0s]", "[10s:1s]", "for: 1s", "for: 30s", `fgd_sync_duration_seconds_bucket[10s]))) > 0.5`,
		`fgd_event_oldest_seconds{group="orchestrators"}) > 10`, "max(fgd_netbox_unproven_oldest_seconds) > 15",
		"max(fgd_oldest_success_age_seconds) > 30", "max(fgd_queue_depth) > 10",
	} {
		if !strings.Contains(fast, want) {
			t.Errorf("they have no %s:\n%s", want, fast)
		}
	}
}

// TestEveryAlertIsCaused: there is a mishap for each, and none for another.
func TestEveryAlertIsCaused(t *testing.T) {
	t.Parallel()
	var caused []string
	for _, m := range mishaps() {
		caused = append(caused, m.alerts...)
	}
	slices.Sort(caused)
	want := alerts(t, rules(t))
	slices.Sort(want)
	if !slices.Equal(slices.Compact(caused), want) {
		t.Errorf("caused are %q, and there are %q", caused, want)
	}
}
