package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// TestFiveProcessesProveWhoTheyAre to each other, do the main job, and go on while their authority is changed as
// docs/operations.md says, without a restart and without a call that fails. What begins afterwards knows the new one.
func TestFiveProcessesProveWhoTheyAre(t *testing.T) {
	t.Parallel()
	h := newHost(t, fabric.PreInit(directory))
	certs, next := filepath.Join(t.TempDir(), "certs"), filepath.Join(t.TempDir(), "next")
	fgd := func(args ...string) {
		t.Helper()
		if result := programs.Run(t, nil, args...); result.Code != 0 {
			t.Fatalf("fgd %v: %d\n%s", args, result.Code, result.Output())
		}
	}
	fgd("certs", "init", certs)
	s := programs.FiveProving(t, system.Redis(t).URL(), certs, nil)
	h.requireMainJob(s)
	ask := func() {
		t.Helper()
		for range 50 {
			if code, body := s.Try(http.MethodGet, "/api/v1/fabrics", nil); code != http.StatusOK {
				t.Fatalf("a call: %d %s\n%s", code, body, s.Output())
			}
		}
	}
	fgd("certs", "renew", certs)
	ask()
	fgd("certs", "init", next)
	replace(t, filepath.Join(certs, "ca.crt"),
		content(t, filepath.Join(certs, "ca.crt"))+content(t, filepath.Join(next, "ca.crt")))
	fgd("certs", "renew", certs) // now all take both
	again(s, "github-sync")
	ask()
	replace(t, filepath.Join(certs, "ca.key"), content(t, filepath.Join(next, "ca.key")))
	fgd("certs", "renew", certs) // of the new one
	again(s, "orchestrator")
	ask()
	replace(t, filepath.Join(certs, "ca.crt"), content(t, filepath.Join(next, "ca.crt")))
	fgd("certs", "renew", certs) // which is the only one now
	for _, name := range []string{"directory", "ingestion", "github-sync"} {
		again(s, name)
	}
	ask()
	if strings.Contains(s.Output(), "a connection was refused") || strings.Contains(s.Output(), "can't be used") {
		t.Errorf("somebody was refused:\n%s", s.Output())
	}
}

// again ends a program, and starts it anew.
func again(s *system.System, name string) {
	s.Processes[name].Stop()
	s.Restart(name)
	s.AwaitReady()
}

func content(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func replace(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
