package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fgdsync.dev/test/system"
)

// TestReload tells each process to read its file again: what may change counts, what needs a restart is named, and a
// wrong file changes nothing. Of the bridge it is seen from outside: a secret for webhooks turns 404 into 401.
func TestReload(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T, file string) *system.System{
		"up": func(t *testing.T, file string) *system.System {
			return programs.Up(t, nil, "--redis", system.Redis(t).URL(), "--config", file)
		},
		"five processes": func(t *testing.T, file string) *system.System {
			return programs.FiveConfigured(t, system.Redis(t).URL(), file, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "fgd.yaml")
			r := &reloaded{t: t, file: file}
			r.write("log_level: info\n")
			r.System = start(t, file)
			r.requireWebhooks(http.StatusNotFound)
			r.tell(good, `"msg":"configuration reloaded"`)
			r.requireWebhooks(http.StatusUnauthorized)
			r.requireHealth("healthy", "")
			r.requireMetric("fgd_config_reload_success 1")
			r.tell(good+"request_timeout: 50s\nsync_timeout: 200s\nmax_file_bytes: 1000000\ncrd_dir: /crds\ndata_dir: /nowhere\n",
				`"needs_restart":["`)
			r.requireHealth("degraded", "request_timeout")
			r.tell("github_webhook_secret: short\nsync_attempts: 0\nmax_depth: 1\nstore_max_age: 1\nlog_level: loud\n",
				`"msg":"configuration not reloaded`)
			r.requireWebhooks(http.StatusUnauthorized)
			r.requireHealth("degraded", "log_level")
			r.requireMetric("fgd_config_reload_success 0")
			r.tell(good, `"needs_restart":[]`)
			r.requireHealth("healthy", "")
			for program, process := range r.Processes {
				changed := map[string]string{"orchestrator": "mass_delete_minimum", "fgd": "mass_delete_minimum"}[program]
				if out := process.Output(); !strings.Contains(out, `"log_level"`) || !strings.Contains(out, changed) {
					t.Errorf("%s does not say what has changed:\n%s", program, out)
				}
			}
		})
	}
}

const good = "log_level: debug\nmass_delete_minimum: 11\ngithub_webhook_secret: 0123456789abcdef0123\n"

// reloaded is a system whose file is changed.
type reloaded struct {
	*system.System
	t    *testing.T
	file string
}

func (r *reloaded) write(content string) {
	r.t.Helper()
	if err := os.WriteFile(r.file, []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// tell changes the file, and waits until each process has said something of it once more.
func (r *reloaded) tell(content, says string) {
	r.t.Helper()
	r.write(content)
	said := map[string]int{}
	for name, process := range r.Processes {
		said[name] = strings.Count(process.Output(), says)
		process.Signal(syscall.SIGHUP)
	}
	r.Await("all to say "+says, func() bool {
		for name, process := range r.Processes {
			if strings.Count(process.Output(), says) == said[name] {
				return false
			}
		}
		return true
	})
}

func (r *reloaded) requireWebhooks(want int) {
	r.t.Helper()
	if code, body := r.Try(http.MethodPost, "/webhooks/github", map[string]any{}); code != want {
		r.t.Errorf("a webhook gets %d, not %d: %s", code, want, body)
	}
}

func (r *reloaded) requireHealth(status, names string) {
	r.t.Helper()
	for _, one := range look(r.t, r.System).Components {
		if one.Name == "configuration" && one.Service == "bridge" {
			if one.Status != status || !strings.Contains(one.Reason, names) {
				r.t.Errorf("the configuration is %+v, not %s", one, status)
			}
			return
		}
	}
	r.t.Error("the health does not tell of the configuration")
}

func (r *reloaded) requireMetric(line string) {
	r.t.Helper()
	for name, address := range r.Operations {
		if text := get(r.t, r.Client(), address+"/metrics", "text/plain"); !strings.Contains(text, "\n"+line+"\n") {
			r.t.Errorf("the metrics of %s have no %s", name, line)
		}
	}
}
