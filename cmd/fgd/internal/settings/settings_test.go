package settings_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/cmd/fgd/internal/settings"
	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
)

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fgd.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEverythingThatIsWrongAtOnce holds that each mistake is found where it is, once, with what would be right.
func TestEverythingThatIsWrongAtOnce(t *testing.T) {
	t.Parallel()
	path := file(t, `# a comment
log_level: loud
sync_timeuot: 1s
sync_concurrency: many
retry_initial: 2m
redis_url: postgres://u:s3cret@h/
signing_key_file: /nope
max_file_bytes: 0
sync_timeout: 300
tls_key_file: settings_test.go
github_webhook_secret: s3cret
log_level: info
grpc_listen: here
credentials_dir: settings_test.go
oidc_audience: api
`)
	report, err := settings.Check(path, []string{
		"HEDGEHOG_FGD_STAGE_TIMEOUT=soon", "HEDGEHOG_FGD_SYNK_TIMEOUT=1s", "HEDGEHOG_FGD_GIT_TOKEN=s3cret", "HOME=/",
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range report.Findings {
		got = append(got, fmt.Sprintf("%d %s%s", f.Origin.Line, f.Key, strings.TrimPrefix(f.Origin.Variable, "HEDGEHOG_FGD")))
		if text := f.Message + f.Remedy; strings.Contains(text, "s3cret") || f.Remedy == "" {
			t.Errorf("%+v", f)
		}
		if f.Origin.Line > 0 && (f.Origin.File != path || f.Origin.Column != 1) {
			t.Errorf("%s is at %v", f.Key, f.Origin)
		}
	}
	want := []string{
		"0 ", "0 oidc_issuer", "2 log_level", "3 ", "4 sync_concurrency", "5 retry_initial", "6 redis_url",
		"7 signing_key_file", "8 max_file_bytes", "9 sync_timeout", "11 github_webhook_secret", "12 ", "13 grpc_listen",
		"14 credentials_dir", "0 stage_timeout_STAGE_TIMEOUT", "0 _SYNK_TIMEOUT",
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %q\nnot   %q", got, want)
	}
}

// TestWhatIsPassedListens: what a service would refuse at its start, because others could reach what asks nobody who
// they are, is found before.
func TestWhatIsPassedListens(t *testing.T) {
	t.Parallel()
	const certificates = "service_ca_file: /dev/null\nservice_certificate_file: /dev/null\nservice_key_file: /dev/null\n"
	for content, want := range map[string]string{
		"grpc_listen: 0.0.0.0:9091\n":                                            "grpc_listen 1",
		"grpc_listen: 0.0.0.0:9091\n" + certificates:                             "",
		"http_listen: 0.0.0.0:9191\n":                                            "",
		"allow_unauthenticated: true\nhttp_listen: 0.0.0.0:8080\n":               "http_listen 2",
		"allow_unauthenticated: true\nhttp_listen: 127.0.0.1:8080\n":             "",
		"allow_unauthenticated: true\ngrpc_listen: '[::]:9090'\n" + certificates: "grpc_listen 2",
		"allow_unauthenticated: maybe\nhttp_listen: 0.0.0.0:8080\n":              "allow_unauthenticated 1",
		"allow_unauthenticated: true\nhttp_listen: 127.0.0.1\n":                  "http_listen 2",
		"grpc_listen: localhost:9091\ntls_key_file: ''\nservice_ca_file: ''\n":   "",
	} {
		path := file(t, content)
		report, err := settings.Check(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if of, err := settings.Check(path, nil, "bridge"); err != nil ||
			len(of.Findings) > 0 && !strings.Contains(content, "unauthenticated") {
			t.Errorf("%q: of the bridge alone: %+v, %v", content, of, err)
		}
		got := ""
		for _, f := range report.Findings {
			got += fmt.Sprintf(" %s %d", f.Key, f.Origin.Line)
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("%q: found %q, not %q", content, got, want)
		}
	}
}

// TestTheSampleIsRight, and says the defaults that are in the code.
func TestTheSampleIsRight(t *testing.T) {
	t.Parallel()
	path := file(t, string(config.Sample()))
	source, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, read := range defaults() {
		fresh, sampled := fmt.Sprintf("%+v", read()), read()
		if err := source.Into(sampled); err != nil {
			t.Error(err)
		} else if got := fmt.Sprintf("%+v", sampled); normal(got) != normal(fresh) {
			t.Errorf("the sample makes\n%s\nof\n%s", got, fresh)
		}
	}
	report, err := settings.Check(path, nil)
	if err != nil || len(report.Findings) != 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

func defaults() []func() any {
	all := []func() any{func() any { return app.Settings() }}
	for _, def := range suite.Definitions() {
		all = append(all, def.Config)
	}
	return all
}

// normal leaves out how an empty list is written.
func normal(text string) string { return strings.ReplaceAll(text, "[]", "") }

// TestWhatIsPrinted is what counts, and who says so; a secret is not.
func TestWhatIsPrinted(t *testing.T) {
	t.Parallel()
	path := file(t, "sync_timeout: 10m\nlog_level: warn\ngithub_webhook_secret: [s3cret-s3cret-s3cret]\n")
	values, err := settings.Values(path, []string{
		"HEDGEHOG_FGD_LOG_LEVEL=debug", "HEDGEHOG_FGD_REDIS_URL=redis://:s3cret@h:1/0",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"sync_timeout": "10m " + path + ":1:1", "log_level": "debug HEDGEHOG_FGD_LOG_LEVEL",
		"github_webhook_secret": "set " + path + ":3:1", "gitlab_webhook_secret": "unset default",
		"redis_url": "set HEDGEHOG_FGD_REDIS_URL", "sync_attempts": "3 default",
		"orchestrator_address": "127.0.0.1:9091 default",
	}
	for _, v := range values {
		if said := v.Value + " " + v.From; want[v.Key] != "" && said != want[v.Key] || strings.Contains(said, "s3cret") {
			t.Errorf("%s is %s", v.Key, said)
		}
	}
	if len(values) != len(settings.Keys()) || len(values) < 80 {
		t.Errorf("%d values of %d keys", len(values), len(settings.Keys()))
	}
}

// TestEveryKeyIsExplained holds that nobody adds one without words.
func TestEveryKeyIsExplained(t *testing.T) {
	t.Parallel()
	for _, k := range settings.Keys() {
		if k.About == "" || k.Type == "" || len(k.Services) == 0 || k.Variable == "" {
			t.Errorf("%+v", k)
		}
	}
	if _, err := config.Find(settings.Keys(), "HEDGEHOG_FGD_SYNC_TIMEOUT"); err != nil {
		t.Error(err)
	}
}

var update = flag.Bool("update", false, "write the table of docs/configuration.md anew")

// TestTheTableOfKeys is the one in docs/configuration.md.
func TestTheTableOfKeys(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../../../../docs/configuration.md", "<!-- begin keys -->\n", "<!-- end keys -->\n"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), begin)
	table, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatal("the document has no table of keys")
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+tableOfKeys()+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != tableOfKeys() {
		t.Error("the table is not that of the keys; write it anew: go test ./cmd/fgd/internal/settings " +
			"-run TableOfKeys -update")
	}
}

func tableOfKeys() string {
	var b strings.Builder
	b.WriteString("| key | default | type | allowed | read by | reload |\n|---|---|---|---|---|---|\n")
	for _, k := range settings.Keys() {
		reload := "restart"
		if k.Reload {
			reload = "reload"
		}
		code := ""
		if k.Default != "" {
			code = "`" + k.Default + "`"
		}
		kind := k.Type
		if k.Unit == "bytes" || k.Unit == "percent" {
			kind = k.Unit
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", k.Name, code, kind, k.Allowed,
			strings.Join(k.Services, ", "), reload)
	}
	return b.String()
}
