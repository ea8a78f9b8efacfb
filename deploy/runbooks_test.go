package deploy

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// runbooksSite is where the project's site has the runbooks of this repository.
const runbooksSite = "https://fgdsync.dev/docs/runbooks/"

// chapters are those of a runbook, in their order.
func chapters() []string {
	return []string{"What it means", "Who is hurt", "Look", "Mend", "It is over", "Where it comes from"}
}

// TestEveryAlertHasARunbook, to which it leads, which says what the alert says, and there is none without an alert.
func TestEveryAlertHasARunbook(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("../docs/runbooks")
	if err != nil {
		t.Fatal(err)
	}
	index := text(t, "../docs/runbooks/README.md")
	var pages []string
	for _, entry := range entries {
		if entry.Name() != "README.md" {
			pages = append(pages, strings.TrimSuffix(entry.Name(), ".md"))
		}
	}
	for _, rule := range alerts(t) {
		at := slices.Index(pages, rule.Alert)
		if at < 0 {
			t.Errorf("%s has no runbook", rule.Alert)
			continue
		}
		pages = slices.Delete(pages, at, at+1)
		if got := rule.Annotations["runbook_url"]; got != runbooksSite+rule.Alert+".md" {
			t.Errorf("%s leads to %q", rule.Alert, got)
		}
		severity, summary := rule.Labels["severity"], rule.Annotations["summary"]
		if row := fmt.Sprintf("| [`%s`](%s.md) | `%s` | %s |\n", rule.Alert, rule.Alert, severity, summary); !strings.Contains(
			index, row) {
			t.Errorf("the index of runbooks has no row %s", row)
		}
		page := text(t, "../docs/runbooks/"+rule.Alert+".md")
		if begin := fmt.Sprintf("# %s\n\n%s. An alert of the severity `%s`, after ", rule.Alert, summary, severity); !strings.
			HasPrefix(page, begin) {
			t.Errorf("the runbook of %s does not begin with %s", rule.Alert, begin)
		}
		if got := words(page, `(?m)^## (.*)$`); !slices.Equal(got, chapters()) {
			t.Errorf("the runbook of %s has the chapters %q", rule.Alert, got)
		}
	}
	if len(pages) > 0 {
		t.Errorf("runbooks of alerts that are not there: %q", pages)
	}
}

// TestWhatRunbooksNameIsThere: commands and their flags, metrics, keys and variables of the configuration, codes.
func TestWhatRunbooksNameIsThere(t *testing.T) {
	t.Parallel()
	n := allNames(t)
	for text, wrong := range map[string]bool{
		"`fgd fabric shows`": true, "`fgd sync list --activ`": true, "`fgd fabric show fabric-1 --wait`": true, "`fgd_fabriks`": true,
		"`FGD_9999`": true, "`sync_timeouts`": true, "`HEDGEHOG_FGD_NOTHING`": true,
		"`fgd sync start fabric-1 --wait`, `fgd_sync_duration_seconds_bucket`, `FGD_5001`, `sync_timeout`": false,
	} {
		if found := n.missing(text); (len(found) > 0) != wrong {
			t.Fatalf("of %s is missing %q", text, found)
		}
	}
	for _, rule := range alerts(t) {
		for _, missing := range n.missing(text(t, "../docs/runbooks/"+rule.Alert+".md")) {
			t.Errorf("the runbook of %s names %s, which is not there", rule.Alert, missing)
		}
	}
}

// names are what there is to be named.
type names struct {
	commands     map[string]string // the reference of each
	metrics, all string            // pages
	codes        string
	keys         map[string]any
}

func allNames(t *testing.T) names {
	t.Helper()
	n := names{
		commands: map[string]string{}, metrics: text(t, metricsPage), codes: text(t, "../docs/errors.md"),
		all: text(t, "../docs/operations.md") + text(t, metricsPage),
	}
	for section := range strings.SplitSeq(text(t, "../docs/cli-reference.md"), "\n## ") {
		name, reference, _ := strings.Cut(section, "\n")
		n.commands[name] = reference
	}
	if err := yaml.Unmarshal([]byte(text(t, "../libs/config/fgd.yaml")), &n.keys); err != nil {
		t.Fatal(err)
	}
	return n
}

// missing returns what a text names that there is not.
func (n names) missing(text string) []string {
	var out []string
	for _, line := range words(text, `(?m)(?:^|[\x60/])(fgd [a-z][^\x60\n]*)`) {
		out = append(out, n.missingOf(line)...)
	}
	for _, name := range words(text, `\b(fgd_[a-z_]*[a-z])`) {
		family := regexp.MustCompile(`_(?:bucket|sum|count)$`).ReplaceAllString(name, "")
		if !strings.Contains(n.metrics, "`"+family) {
			out = append(out, name)
		}
	}
	for _, code := range words(text, `\b(FGD_\d{4})\b`) {
		if !strings.Contains(n.codes, "| `"+code+"` |") {
			out = append(out, code)
		}
	}
	for _, variable := range words(text, `HEDGEHOG_FGD_([A-Z_]+)`) {
		if _, known := n.keys[strings.ToLower(variable)]; !known && !strings.HasPrefix(variable, "GIT_") {
			out = append(out, variable)
		}
	}
	for _, word := range words(text, "`([a-z]+(?:_[a-z]+)+)`") {
		_, isKey := n.keys[word]
		if !isKey && !strings.HasPrefix(word, "fgd_") && !strings.Contains(n.all, word) {
			out = append(out, word)
		}
	}
	return out
}

// missingOf returns what there is not of a command: itself, or its flags. Its name is the longest that the reference has.
func (n names) missingOf(line string) []string {
	line, _, _ = strings.Cut(line, " | ")
	fields := strings.Fields(line)
	name := fields[0]
	for _, field := range fields[1:] {
		if _, longer := n.commands[name+" "+field]; !longer {
			break
		}
		name += " " + field
	}
	reference := n.commands[name]
	if !strings.Contains(reference, "\n"+name) { // only a group has no line of usage
		return []string{line}
	}
	var out []string
	for _, flag := range words(line, ` (--?[a-z][a-z-]*)`) {
		if !strings.Contains(reference, " "+flag+" ") && !strings.Contains(reference, " "+flag+",") {
			out = append(out, name+" "+flag)
		}
	}
	return out
}
